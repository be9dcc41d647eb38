"""What a ledger entry means for a leaderboard: members join, hide, show, are renamed or erased, and scores change."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from laurels.leaderboard.boards import Boards
from laurels.model import BoardEntry, EntryKind
from laurels.model.details import merged_into, scores
from laurels.model.entries import SCORED


class Joined(Struct, frozen=True, gc=False):
    """A member was enrolled. `member_id` is None when it has been erased since."""

    member: int
    member_id: str | None
    name_number: int


class Scored(Struct, frozen=True, gc=False):
    """A member's score on a board changed by so many points."""

    member: int
    board: str
    points: int


class Hidden(Struct, frozen=True, gc=False):
    """A member left the boards; the scores stay."""

    member: int


class Unhidden(Struct, frozen=True, gc=False):
    """A hidden member came back."""

    member: int


class Renamed(Struct, frozen=True, gc=False):
    """A member has another proxy name."""

    member: int
    name_number: int


class Erased(Struct, frozen=True, gc=False):
    """A member is gone for good: the id is forgotten, the member is on no board."""

    member: int


class Merged(Struct, frozen=True, gc=False):
    """A member became one with another. Its scores move to `into` on every board, closed months too; what comes for it
    later counts there, and its id answers for `into`. Shards are followed one by one, so `into` may join later.
    """

    member: int
    into: int


MOST_MEMBER = 2**32 - 3
"""The largest member number."""

MOST_SHARDS = 16
"""Numbers of shards are below this."""

MOST_NAMES = 2**30
"""Name numbers are below this."""

LONGEST_ID = 4096
"""Bytes of a member's id as UTF-8."""

Change = Joined | Scored | Hidden | Unhidden | Renamed | Erased | Merged


def check_change(change: Change) -> None:
    """Raise `ValueError` where a number or an id is outside of the port's range."""
    check_number(change.member)
    if isinstance(change, Merged):
        check_number(change.into)
    elif isinstance(change, Joined | Renamed):
        if not 0 <= change.name_number < MOST_NAMES:
            raise ValueError(f"name numbers are from 0 to {MOST_NAMES - 1}, not {change.name_number}")
        if isinstance(change, Joined) and change.member_id is not None:
            check_text(change.member_id)


def check_number(member: int) -> None:
    """Raise `ValueError` for what is no member's number."""
    if not 0 <= member <= MOST_MEMBER:
        raise ValueError(f"member numbers are from 0 to {MOST_MEMBER}, not {member}")


def check_text(member_id: str) -> None:
    """Raise `ValueError` for what is no member's id; for what is no text it is a `UnicodeEncodeError`."""
    if not 1 <= len(member_id.encode()) <= LONGEST_ID:
        raise ValueError(f"an id has 1 to {LONGEST_ID} bytes")


def check_shard(shard: int) -> None:
    """Raise `ValueError` for what is no shard's number."""
    if not 0 <= shard < MOST_SHARDS:
        raise ValueError(f"shards are from 0 to {MOST_SHARDS - 1}, not {shard}")


def changes_of(board_entries: Iterable[BoardEntry], boards: Boards, since: int = 0) -> list[tuple[int, Change]]:
    """The changes that entries make, each with the entry's position. Spending and lapsing make none; nor does an entry
    of 0 points. No month before `since` (202611) has a board.
    """
    changes: list[tuple[int, Change]] = []
    for position, kind, member, points, name_number, board_at, recorded_at, member_id, details in board_entries:
        if kind in SCORED:
            if points and (details is None or scores(details)):
                for board in boards.of(board_at, recorded_at, since):
                    changes.append((position, Scored(member, board, points)))  # noqa: PERF401 - a call for each entry
        elif kind in _EVENTS:
            changes.append((position, _EVENTS[kind](member, member_id, name_number)))
        elif kind == EntryKind.MERGE and details is not None and (into := merged_into(details)) is not None:
            changes.append((position, Merged(member, into)))
    return changes


def _name_number(name_number: int | None) -> int:
    assert name_number is not None, "the ledger gives every enrolment and renaming a name number"
    return name_number


_EVENTS: dict[str, Callable[[int, str | None, int | None], Change]] = {
    EntryKind.ENROL: lambda member, member_id, name_number: Joined(member, member_id, _name_number(name_number)),
    EntryKind.HIDE: lambda member, _, __: Hidden(member),
    EntryKind.SHOW: lambda member, _, __: Unhidden(member),
    EntryKind.RENAME: lambda member, _, name_number: Renamed(member, _name_number(name_number)),
    EntryKind.ERASE: lambda member, _, __: Erased(member),
}
