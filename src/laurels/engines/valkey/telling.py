"""Changes as the script `apply` takes them."""

from collections.abc import Sequence
from typing import assert_never

from msgspec import msgpack

from laurels.leaderboard import (
    Change,
    Erased,
    Hidden,
    Joined,
    Merged,
    Renamed,
    Scored,
    Unhidden,
    check_change,
    is_name,
)

_EXACT = 2**53  # numbers of a script hold as much
_SUMS = 2**63

_KINDS: dict[type[Change], str] = {Hidden: "hide", Unhidden: "show", Erased: "erase"}

Told = tuple[int | str | None, ...]


def encode(changes: Sequence[tuple[int, Change]]) -> bytes:
    """Changes as MessagePack. Raises `ValueError` where one is outside of the port's range."""
    return msgpack.encode([_told(position, change) for position, change in changes])


def _told(position: int, change: Change) -> Told:
    check_change(change)
    match change:
        case Scored(member, board, points):
            return position, "score", member, _points(points), _name(board)
        case Joined(member, member_id, name_number):
            return position, "join", member, name_number, member_id
        case Renamed(member, name_number):
            return position, "rename", member, name_number
        case Merged(member, into):
            return position, "merge", member, into
        case Hidden() | Unhidden() | Erased():
            return position, _KINDS[type(change)], change.member
        case _:
            assert_never(change)


def _points(points: int) -> int | str:
    if not -_SUMS <= points < _SUMS:
        raise ValueError(f"a change of {points} leaves 64 bits")
    return points if -_EXACT < points < _EXACT else str(points)


def _name(board: str) -> str:
    if not is_name(board):
        raise ValueError(f"{board!r} cannot name a board")
    return board
