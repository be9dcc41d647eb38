"""The programs of the embedded ledger."""

import hashlib

from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.session import Session
from laurels.errors import NotAllowed, NotFound
from laurels.ledger import Draft, PublishedProgram
from laurels.ledger.programs import to_publish


class SqlitePrograms(Session):
    """Program versions."""

    async def programs(self) -> list[PublishedProgram]:
        return await self._reader.run(_published)

    async def publish(self, version: int, text: str, from_at: int | None, *, actor: str) -> list[PublishedProgram]:
        published = await self._reader.run(_published)
        if any(each.version == version and each.text == text for each in published):
            return published
        return await self._writer.run(lambda db: _publish(db, version, text, from_at, actor=actor, now=self._now()))

    async def submit(self, version: int, text: str, *, actor: str) -> Draft:
        digest = hashlib.sha256(text.encode()).hexdigest()

        def write(db: Database) -> Draft:
            db.run("insert_draft", digest, version, text, actor, self._now())
            return _draft(db, digest)

        return await self._writer.run(write)

    async def drafts(self) -> list[Draft]:
        return await self._reader.run(lambda db: [_draft_of(row) for row in db.all("drafts")])

    async def approve(
        self, digest: str, from_at: int | None, *, actor: str, by_another: bool
    ) -> list[PublishedProgram]:
        def write(db: Database) -> list[PublishedProgram]:
            draft = _draft(db, digest)
            if by_another and draft.submitted_by == actor:
                raise NotAllowed("This program was submitted by the same person: another one has to approve it.")
            now = self._now()
            published = _publish(db, draft.version, draft.text, from_at, actor=actor, now=now)
            db.run("approve_draft", actor, now, digest)
            return published

        return await self._writer.run(write)


def _published(db: Database) -> list[PublishedProgram]:
    return [
        PublishedProgram(version=row[0], text=row[1], from_at=row[2], published_at=row[3], actor=row[4])
        for row in db.all("programs")
    ]


def _publish(
    db: Database, version: int, text: str, from_at: int | None, *, actor: str, now: int
) -> list[PublishedProgram]:
    published = _published(db)
    new = to_publish(published, version, text, from_at, actor=actor, now=now)
    if new is None:
        return published
    db.run("insert_program", new.version, new.text, new.published_at, new.from_at, new.actor)
    return _published(db)


def _draft(db: Database, digest: str) -> Draft:
    row = db.one("draft", digest)
    if row is None:
        raise NotFound(f"There is no draft {digest}. `laurels program list` shows them.")
    return _draft_of(row)


def _draft_of(row: Row) -> Draft:
    return Draft(
        digest=row[0],
        version=row[1],
        text=row[2],
        submitted_by=row[3],
        submitted_at=row[4],
        approved_by=row[5],
        approved_at=row[6],
    )
