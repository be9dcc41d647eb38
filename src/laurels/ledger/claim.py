"""What passes between a ledger and the awarding: a claim goes out, an outcome comes back, inside one transaction.

The ledger opens a transaction, takes documents from a shard's inbox, looks up what is needed to judge them, and
calls a pure function with that claim. The outcome says what to write. So the rules never see a database, and no
engine knows a rule: what the program leaves of a member and of an order (`MemberState.state`, `Award.frame`,
`Award.refunded`, `Posting.details`) passes through as bytes that no engine reads.

What is made for each document holds plain values and can be in no reference cycle: the garbage collector does not track
it (`gc=False`), else it would look through a whole batch again and again while that grows.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from laurels.errors import Conflict
from laurels.model import Balance, DocumentKind, EntryKind

DocumentKey = tuple[DocumentKind, str, str]
"""What a document is known by for ever: (kind, source, id)."""

OrderKey = tuple[str, str]
"""(source, order_id)."""

RedemptionKey = tuple[str, str]
"""(source, redemption_id)."""


OF_HOLD = "hold:"
"""What the redemption id of points begins with that a till took of a hold; the hold's id follows."""

ENDS_OF_HOLDS = {DocumentKind.CAPTURE: DocumentKind.VOID, DocumentKind.VOID: DocumentKind.CAPTURE}
"""How a hold ends: what is settled first of these two keeps the other out, for ever."""


def named_by(redemption_id: str) -> list[tuple[DocumentKind, str]]:
    """The documents, by kind and id, that a redemption's id may name: a redemption, or what was taken of a hold."""
    named = [(DocumentKind.REDEMPTION, redemption_id)]
    if redemption_id.startswith(OF_HOLD):
        named.append((DocumentKind.CAPTURE, redemption_id.removeprefix(OF_HOLD)))
    return named


def ended_otherwise(kind: DocumentKind) -> Conflict:
    """What is said of a capture whose hold was let go, or the other way round."""
    if kind is DocumentKind.CAPTURE:
        return Conflict("This hold was let go before. Nothing is taken of it any more.")
    return Conflict("Points of this hold were taken before: give them back as the redemption hold:ID.")


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """A document in the inbox. `sequence` is its place in the order of acceptance; `member` is None while the member
    is unknown. `order_key` is the order that it is, or names. `is_erased`: its member was, so what it says is not kept
    once it is awarded.
    """

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    member: int | None
    order_key: OrderKey | None
    accepted_at: int
    content: bytes
    actor: str | None = None
    is_erased: bool = False

    @property
    def order_id(self) -> str | None:
        """The id of the order that this document is, or names."""
        return None if self.order_key is None else self.order_key[1]


def by_clock(member: int, at: int) -> Item:
    """What a member's judgement is asked for when its time has come: no document, and so without a place."""
    return Item(
        sequence=-member - 1,
        kind=DocumentKind.EXPIRY,
        source="laurels",
        id="",
        member=member,
        order_key=None,
        accepted_at=at,
        content=b"",
    )


