"""What passes when a ledger moves from one engine to another: every row that has to go along, part by part, in one
order that is always the same, so that a move which broke off goes on where it stopped.

Member numbers, name numbers, sequences of documents, secrets and message ids stay. Entries get other positions, and so
other hashes: each says in its details which it was, by which the old chain can still be checked.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

ShardPosition = tuple[int, int]
"""(shard, position)."""

_KEY = b'"was":'


class LeavingLedger(NamedTuple):
    """Who moves. `state` changes whenever anything is written: a move goes on only over what it began with."""

    identity: str
    state: str
    epoch: int
    created_at: int
    secret: bytes
    next_member: int
    last_sequence: int
    numbered_names: int
    names_key: bytes | None
    names_since: int
    entries: int
    ready: int
    audit_cut: tuple[int, bytes, int]
    """Where what was let go of the audit log ends: position, hash, time."""


class LeavingMember(NamedTuple):
    """A member; `joined_at` is where its enrolment is in the feed, `totals` what a balance's row has."""

    number: int
    member_id: str | None
    name_number: int
    hidden: bool
    enrolled_at: int
    merged_into: int | None
    joined_at: ShardPosition | None
    secret: bytes | None
    totals: tuple[Any, ...] | None


class LeavingEntry(NamedTuple):
    """An entry. `columns` are those under its hash; `reason` and `note` people's words about it, `content` what its
    document said.
    """

    at: ShardPosition
    columns: tuple[Any, ...]
    hash: bytes
    format: int
    details: bytes | None
    reason: str
    note: str
    content: bytes | None


class LeavingDocument(NamedTuple):
    """A document. `at`: its first entry. `lying`: where it is not awarded, (state, shard, stranger, order_source,
    order_id, changed_at, reason, content, raw, actor). `order`: of an awarded one (amount, left, board_at, member,
    points, reversed, program_version, currency, frame, refunded); `further`: its entries after the first; `spent`: of a
    redemption, or of what was taken of a hold, (restored, what of it can come back).
    """

    sequence: int
    kind: str
    source: str
    id: str
    member: int | None
    fingerprint: bytes
    accepted_at: int
    at: ShardPosition | None
    lying: tuple[Any, ...] | None
    order: tuple[Any, ...] | None
    further: tuple[ShardPosition, ...]
    spent: tuple[int, bytes | None] | None


class Leaving(Protocol):
    """A ledger that moves; nobody writes to it meanwhile."""

    def ledger(self) -> LeavingLedger:
        """Who it is."""
        ...

    def members(self) -> Iterator[LeavingMember]:
        """By number."""
        ...

    def entries(self) -> Iterator[LeavingEntry]:
        """In the order of recording."""
        ...

    def documents(self) -> Iterator[LeavingDocument]:
        """In the order of acceptance."""
        ...

    def rest(self, part: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one of the parts `REST`, in the order of their keys."""
        ...


REST = (
    "programs",
    "drafts",
    "program_events",
    "former_names",
    "contacts",
    "attributes",
    "closed_months",
    "milestones",
    "messages",
    "due",
    "budgets",
    "intents",
    "audit",
    "followers",
)
"""What else moves."""


def with_was(details: bytes | None, at: ShardPosition, digest: bytes) -> bytes:
    """Details that say which entry this was: it comes last, so that what was said before can be read back."""
    was = _KEY + msgspec.json.encode((*at, digest.hex())) + b"}"
    return b"{" + was if details is None else details[:-1] + b"," + was


def without_was(details: bytes) -> tuple[bytes | None, ShardPosition, bytes]:
    """The details that an entry had, and which it was. Raises `ValueError`."""
    said, found, was = details.rpartition(_KEY)
    if not found:
        raise ValueError("it does not say which it was")
    shard, position, digest = msgspec.json.decode(was[:-1], type=tuple[int, int, str])
    before = None if said == b"{" else said[:-1] + b"}"
    return before, (shard, position), bytes.fromhex(digest)
