"""The quarantine and the outbox."""

from collections.abc import Sequence
from typing import Any

from laurels import clock
from laurels.clock import DAY, HOUR, MINUTE, SECOND
from laurels.engines.postgres.books import PostgresInbox
from laurels.engines.postgres.codes import DOCUMENT, DOCUMENT_KINDS, SHARDS, home_of
from laurels.engines.postgres.connections import trying
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import Conflict
from laurels.ledger import Message, MessageState, QuarantinedDocument, shard_of
from laurels.ledger.rows import dropped_by, message_state_of, no_mail, not_in_quarantine, quarantined_of
from laurels.model import DocumentKind, RefusedMessage


class PostgresQuarantine(PostgresInbox):
    """What could not be awarded."""

    async def set_aside(self, messages: Sequence[RefusedMessage]) -> None:
        await trying(lambda: self._acceptor.set_aside(messages))

    async def quarantine(self, *, after: int = 0, limit: int = 50) -> list[QuarantinedDocument]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all("quarantine", after, limit)
        return [_quarantined(row) for row in rows]

    async def quarantined(self, kind: DocumentKind, source: str, id: str) -> QuarantinedDocument:
        async with self._connections.read() as db:
            return await _find(db, kind, source, id)

    async def retry(self, kind: DocumentKind, source: str, id: str) -> None:
        async with self._connections.transaction() as db:
            shard = await db.value("retry", (await _find(db, kind, source, id)).sequence, self._now())
            if shard is None:
                raise not_in_quarantine(kind, source, id)
        self._floors[shard].forget()
        self._committed(grown=False)

    async def drop(self, kind: DocumentKind, source: str, id: str, *, actor: str, why: str = "") -> None:
        async with self._connections.transaction() as db:
            sequence = (await _find(db, kind, source, id)).sequence
            has_member = bool(await db.value("keep_owner", sequence))  # who is not erased until the words are there
            if await db.value("drop", sequence, self._now(), *dropped_by(actor, why), has_member) is None:
                raise not_in_quarantine(kind, source, id)
        self._committed(grown=False)


class PostgresOutbox(Session):
    """Messages to send."""

    _held_looked_at: int | None = None

    async def claim_messages(self, limit: int, *, lease_s: float) -> list[Message]:
        now = self._now()
        since, is_far = self._held_since(now)
        async with self._connections.transaction() as db:
            await db.run("release_held", now, since)
            rows: list[Row] = await db.all("claim_messages", self._lease_clock(), int(lease_s * SECOND), limit)
        if is_far:
            self._held_looked_at = now
        return [
            Message(id=row[0], milestone=row[1], points=row[2], created_at=row[3], attempts=row[4], email=row[5])
            for row in rows
        ]

    def _held_since(self, now: int) -> tuple[int, bool]:
        """Since when it is looked for messages that were held in the moment in which the address came: since a minute
        ago; and once a minute farther back, for nobody may have looked meanwhile, and hosts' clocks differ by up to an
        hour. Whether it is that.
        """
        if self._held_looked_at is None:
            return now - DAY, True
        if abs(now - self._held_looked_at) < MINUTE:
            return now - MINUTE, False
        return min(now, self._held_looked_at) - HOUR, True

    def _lease_clock(self) -> int | None:
        """Whose clock says how long a message is kept from others: the server's (None), or else two hosts whose clocks
        differ by more than that would both send it; a test's own where it turns one.
        """
        return None if self._now is clock.now else self._now()

    async def message_sent(self, id: str) -> None:
        await self._set(id, "sent", self._now(), "")

    async def message_postponed(self, id: str, *, until: int, note: str) -> None:
        await self._set(id, "due", until, note)

    async def message_undeliverable(self, id: str, *, note: str) -> None:
        await self._set(id, "undeliverable", self._now(), note)

    async def give_up_held(self, *, created_before: int) -> None:
        async with self._connections.statement() as db:
            await db.run("give_up_held", created_before)

    async def messages(self, member_id: str) -> list[MessageState]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all("messages", shard_of(member_id, SHARDS), member_id)
        return [message_state_of(row) for row in rows]

    async def milestones(self, member_id: str) -> frozenset[str]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all("milestones", shard_of(member_id, SHARDS), member_id)
        return frozenset([name for (name,) in rows])

    async def all_messages(
        self, *, state: str | None = None, member_id: str | None = None, after: str = "", limit: int = 50
    ) -> list[MessageState]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all(*_listing(after, limit, state, member_id))
        return [message_state_of(row) for row in rows]

    async def message(self, id: str) -> MessageState:
        async with self._connections.read() as db:
            return message_state_of(await _find_message(db, id))

    async def retry_message(self, id: str, *, must: bool = True) -> bool:
        async with self._connections.transaction() as db:
            await _find_message(db, id)
            is_due = await db.value("retry_message", id, self._now()) is not None
            if must and not is_due:
                raise Conflict(
                    "This mail cannot be tried again: it was sent, its member was erased, or there is no address. "
                    "`laurels messages show` says which."
                )
        if is_due:
            self._committed(grown=False)
        return is_due

    async def wait_for_messages(self, timeout_s: float) -> None:
        async def look(db: Statements) -> bool:
            return bool(await db.value("any_due", self._lease_clock()))

        await self._poll(look, timeout_s)

    async def _set(self, id: str, state: str, due_at: int, note: str) -> None:
        async with self._connections.statement() as db:
            await db.run("set_message", id, state, due_at, note.replace("\0", "\ufffd"))
        self._committed(grown=False)


async def _find_message(db: Statements, id: str) -> Row:
    row = await db.one("message", id)
    if row is None:
        raise no_mail(id)
    return row


async def _find(db: Statements, kind: DocumentKind, source: str, id: str) -> QuarantinedDocument:
    row = await db.one("quarantined", home_of(kind, source, id), source, DOCUMENT[kind], id)
    if row is None:
        raise not_in_quarantine(kind, source, id)
    return _quarantined(row, *row[8:])


def _quarantined(row: Row, raw: bytes = b"", content: bytes = b"") -> QuarantinedDocument:
    return quarantined_of(row, DOCUMENT_KINDS[row[1]], raw, content)


def _listing(after: str, limit: int, state: str | None, member_id: str | None) -> tuple[Any, ...]:
    """The statement that reads a page of messages by an index, with its parameters."""
    if member_id is not None:
        return "messages_of_member", after, limit, state, shard_of(member_id, SHARDS), member_id
    return ("all_messages", after, limit) if state is None else ("messages_in_state", after, limit, state)
