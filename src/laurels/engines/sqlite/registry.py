"""The members, the quarantine and the outbox of the embedded ledger."""

from collections.abc import Sequence
from typing import Any

from laurels.clock import SECOND
from laurels.engines.sqlite import accepting, members, merging
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.session import Session
from laurels.errors import Conflict
from laurels.ledger import Decide, Message, MessageState, QuarantinedDocument
from laurels.ledger.rows import dropped_by, message_state_of, no_mail, not_in_quarantine, quarantined_of
from laurels.model import DocumentKind, Member, MemberEvent, RefusedMessage, Status, Version


class SqliteMembers(Session):
    """Who is in the program."""

    async def enrol(self, members_: Sequence[tuple[str, str | None]], *, actor: str) -> tuple[list[bool], Version]:
        return await self._writer.run(lambda db: members.enrol(db, members_, actor, self._now()))

    async def change_member(
        self,
        member_id: str,
        event: MemberEvent,
        *,
        actor: str,
        name_number: int | None = None,
        number: int | None = None,
    ) -> Version:
        now = self._now
        version = await self._writer.run(
            lambda db: members.change(db, member_id, event, actor, now(), name_number=name_number, number=number)
        )
        if event is MemberEvent.ERASE:
            await self._writer.checkpoint()
        return version

    async def set_contact(self, member_id: str, email: str | None, *, actor: str) -> Version:
        return await self._writer.run(lambda db: members.set_contact(db, member_id, email, actor, self._now()))

    async def set_attributes(self, member_id: str, attributes: bytes | None) -> None:
        await self._writer.run(lambda db: members.set_attributes(db, member_id, attributes))

    async def merge(self, member_id: str, into: str, *, actor: str, join: Decide | None = None) -> Version:
        return await self._writer.run(lambda db: merging.merge(db, member_id, into, actor, self._now(), join=join))

    async def member(self, member_id: str) -> Member | None:
        row = await self._reader.run(lambda db: db.one("member_by_id", member_id))
        return members.member_of(row) if row else None

    async def numbers(self, member_id: str) -> tuple[int, ...]:
        rows = await self._reader.run(lambda db: db.all("numbers_of", member_id))
        return tuple(number for number, _ in rows)


class SqliteQuarantine(Session):
    """What could not be awarded."""

    async def set_aside(self, messages: Sequence[RefusedMessage]) -> None:
        await self._writer.run(lambda db: accepting.set_aside(db, messages, self._now()))

    async def quarantine(self, *, after: int = 0, limit: int = 50) -> list[QuarantinedDocument]:
        rows = await self._reader.run(lambda db: db.all("quarantine", after, limit))
        return [quarantined_of(row, DocumentKind(row[1])) for row in rows]

    async def quarantined(self, kind: DocumentKind, source: str, id: str) -> QuarantinedDocument:
        return await self._reader.run(lambda db: _find(db, kind, source, id))

    async def retry(self, kind: DocumentKind, source: str, id: str) -> None:
        def write(db: Database) -> None:
            sequence = _find(db, kind, source, id).sequence
            db.one("leave_quarantine", self._now(), sequence)
            db.run("set_accepted", Status.ACCEPTED.value, sequence)

        await self._writer.run(write)

    async def drop(self, kind: DocumentKind, source: str, id: str, *, actor: str, why: str = "") -> None:
        def write(db: Database) -> None:
            sequence = _find(db, kind, source, id).sequence
            db.one("drop_quarantined", self._now(), *dropped_by(actor, why), sequence)
            db.erased = True

        await self._writer.run(write)


class SqliteOutbox(Session):
    """Messages to send."""

    async def claim_messages(self, limit: int, *, lease_s: float) -> list[Message]:
        now = self._now()
        until = now + int(lease_s * SECOND)
        rows = await self._writer.run(lambda db: db.all("claim_messages", now, until, limit))
        return [
            Message(id=row[0], milestone=row[1], points=row[2], created_at=row[3], attempts=row[4], email=row[5])
            for row in rows
        ]

    async def message_sent(self, id: str) -> None:
        await self._writer.run(lambda db: db.run("set_message", id, "sent", self._now(), ""))

    async def message_postponed(self, id: str, *, until: int, note: str) -> None:
        await self._writer.run(lambda db: db.run("set_message", id, "due", until, note))

    async def message_undeliverable(self, id: str, *, note: str) -> None:
        await self._writer.run(lambda db: db.run("set_message", id, "undeliverable", self._now(), note))

    async def give_up_held(self, *, created_before: int) -> None:
        await self._writer.run(lambda db: db.run("give_up_held", created_before))

    async def messages(self, member_id: str) -> list[MessageState]:
        rows = await self._reader.run(lambda db: db.all("messages", member_id))
        return [message_state_of(row) for row in rows]

    async def milestones(self, member_id: str) -> frozenset[str]:
        rows = await self._reader.run(lambda db: db.all("milestones", member_id))
        return frozenset([name for (name,) in rows])

    async def all_messages(
        self, *, state: str | None = None, member_id: str | None = None, after: str = "", limit: int = 50
    ) -> list[MessageState]:
        rows = await self._reader.run(lambda db: db.all(*_listing(after, limit, state, member_id)))
        return [message_state_of(row) for row in rows]

    async def message(self, id: str) -> MessageState:
        return message_state_of(await self._reader.run(lambda db: _find_message(db, id)))

    async def retry_message(self, id: str, *, must: bool = True) -> bool:
        def write(db: Database) -> bool:
            _find_message(db, id)
            if db.one("retry_message", id, self._now()) is not None:
                return True
            if must:
                raise Conflict(
                    "This mail cannot be tried again: it was sent, its member was erased, or there is no address. "
                    "`laurels messages show` says which."
                )
            return False

        return await self._writer.run(write)

    async def wait_for_messages(self, timeout_s: float) -> None:
        await self._poll(lambda db: bool(db.value("any_due", self._now())), timeout_s)


def _find_message(db: Database, id: str) -> Row:
    row = db.one("message", id)
    if row is None:
        raise no_mail(id)
    return row


def _find(db: Database, kind: DocumentKind, source: str, id: str) -> QuarantinedDocument:
    row = db.one("quarantined", source, id, kind.value)
    if row is None:
        raise not_in_quarantine(kind, source, id)
    return quarantined_of(row, DocumentKind(row[1]), *row[8:])


def _listing(after: str, limit: int, state: str | None, member_id: str | None) -> tuple[Any, ...]:
    """The statement that reads a page of messages by an index, with its parameters."""
    if member_id is not None:
        return "messages_of_member", after, limit, state, member_id
    return ("all_messages", after, limit) if state is None else ("messages_in_state", after, limit, state)
