"""What a ledger entry means for a leaderboard: members join, hide, show, are renamed or erased, and scores change."""

from msgspec import Struct

from laurels.leaderboard.boards import Boards
from laurels.model import Entry, EntryKind


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


class Shown(Struct, frozen=True, gc=False):
    """A hidden member came back."""

    member: int


class Renamed(Struct, frozen=True, gc=False):
    """A member has another proxy name."""

    member: int
    name_number: int


class Erased(Struct, frozen=True, gc=False):
    """A member is gone for good: the id is forgotten, the member is on no board."""

    member: int


Change = Joined | Scored | Hidden | Shown | Renamed | Erased


def changes_of(entry: Entry, boards: Boards) -> list[Change]:
    """The changes that one entry makes. Spending and lapsing make none; nor does an entry of 0 points."""
    match entry.kind:
        case EntryKind.ENROL:
            return [Joined(entry.member, entry.member_id, _name_number(entry))]
        case EntryKind.HIDE:
            return [Hidden(entry.member)]
        case EntryKind.SHOW:
            return [Shown(entry.member)]
        case EntryKind.RENAME:
            return [Renamed(entry.member, _name_number(entry))]
        case EntryKind.ERASE:
            return [Erased(entry.member)]
    return [Scored(entry.member, board, entry.points) for board in boards.of(entry)] if entry.points else []


def _name_number(entry: Entry) -> int:
    assert entry.name_number is not None, "the ledger gives every enrolment and renaming a name number"
    return entry.name_number
