"""The inbox: documents come in, durably, and are remembered for ever."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from laurels.ledger.claim import OrderKey
from laurels.model import Document, DocumentKind, Entry, Status

KEPT = frozenset({DocumentKind.ORDER, DocumentKind.REFUND, DocumentKind.AMENDMENT, DocumentKind.CANCELLATION})
"""What these said stays for a time; of the others the entry and the remark say all."""


class Receipt(Struct, frozen=True, gc=False):
    """The answer to a document. `repeated`: it was here before, with this content. `conflict`: it was here with
    other content. `balance`: of what was settled, the member's points to spend after it. `fingerprints`: of a conflict,
    what is kept and what was sent, both keyed alike; None where nothing is kept to compare.
    """

    status: Status
    repeated: bool = False
    conflict: bool = False
    entry: Entry | None = None
    balance: int | None = None
    fingerprints: tuple[bytes, bytes] | None = None


def is_some_in(answers: Iterable[object]) -> bool:
    """Whether something was written of what these are the answers to."""
    return any(isinstance(answer, Receipt) and not answer.repeated and not answer.conflict for answer in answers)


class DocumentState(Struct, frozen=True, kw_only=True):
    """A document's present state. `entry` is the first that it led to; `reason` is why it is in quarantine, or who gave
    it up (`dropped`) and their words, which are for colleagues. `member_id` None: erased. `content` is what it said,
    without who; None where that is not kept (any more). `order_key` is the order that it is, or names, for as long as
    it has no entry: that is told whatever is kept of what it said.
    """

    kind: DocumentKind
    source: str
    id: str
    member_id: str | None
    status: Status
    accepted_at: int
    entry: Entry | None
    reason: str | None
    dropped: bool = False
    content: bytes | None = None
    actor: str | None = None
    order_key: OrderKey | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """How much lies where at one moment. `ready` documents are accepted and not yet taken, the first of them since
    `ready_since` (None: there is none); `waiting` refunds wait for their order; `messages_held` for an address: at most
    100,000 of these are counted, since they stay for as long as no address is known, and may be as many as the members.
    """

    ready: int
    ready_since: int | None
    waiting: int
    quarantined: int
    messages_due: int
    messages_held: int


class Inbox(Protocol):
    """What was handed in and is not awarded yet."""

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        """Write documents to the inbox, durably, giving members that are new a number. One receipt for each, in order.

        All share one commit, and so do concurrent calls. A conflict is a receipt, not an exception: the others go in.
        The feed does not grow: a new member's enrolment is written before its first points.
        """
        ...

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        """How far a document got; None for an unknown one. With `of_member`, another member's is as unknown as one that
        is not there, by the time that it takes too.
        """
        ...

    async def wait_for_work(self, timeout_s: float) -> None:
        """Return when a document may have come into the inbox, at the latest after `timeout_s`."""
        ...

    async def inbox_depth(self) -> int:
        """How many documents are accepted and not yet taken."""
        ...

    async def counts(self) -> Counts:
        """How much lies where, all of one moment. Costs a walk over what lies there, none over what is done."""
        ...
