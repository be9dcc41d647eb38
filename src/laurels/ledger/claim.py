"""What passes between a ledger and the awarding: a claim goes out, an outcome comes back, inside one transaction.

The ledger opens a transaction, takes documents from a shard's inbox, looks up what is needed to judge them, and
calls a pure function with that claim. The outcome says what to write. So the rules never see a database, and no
engine knows a rule.
"""

from collections.abc import Callable

from msgspec import Struct

from laurels.model import Balance, DocumentKind, EntryKind

OrderKey = tuple[str, str]
"""(source, order_id)."""


class Item(Struct, frozen=True, kw_only=True):
    """A document in the inbox. `sequence` is its place in the order of acceptance; `member` is None while the member
    is unknown.
    """

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    member: int | None
    order_id: str | None
    accepted_at: int
    content: bytes

    @property
    def order_key(self) -> OrderKey | None:
        """The order that this document is, or names."""
        return None if self.order_id is None else (self.source, self.order_id)


class Award(Struct, frozen=True, kw_only=True):
    """What an order earned and what of it is left. A refund is judged by this and by the program version that it names.

    `left` is the amount not yet refunded, in minor units; `points` were earned, `reversed` of them taken back.
    """

    source: str
    order_id: str
    member: int
    program_version: int
    currency: str
    amount: int
    left: int
    points: int
    reversed: int
    board_at: int


class Claim(Struct, kw_only=True):
    """Documents to judge, and all that judging them needs. The awarding may change the dictionaries as it goes.

    `overdue` are refunds that waited too long for their order. `waiting` are those that wait for an order among
    `items`.
    """

    now: int
    items: list[Item]
    overdue: list[Item]
    awards: dict[OrderKey, Award]
    waiting: dict[OrderKey, list[Item]]
    balances: dict[int, Balance]


class Posting(Struct, frozen=True, kw_only=True):
    """An entry to be written for a document; the ledger adds position, time of recording and hash."""

    item: Item
    kind: EntryKind
    member: int
    points: int
    reason: str
    occurred_at: int
    board_at: int
    currency: str | None = None
    amount: int | None = None
    order_id: str | None = None
    refund_id: str | None = None
    program_version: int | None = None
    actor: str | None = None


class Quarantined(Struct, frozen=True):
    """A document that could not be awarded, and why."""

    item: Item
    reason: str


class Reached(Struct, frozen=True):
    """A milestone that a posting crossed. The ledger writes it once for each (member, milestone), ever; `quiet`
    sends nothing.
    """

    member: int
    milestone: str
    points: int
    quiet: bool


class Outcome(Struct, kw_only=True):
    """What to write. Every item of the claim is in `postings`, `waiting` or `quarantined`; so is each one that was
    released.
    """

    postings: list[Posting]
    awards: dict[OrderKey, Award]
    waiting: list[Item]
    quarantined: list[Quarantined]
    reached: list[Reached]


Decide = Callable[[Claim], Outcome]
"""A pure function. What it raises undoes the whole transaction."""
