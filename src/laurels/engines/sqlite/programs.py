"""The programs of the embedded ledger."""

from collections.abc import Iterator

import msgspec

from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.session import Session
from laurels.engines.sqlite.verifying_chunks import moment
from laurels.ledger import Draft, Finding, ProgramAct, ProgramEvent, PublishedProgram
from laurels.ledger.program_log import (
    check_rehearsed,
    check_two_people,
    event_of,
    event_of_row,
    following,
)
from laurels.ledger.programs import findings_of, recorded, to_publish
from laurels.ledger.rows import draft_of, no_draft, published_of


class SqlitePrograms(Session):
    """Program versions."""

    async def programs(self) -> list[PublishedProgram]:
        return await self._reader.run(_published)

    async def publish(self, version: int, text: str, from_at: int | None, *, actor: str) -> list[PublishedProgram]:
        published = await self._reader.run(_published)
        if any(each.version == version and each.text == text for each in published):
            return published
        did = event_of(ProgramAct.PUBLISH, actor, version, text)
        return await self._writer.run(lambda db: _publish(db, did, text, from_at, now=self._now()))

    async def submit(self, version: int, text: str, *, actor: str) -> Draft:
        did = event_of(ProgramAct.SUBMIT, actor, version, text)

        def write(db: Database) -> Draft:
            if db.one("draft", did.digest) is None:
                now = self._now()
                db.run("insert_draft", did.digest, version, text, actor, now)
                _append(db, did, now)
            else:
                db.changed_nothing = True
            return _draft(db, did.digest)

        return await self._writer.run(write)

    async def drafts(self) -> list[Draft]:
        return await self._reader.run(_drafts)

    async def approve(
        self, digest: str, from_at: int | None, *, actor: str, by_another: bool, rehearsal: str | None = None
    ) -> list[PublishedProgram]:
        def write(db: Database) -> list[PublishedProgram]:
            draft, now = _draft(db, digest), self._now()
            if by_another:
                check_two_people(draft.submitted_by, actor, rehearsal)
            if rehearsal is not None:
                check_rehearsed(_events(db), digest, rehearsal, now)
            did = event_of(ProgramAct.APPROVE, actor, draft.version, draft.text, rehearsal=rehearsal)
            published = _publish(db, did, draft.text, from_at, now=now)
            db.run("approve_draft", actor, now, digest)
            return published

        return await self._writer.run(write)

    async def keep_rehearsal(self, digest: str, rehearsal: str, content: str, *, actor: str) -> ProgramEvent:
        def write(db: Database) -> ProgramEvent:
            draft = _draft(db, digest)
            did = event_of(ProgramAct.REHEARSE, actor, draft.version, draft.text, rehearsal=rehearsal, content=content)
            return _append(db, did, self._now())

        return await self._writer.run(write)

    async def stop(self, version: int, text: str, *, actor: str, why: str) -> list[PublishedProgram]:
        did = event_of(ProgramAct.STOP, actor, version, text, content=why)
        return await self._writer.run(lambda db: _publish(db, did, text, None, now=self._now()))

    async def program_events(self) -> list[ProgramEvent]:
        return await self._reader.run(_events)


def program_findings(db: Database) -> Iterator[list[Finding]]:
    """What is wrong with the programs, and with the record of what was done with them."""
    with moment(db):
        yield findings_of(_published(db), _drafts(db), _events(db))


def _append(db: Database, event: ProgramEvent, now: int) -> ProgramEvent:
    row = db.one("last_program_event")
    placed = following(None if row is None else event_of_row(row), event, now)
    db.run("insert_program_event", *msgspec.structs.astuple(placed))
    return placed


def _events(db: Database) -> list[ProgramEvent]:
    return [event_of_row(row) for row in db.all("program_events")]


def _published(db: Database) -> list[PublishedProgram]:
    return [published_of(row) for row in db.all("programs")]


def _drafts(db: Database) -> list[Draft]:
    return [draft_of(row) for row in db.all("drafts")]


def _publish(db: Database, did: ProgramEvent, text: str, from_at: int | None, *, now: int) -> list[PublishedProgram]:
    published = _published(db)
    new = to_publish(published, did.version, text, from_at, actor=did.actor, now=now)
    if new is None:
        return published
    db.run("insert_program", new.version, new.text, new.published_at, new.from_at, new.actor)
    _append(db, recorded(did, new), now)
    return _published(db)


def _draft(db: Database, digest: str) -> Draft:
    row = db.one("draft", digest)
    if row is None:
        raise no_draft(digest)
    return draft_of(row)
