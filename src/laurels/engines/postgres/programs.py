"""The programs."""

import hashlib

from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import NotAllowed, NotFound
from laurels.ledger import Draft, PublishedProgram
from laurels.ledger.programs import to_publish


class PostgresPrograms(Session):
    """Program versions."""

    async def programs(self) -> list[PublishedProgram]:
        async with self._connections.read() as db:
            return await _published(db)

    async def publish(self, version: int, text: str, from_at: int | None, *, actor: str) -> list[PublishedProgram]:
        published = await self.programs()
        if any(each.version == version and each.text == text for each in published):
            return published
        async with self._connections.transaction() as db:
            return await _publish(db, version, text, from_at, actor=actor, now=self._now())

    async def submit(self, version: int, text: str, *, actor: str) -> Draft:
        digest = hashlib.sha256(text.encode()).hexdigest()
        async with self._connections.transaction() as db:
            await db.run("insert_draft", digest, version, text, actor, self._now())
            return await _draft(db, digest)

    async def drafts(self) -> list[Draft]:
        async with self._connections.read() as db:
            return [_draft_of(row) for row in await db.all("drafts")]

    async def approve(
        self, digest: str, from_at: int | None, *, actor: str, by_another: bool
    ) -> list[PublishedProgram]:
        async with self._connections.transaction() as db:
            draft = await _draft(db, digest)
            if by_another and draft.submitted_by == actor:
                raise NotAllowed("This program was submitted by the same person: another one has to approve it.")
            now = self._now()
            published = await _publish(db, draft.version, draft.text, from_at, actor=actor, now=now)
            await db.run("approve_draft", actor, now, digest)
            return published


async def _published(db: Statements) -> list[PublishedProgram]:
    return [
        PublishedProgram(version=row[0], text=row[1], from_at=row[2], published_at=row[3], actor=row[4])
        for row in await db.all("programs")
    ]


async def _publish(
    db: Statements, version: int, text: str, from_at: int | None, *, actor: str, now: int
) -> list[PublishedProgram]:
    await db.all("lock_ledger")
    published = await _published(db)
    new = to_publish(published, version, text, from_at, actor=actor, now=now)
    if new is None:
        return published
    await db.run("insert_program", new.version, new.text, new.published_at, new.from_at, new.actor)
    return [*published, new]


async def _draft(db: Statements, digest: str) -> Draft:
    row = await db.one("draft", digest)
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
