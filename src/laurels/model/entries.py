"""Entries: the immutable rows of the ledger, point entries and member events alike."""

from enum import StrEnum

from msgspec import Struct

from laurels.model.details import merge_details, scores

CURSOR_BITS = 40
"""Positions in a shard stay below 2 to this power."""

MAX_POINTS = 2**31 - 1
"""A member's totals stay within plus or minus this many points."""


def within_points(total: int) -> int:
    """The nearest number of points that a member may have."""
    return max(-MAX_POINTS, min(MAX_POINTS, total))


class EntryKind(StrEnum):
    """What an entry records. The first eight change points; the others carry 0 points: `hold` and `void` are a till's,
    the rest member events.

    A restore gives spent points back; a merge takes a member's points over to another, and a transfer some of them, by
    an entry on each side.
    """

    EARN = "earn"
    REVERSE = "reverse"
    ADJUST = "adjust"
    REDEEM = "redeem"
    EXPIRE = "expire"
    RESTORE = "restore"
    MERGE = "merge"
    TRANSFER = "transfer"
    HOLD = "hold"
    VOID = "void"
    ENROL = "enrol"
    HIDE = "hide"
    SHOW = "show"
    RENAME = "rename"
    ERASE = "erase"
    CONTACT = "contact"
    TIER = "tier"


SCORED = frozenset({EntryKind.EARN, EntryKind.REVERSE, EntryKind.ADJUST})
"""A board's score is the sum of these: spending and lapsing never cost a place."""

MOVES_POINTS = frozenset(
    {
        EntryKind.EARN,
        EntryKind.REVERSE,
        EntryKind.ADJUST,
        EntryKind.REDEEM,
        EntryKind.EXPIRE,
        EntryKind.RESTORE,
        EntryKind.MERGE,
        EntryKind.TRANSFER,
    }
)
"""Point entries; the others are a till's and member events."""

EARNED = frozenset({EntryKind.EARN, EntryKind.REVERSE})
"""Lifetime points earned, net of reversals."""


WORDED_BY_PEOPLE = frozenset({EntryKind.ADJUST, EntryKind.REDEEM, EntryKind.TIER})
"""Entries whose reason is somebody's, for colleagues."""


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One row of the ledger.

    Everything but `member_id`, `reason` and `note` is under the chained hash and never changes. `member_id` is looked
    up when the entry is read and is None once the member was erased. Amounts are minor units, instants microseconds.
    `board_at` decides the month that the points count in. `actor` is who handed its document in, or made the event.
    `details` are canonical JSON, by kind (`laurels.model.details`). `reason` and `note` are people's words, erased with
    the member; format 1 has its reason under the hash, whatever it says.
    """

    shard: int
    position: int
    kind: EntryKind
    member: int
    points: int = 0
    currency: str | None = None
    amount: int | None = None
    source: str | None = None
    order_id: str | None = None
    refund_id: str | None = None
    reason: str = ""
    program_version: int | None = None
    name_number: int | None = None
    actor: str | None = None
    occurred_at: int
    board_at: int
    recorded_at: int
    hash: bytes = b""
    member_id: str | None = None
    format: int = 2
    details: bytes | None = None
    note: str = ""

    @property
    def loyalty_id(self) -> str:
        """The entry's public id."""
        return f"{self.shard}-{self.position}"

    @property
    def cursor(self) -> str:
        """What goes on behind this entry in a list: digits, and the position alone in the first shard."""
        return str(self.shard << CURSOR_BITS | self.position)


BoardEntry = tuple[int, str, int, int, int | None, int, int, str | None, bytes | None]
"""What boards need of an entry: (position, kind, member, points, name_number, board_at, recorded_at, member_id,
details), as an `Entry` has them; but `member_id` is there for enrolments only, and `details` for adjustments and
merges. A plain tuple, since a rebuild reads millions.
"""


def worth(kind: str, points: int, details: bytes | None) -> tuple[int, int]:
    """What an entry adds to the points earned, and to the score."""
    if details is not None:
        if kind == EntryKind.MERGE:
            merge = merge_details(details)
            return merge.earned, merge.score
        if kind == EntryKind.ADJUST and not scores(details):
            return 0, 0
    return points if kind in EARNED else 0, points if kind in SCORED else 0


class Balance(Struct, frozen=True, gc=False):
    """A member's totals; each is the sum of its entries.

    `balance`: active points to spend. `earned`: lifetime points earned net of reversals. `score`: what the boards
    rank by.
    """

    balance: int = 0
    earned: int = 0
    score: int = 0

    def plus(self, kind: str, points: int, details: bytes | None = None) -> "Balance":
        """The totals after one more entry."""
        earned, score = worth(kind, points, details)
        return self.moved(points, earned, score)

    def moved(self, points: int, earned: int, score: int) -> "Balance":
        """The totals after an entry that is worth so much."""
        return Balance(self.balance + points, self.earned + earned, self.score + score)

    def in_range(self) -> bool:
        """Whether every total is one that Laurels keeps."""
        return (
            -MAX_POINTS <= self.balance <= MAX_POINTS
            and -MAX_POINTS <= self.earned <= MAX_POINTS
            and -MAX_POINTS <= self.score <= MAX_POINTS
        )