class Award(Struct, frozen=True, kw_only=True, gc=False):
    """What an order earned and what of it is left. A refund is judged by this and by the program version that it names.

    `left` is the amount not yet refunded, in minor units; `points` were earned, `reversed` of them taken back. `frame`
    is all else that the order's points depend on, `refunded` what was given back of it and how: the program's, opaque.
    `content` is what the order said, where no frame is kept of it and the ledger still has that.
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
    frame: bytes | None = None
    refunded: bytes | None = None
    content: bytes | None = None


class RedemptionState(Struct, frozen=True, kw_only=True, gc=False):
    """A redemption: whose, how many points were spent, and how many of them came back. `spent` is what of it can come
    back, and from where: the program's, opaque.
    """

    member: int
    points: int
    restored: int
    spent: bytes | None = None


class MemberState(Struct, frozen=True, gc=False):
    """What the judgement sees of a member, and leaves: totals, and whatever else the program keeps, opaque.

    Where the claim is `in_depth`: `attributes` is what the shop has said of the member, opaque too; `enrolled_at` when
    it was enrolled; `draw` the member by the ledger's secret, the same for ever. Of a member of whom the program has
    kept nothing yet, `orders` is how many it has that have a total and are not wholly refunded, and `last_order_at`
    when the last of all its orders was.
    """

    totals: Balance = Balance()
    state: bytes | None = None
    attributes: bytes | None = None
    enrolled_at: int | None = None
    draw: bytes = b""
    orders: int = 0
    last_order_at: int | None = None


class Claim(Struct, kw_only=True):
    """Documents to judge, and all that judging them needs. The awarding may change the dictionaries as it goes.

    `overdue` are documents that waited too long for their order. `waiting` are those that wait for an order among
    `items`. `orders` are the members of orders that were accepted and are not awarded. `redemptions` are those that
    restorations name. `program_version` is the newest that is published. `budgets` is what was used of campaigns'
    budgets, by name, in the program's own units. `markets` are those of members who give points to others.
    """

    now: int
    program_version: int
    items: list[Item]
    overdue: list[Item]
    awards: dict[OrderKey, Award]
    orders: dict[OrderKey, int | None]
    waiting: dict[OrderKey, list[Item]]
    members: dict[int, MemberState]
    redemptions: dict[RedemptionKey, RedemptionState]
    budgets: dict[str, int] = {}
    markets: dict[int, str] = {}


class Posting(Struct, kw_only=True, gc=False):
    """An entry to be written for a document; the ledger adds position, time of recording and hash.

    `month` is the month (202611) in which its points count on a board, and is set when it is posted; None: in none.
    `reason` and `note` are people's words, kept apart from the entry; what the program has to say is in `details`.
    """

    item: Item
    kind: EntryKind
    member: int
    points: int
    occurred_at: int
    board_at: int
    month: int | None = None
    reason: str = ""
    note: str = ""
    details: bytes | None = None
    currency: str | None = None
    amount: int | None = None
    order_key: OrderKey | None = None
    refund_id: str | None = None
    program_version: int | None = None


class Quarantined(Struct, frozen=True):
    """A document that could not be awarded, and why."""

    item: Item
    reason: str


class Reached(Struct, frozen=True):
    """A milestone that a posting crossed, the outcome's so many-th from 0. The ledger writes it once for each (member,
    milestone), ever; `quiet` sends nothing.
    """

    member: int
    milestone: str
    points: int
    quiet: bool
    posting: int


class Reminded(Struct, frozen=True):
    """A message to a member about points that are about to lapse. The ledger keeps it once for each (member, name),
    ever.
    """

    member: int
    name: str
    points: int


class Due(Struct, frozen=True):
    """Something that happens to a member by the clock, at an instant. `what` is the program's, opaque."""

    member: int
    at: int
    what: bytes


class Onward(Struct, frozen=True, kw_only=True):
    """A document of Laurels' own for another member, who may be in another shard. It goes into that one's inbox in the
    same transaction; (source, kind, id) is its key for ever.
    """

    kind: DocumentKind
    source: str
    id: str
    member: int
    content: bytes


class Outcome(Struct, kw_only=True):
    """What to write. Every item of the claim is in `postings`, `waiting` or `quarantined`; so is each one that was
    released. `states` are the members whose opaque state is another now; `budgets` is by how much more of each is used.
    """

    postings: list[Posting] = []
    awards: dict[OrderKey, Award] = {}
    redemptions: dict[RedemptionKey, RedemptionState] = {}
    states: dict[int, bytes | None] = {}
    waiting: list[Item] = []
    quarantined: list[Quarantined] = []
    reached: list[Reached] = []
    due: list[Due] = []
    budgets: dict[str, int] = {}
    onward: list[Onward] = []
    reminders: list[Reminded] = []


Decide = Callable[[Claim], Outcome]
"""A pure function. What it raises undoes the whole transaction; in `settle`, its own document alone. An engine may give
it a batch in parts, each after what came before was written.
"""


class PlainOrders(Struct, frozen=True):
    """Rules by which orders earn by their totals alone, for a native core that judges and writes a batch in one call
    (`laurels_core.PlainOrders`): the same entries as by `Decide`, which judges what the core does not. `version` is the
    newest that they know.
    """

    version: int
    core: Any


@runtime_checkable
class DecidesPlainOrders(Protocol):
    """A `Decide` that may have its rules for plain orders besides."""

    plain_orders: PlainOrders | None

    def __call__(self, claim: Claim) -> Outcome:
        """Judge a claim."""
        ...
