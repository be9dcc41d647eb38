"""Standings: where a member is on a board, and who is beside it. Members appear by number here, never by id."""

from msgspec import Struct


class Place(Struct, frozen=True, gc=False):
    """One row of a board. `rank` is the competition rank 1-2-2-4: 1 + the members with more points."""

    rank: int
    member: int
    name_number: int
    points: int


class Standing(Struct, frozen=True, gc=False):
    """A member's own place. Not ranked (below 1 point, or hidden): `rank` and `position` are None, `tied` is 0.

    `tied` counts the members with exactly these points, this one included; `position` is the place in the total order.
    """

    member: int
    name_number: int
    points: int
    hidden: bool
    rank: int | None
    position: int | None
    tied: int
