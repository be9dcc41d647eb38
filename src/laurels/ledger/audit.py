"""The audit log: which person looked at what and changed what. Append-only, chained, in the ledger.

A change is recorded in the transaction that makes it: whoever asks for it puts a `Recording` into `recording`, and the
engine writes its row with the first write that is made in that context. A look is recorded by `record`, before it is
answered. Where a row cannot be written, nothing is changed and nothing is shown.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from laurels.errors import LaurelsError
from laurels.ledger.inbox import Receipt


class Act(Struct, frozen=True, kw_only=True):
    """What a person does. `member` is a member's number: an id would outlive the member's erasure here. `outcome` is
    what is told of it where the engine's own result says no more.
    """

    sub: str
    name: str
    roles: str
    action: str
    member: int | None = None
    object: str = ""
    outcome: str = "done"
    request_id: str = ""


class AuditRow(Struct, frozen=True, kw_only=True):
    """One row of the log: an `Act`, when it was, and the hash that chains it to the row before."""

    position: int
    at: int
    act: Act
    hash: bytes


class Recording:
    """An act that is to be recorded with the first write made in its context. `row_is_written` once that is durable;
    `changed_nothing` where all was so already.
    """

    def __init__(self, act: Act) -> None:
        self.act = act
        self.row_is_written = False
        self.changed_nothing = False

    def told(self) -> Act:
        """The act as its row tells it."""
        return as_repeated(self.act) if self.changed_nothing else self.act


recording: ContextVar[Recording | None] = ContextVar("laurels_recording", default=None)
"""What the writes of this context are recorded as; None: nobody's who is recorded."""


def about_member(number: int) -> None:
    """Say whom the act that is under way is about, where its address does not."""
    doing = recording.get()
    if doing is not None:
        doing.act = msgspec.structs.replace(doing.act, member=number)


def nothing_changed() -> None:
    """Say that the act that is under way found all so already. It was done none the less, so it has its row, which says
    `repeated`.
    """
    doing = recording.get()
    if doing is not None:
        doing.changed_nothing = True


@contextmanager
def unrecorded() -> Iterator[None]:
    """For what is asked of an engine and is no doing: it writes no row, and whoever began to record goes on after."""
    token = recording.set(None)
    try:
        yield
    finally:
        recording.reset(token)


def to_record() -> Recording | None:
    """What the write that is asked for now is recorded as, unless an earlier one of the same doing was."""
    found = recording.get()
    return None if found is None or found.row_is_written else found


def as_repeated(act: Act) -> Act:
    """An act that found all so already."""
    return msgspec.structs.replace(act, outcome="repeated")


def as_done(act: Act, result: Any) -> Act:
    """An act with what came of it: the entry that it led to, and whether it was refused."""
    results = result if isinstance(result, list) else [result]
    return msgspec.structs.replace(act, outcome=_outcome(act, results), object=_object(act, results))


def _outcome(act: Act, results: Sequence[Any]) -> str:
    refused = sum(isinstance(each, LaurelsError) or (isinstance(each, Receipt) and each.conflict) for each in results)
    if not refused:
        repeated = bool(results) and all(isinstance(each, Receipt) and each.repeated for each in results)
        return "repeated" if repeated else act.outcome
    return "refused" if refused == len(results) else f"{len(results) - refused} done, {refused} refused"


def _object(act: Act, results: Sequence[Any]) -> str:
    entries = [each.entry.loyalty_id for each in results if isinstance(each, Receipt) and each.entry is not None]
    return f"entry {entries[0]}" if len(entries) == 1 else act.object


class AuditLog(Protocol):
    """The log. Its rows never change, and none leaves but whole days at the beginning, by `cut_audit`."""

    async def record(self, act: Act) -> None:
        """Write a row, durably."""
        ...

    async def audit(
        self,
        *,
        sub: str | None = None,
        member: int | None = None,
        action: str | None = None,
        since: int | None = None,
        until: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[AuditRow]:
        """Rows with a position below `before`, newest first: a person's, a member's, of an action, from the instant
        `since` on and before `until`.

        Costs by what is read where a person or a member is named; an action alone is looked for row by row. An instant
        is found by halving.
        """
        ...

    async def audit_people(self, *, after: str = "", limit: int = 50) -> list[AuditRow]:
        """The last row of each person who is in the log, in the order of their `sub` and behind one. Costs a look-up
        for each, however many rows there are.
        """
        ...

    async def cut_audit(self, *, before: int, limit: int) -> int:
        """Let go of the rows before an instant, at most `limit` of them; gives how many. The hash of the last one
        stays, so that those after it can be checked.
        """
        ...


def audit_hash(previous: bytes, position: int, at: int, act: Act) -> bytes:
    """A row's hash: the first 16 bytes of SHA-256 over the previous hash and the JSON array of position, at, and the
    act's fields in their order. The same bytes on every engine.
    """
    columns: Sequence[object] = (position, at, *msgspec.structs.astuple(act))
    return hashlib.sha256(previous + msgspec.json.encode(columns)).digest()[:16]
