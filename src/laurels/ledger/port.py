"""The ledger as the other rooms see it. Engines implement this; `laurels.testing.ledger_contract` tells whether they
keep the promises.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct

from laurels.ledger.claim import Decide
from laurels.model import (
    Balance,
    Document,
    DocumentKind,
    Entry,
    Mark,
    Member,
    MemberEvent,
    Outline,
    Status,
    Version,
)


class Receipt(Struct, frozen=True):
    """The answer to a document. `repeated`: it was here before, with this content. `conflict`: it was here with
    other content.
    """

    status: Status
    repeated: bool = False
    conflict: bool = False
    entry: Entry | None = None


class DocumentState(Struct, frozen=True, kw_only=True):
    """A document's present state. `entry` is what it led to; `reason` is why it is in quarantine. `member_id` None:
    erased.
    """

    kind: DocumentKind
    source: str
    id: str
    member_id: str | None
    status: Status
    accepted_at: int
    entry: Entry | None
    reason: str | None


class QuarantinedDocument(Struct, frozen=True, kw_only=True):
    """A document in quarantine. `raw` is empty once the member was erased."""

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    reason: str
    quarantined_at: int
    raw: bytes


class Heads(Struct, frozen=True, kw_only=True):
    """Where each shard's feed ends, and whose feed it is."""

    identity: str
    epoch: int
    marks: dict[int, Mark]

    @property
    def version(self) -> Version:
        """The same as a version token."""
        return Version(self.epoch, {shard: mark.position for shard, mark in self.marks.items()})


class Message(Struct, frozen=True, kw_only=True):
    """A message to send. `id` is its Message-ID for ever; `attempts` counts this try.

    `email` is None where the member was erased meanwhile.
    """

    id: str
    email: str | None
    milestone: str
    points: int
    created_at: int
    attempts: int


class MessageState(Struct, frozen=True, kw_only=True):
    """What became of a message.

    `state`: `due`, `held` (no address yet), `sent`, `undeliverable`, or `dropped` (the member was erased).
    """

    id: str
    milestone: str
    points: int
    state: str
    created_at: int
    attempts: int
    note: str


class Counts(Struct, frozen=True, kw_only=True):
    """How much lies where at one moment. `ready` documents are accepted and not yet taken, the first of them since
    `ready_since` (None: there is none); `waiting` refunds wait for their order; `messages_held` for an address.
    """

    ready: int
    ready_since: int | None
    waiting: int
    quarantined: int
    messages_due: int
    messages_held: int


class Finding(Struct, frozen=True):
    """Something that is not as the ledger promises: where, and what."""

    where: str
    what: str


class Verification(Struct, frozen=True, kw_only=True):
    """How far a verification got: entries checked of so many, and what was found since the last report."""

    checked: int
    total: int
    findings: tuple[Finding, ...] = ()


class Ledger(Protocol):
    """A ledger. All methods may be called from any task. Writes raise `LedgerUnavailable` where nothing was written,
    and its kind `LedgerUncertain` where that cannot be known.
    """

    name: str

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        """Write documents to the inbox, durably, enrolling members that are new. One receipt for each, in order.

        All share one commit, and so do concurrent calls. A conflict is a receipt, not an exception: the others go in.
        """
        ...

    async def settle(self, document: Document, decide: Decide) -> Receipt:
        """Accept one document and write its entry in the same transaction: for what must be answered with the result.

        Raises what `decide` raises, with nothing written.
        """
        ...

    async def award(self, shard: int, limit: int, decide: Decide, *, waiting_before: int) -> int:
        """Take up to `limit` documents from a shard's inbox, in order of acceptance, and write what `decide` makes
        of them.

        Refunds that have waited since before `waiting_before` are claimed as overdue. Returns how many documents
        were taken; 0 means that the inbox is empty.
        """
        ...

    async def enrol(self, members: Sequence[tuple[str, str | None]], *, actor: str) -> list[bool]:
        """Enrol (member_id, e-mail or None), durably. True for each that is new; an address is updated either way."""
        ...

    async def change_member(self, member_id: str, event: MemberEvent, *, actor: str) -> Version:
        """Hide, show, rename or erase; gives the version that includes it. Raises `UnknownMember`.

        Hiding a hidden member changes nothing. Erasing removes the id, the contact, and raw bytes; the entries stay.
        """
        ...

    async def member(self, member_id: str) -> Member | None:
        """A member by the shop's id."""
        ...

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        """A member's totals, and the version that they are of; None for an unknown member."""
        ...

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        """How far a document got; None for an unknown one. With `of_member`, another member's is as unknown as one that
        is not there, by the time that it takes too.
        """
        ...

    async def entries(self, member_id: str, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """A member's point entries, newest first, older than position `before`; empty for an unknown member."""
        ...

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        """The entries that an order and its refunds led to, oldest first."""
        ...

    async def heads(self) -> Heads:
        """Where the feed ends now."""
        ...

    async def feed(self, shard: int, after: Mark, limit: int) -> list[Entry]:
        """Entries of a shard after a mark, in commit order, without gaps.

        Raises `FeedDiverged` when the entry at the mark is missing or has another hash: this is another history.
        """
        ...

    async def outline(self, shard: int, after: Mark, limit: int) -> tuple[list[Outline], Mark]:
        """The same entries in outline, for who follows them in boards, and the mark of the last one: `after` where
        there are none. Costs a quarter of `feed`. Raises like it.
        """
        ...

    async def wait_for_news(self, known: Heads, timeout_s: float) -> None:
        """Return when something may have been committed after `known`, at the latest after `timeout_s`."""
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

    async def quarantine(self, *, after: int = 0, limit: int = 50) -> list[QuarantinedDocument]:
        """Documents in quarantine with a sequence above `after`, in that order."""
        ...

    async def retry(self, sequence: int) -> None:
        """Put a document from quarantine back into the inbox. Raises `NotFound`."""
        ...

    async def drop(self, sequence: int, *, actor: str) -> None:
        """Give a quarantined document up for good; its id stays used. Raises `NotFound`."""
        ...

    async def claim_messages(self, limit: int, *, lease_s: float) -> list[Message]:
        """Messages that are due, kept from everyone else for `lease_s` seconds; then they are due again.

        A message whose member has no address is not due: it is held until one comes.
        """
        ...

    async def message_sent(self, id: str) -> None:
        """The channel took it."""
        ...

    async def message_postponed(self, id: str, *, until: int, note: str) -> None:
        """The channel could not take it now; try again at the instant `until`."""
        ...

    async def message_undeliverable(self, id: str, *, note: str) -> None:
        """The channel never will."""
        ...

    async def give_up_held(self, *, created_before: int) -> None:
        """Mark messages undeliverable that were held for an address since before an instant."""
        ...

    async def messages(self, member_id: str) -> list[MessageState]:
        """What became of a member's messages, oldest first."""
        ...

    async def wait_for_messages(self, timeout_s: float) -> None:
        """Return when a message may have become due, at the latest after `timeout_s`."""
        ...

    async def publish(self, version: int, text: str) -> dict[int, str]:
        """Publish a program version; gives all published ones. A version is immutable: other text for a used one is
        `ProgramError`.
        """
        ...

    def verify(self) -> AsyncIterator[Verification]:
        """Check every promise that can be read off the data: chain, positions, balances, members. Reads in chunks."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of everything."""
        ...
