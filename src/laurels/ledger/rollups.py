"""Roll-ups: sums of the feed by day, kept beside it so that a report of years reads some thousand rows.

They hold nothing that the entries do not say: they may be thrown away and are made anew. How far they got is written
with them in one transaction, so no entry is ever counted twice or left out.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from msgspec import Struct

from laurels.model import Mark


class Basis(StrEnum):
    """The day that something counts on: when it was recorded, which never changes afterwards, or when it occurred."""

    RECORDED = "recorded"
    OCCURRED = "occurred"


class Cell(NamedTuple):
    """What is summed apart. `day` is a local date (20261124). `kind` is an entry's, or a word of `rollups.folding` for
    members. `part`: what gave the points (base, a campaign); of a tier's change `silver>gold`. `market` is the
    currency that the points count in, "" where none is known.
    """

    basis: str
    day: int
    kind: str
    part: str
    source: str
    market: str


class Sums(NamedTuple):
    """Points; entries, or members; and the amounts of orders or refunds, in minor units."""

    points: int = 0
    entries: int = 0
    amount: int = 0

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(self.points + other.points, self.entries + other.entries, self.amount + other.amount)


class RolledMember(Struct, frozen=True):
    """What counting a member's next entry needs: its market (`model.market`), the tier, and the last active day."""

    market: str = ""
    tier: str = ""
    active_on: int = 0


class RolledUp(Struct):
    """What some entries add to the cells, and the members as they are afterwards."""

    cells: dict[Cell, Sums] = {}
    members: dict[int, RolledMember] = {}


class RollUpState(Struct, frozen=True):
    """How the cells were made (`scheme`), and up to which entry of each shard."""

    scheme: str
    marks: dict[int, Mark]


class DuePoints(NamedTuple):
    """Points that become active (`pending`) or lapse (`lapse`) on a local date, and of how many members."""

    what: str
    day: int
    points: int
    members: int


class Grouping(Struct, frozen=True):
    """How sums are put together: `per` day, month or all, and which of a cell's words stay apart."""

    per: int = 1
    part: bool = False
    source: bool = False


PER_DAY, PER_MONTH, PER_ALL = 1, 100, 100_000_000
"""`Grouping.per`: what a day's number is divided by."""

BY_DAY = Grouping()


class RollUps(Protocol):
    """The cells, and what follows the feed to keep them."""

    async def rolled_up(self) -> RollUpState:
        """How far they got. An empty scheme and the beginning where there are none."""
        ...

    async def begin_roll_ups(self, scheme: str) -> None:
        """Throw all away and begin again at the first entry."""
        ...

    async def rolled_members(self, numbers: Collection[int]) -> dict[int, RolledMember]:
        """What is kept of members; those of whom nothing is kept are missing."""
        ...

    async def roll_up(self, scheme: str, shard: int, marks: tuple[Mark, Mark], rolled: RolledUp) -> bool:
        """Add what the entries between two marks of a shard say. False where the roll-ups do not end at the first mark
        (any more): nothing is written then, since another process was quicker, or began anew.
        """
        ...

    async def sums(self, basis: Basis, since: int, until: int, grouping: Grouping = BY_DAY) -> list[tuple[Cell, Sums]]:
        """Sums of the days from `since` up to and without `until`, in the order of their keys; a cell's `day` is the
        period's number. Costs by the cells of those days.
        """
        ...

    async def all_cells(self) -> tuple[RollUpState, Mapping[Cell, Sums]]:
        """Every cell and how far they got, of one moment."""
        ...

    async def write_due(self, at: int, rows: Collection[DuePoints]) -> None:
        """Put what falls due in the place of what was known of it, as it was at an instant."""
        ...

    async def due(self, since: int, until: int) -> tuple[int, list[DuePoints]]:
        """What falls due on the days from `since` up to and without `until`, and when that was looked at; 0: never."""
        ...
