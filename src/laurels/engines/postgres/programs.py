"""The programs."""

import msgspec

from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Statements
from laurels.ledger import Draft, Finding, ProgramAct, ProgramEvent, PublishedProgram
from laurels.ledger.audit import nothing_changed
from laurels.ledger.program_log import (
    check_rehearsed,
    check_two_people,
    event_of,
    event_of_row,
    following,
)
from laurels.ledger.programs import findings_of, recorded, to_publish
from laurels.ledger.rows import draft_of, no_draft, published_of


class PostgresPrograms(Session):
    """Program versions."""

    async def programs(self) -> list[PublishedProgram]:
        async with self._connections.read() as db:
            return await _published(db)

    async def publish(self, version: int, text: str, from_at: int | None, *, actor: str) -> list[PublishedProgram]:
        published = await self.programs()
        if any(each.version == version and each.text == text for each in published):
            return published
        did = event_of(ProgramAct.PUBLISH, actor, version, text)
        async with self._connections.transaction() as db:
            return await _publish(db, did, text, from_at, now=self._now())

    async def submit(self, version: int, text: str, *, actor: str) -> Draft:
        did = event_of(ProgramAct.SUBMIT, actor, version, text)
        async with self._connections.transaction() as db:
            await db.all("lock_ledger")
            if await db.one("draft", did.digest) is None:
                now = self._now()
                await db.run("insert_draft", did.digest, version, text, actor, now)
                await _append(db, did, now)
            else:
                nothing_changed()
            return await _draft(db, did.digest)

    async def drafts(self) -> list[Draft]:
        async with self._connections.read() as db:
            return await _drafts(db)

    async def approve(
        self, digest: str, from_at: int | None, *, actor: str, by_another: bool, rehearsal: str | None = None
    ) -> list[PublishedProgram]:
        async with self._connections.transaction() as db:
            await db.all("lock_ledger")
            draft, now = await _draft(db, digest), self._now()
            if by_another:
                check_two_people(draft.submitted_by, actor, rehearsal)
            if rehearsal is not None:
                check_rehearsed(await _events(db), digest, rehearsal, now)
            did = event_of(ProgramAct.APPROVE, actor, draft.version, draft.text, rehearsal=rehearsal)
            published = await _publish(db, did, draft.text, from_at, now=now)
            await db.run("approve_draft", actor, now, digest)
            return published

    async def keep_rehearsal(self, digest: str, rehearsal: str, content: str, *, actor: str) -> ProgramEvent:
        async with self._connections.transaction() as db:
            await db.all("lock_ledger")
            draft = await _draft(db, digest)
            did = event_of(ProgramAct.REHEARSE, actor, draft.version, draft.text, rehearsal=rehearsal, content=content)
            return await _append(db, did, self._now())

    async def stop(self, version: int, text: str, *, actor: str, why: str) -> list[PublishedProgram]:
        did = event_of(ProgramAct.STOP, actor, version, text, content=why)
        async with self._connections.transaction() as db:
            return await _publish(db, did, text, None, now=self._now())

    async def program_events(self) -> list[ProgramEvent]:
        async with self._connections.read() as db:
            return await _events(db)


async def program_findings(db: Statements) -> list[Finding]:
    """What is wrong with the programs, and with the record of what was done with them."""
    return findings_of(await _published(db), await _drafts(db), await _events(db))


async def _events(db: Statements) -> list[ProgramEvent]:
    return [event_of_row(row) for row in await db.all("program_events")]


async def _append(db: Statements, event: ProgramEvent, now: int) -> ProgramEvent:
    row = await db.one("last_program_event")
    placed = following(None if row is None else event_of_row(row), event, now)
    await db.run("insert_program_event", *msgspec.structs.astuple(placed))
    return placed


async def _published(db: Statements) -> list[PublishedProgram]:
    return [published_of(row) for row in await db.all("programs")]


async def _drafts(db: Statements) -> list[Draft]:
    return [draft_of(row) for row in await db.all("drafts")]


async def _publish(
    db: Statements, did: ProgramEvent, text: str, from_at: int | None, *, now: int
) -> list[PublishedProgram]:
    await db.all("lock_ledger")
    published = await _published(db)
    new = to_publish(published, did.version, text, from_at, actor=did.actor, now=now)
    if new is None:
        return published
    await db.run("insert_program", new.version, new.text, new.published_at, new.from_at, new.actor)
    await _append(db, recorded(did, new), now)
    return [*published, new]


async def _draft(db: Statements, digest: str) -> Draft:
    row = await db.one("draft", digest)
    if row is None:
        raise no_draft(digest)
    return draft_of(row)
