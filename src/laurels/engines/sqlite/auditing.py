"""The audit log in the embedded ledger."""

from laurels.engines.sqlite.audit_rows import append
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.session import Session
from laurels.ledger import Act, AuditRow
from laurels.ledger.rows import audit_row_of

NEWEST = 2**62


class SqliteAudit(Session):
    """Who looked at what and changed what."""

    async def record(self, act: Act) -> None:
        await self._writer.run(lambda db: append(db, act, self._now()), is_told=False)

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
        def read(db: Database) -> list[Row]:
            first, end = _position(db, since, 0), _position(db, until, NEWEST)
            asked = (end if before is None else min(before, end), action, first, limit)
            if sub is not None:
                return db.all("audit_of_sub", *asked, sub, member)
            if member is not None:
                return db.all("audit_of_member", *asked, member)
            return db.all("audit", *asked)

        return [audit_row_of(row) for row in await self._reader.run(read)]

    async def audit_people(self, *, after: str = "", limit: int = 50) -> list[AuditRow]:
        return [audit_row_of(row) for row in await self._reader.run(lambda db: db.all("audit_people", after, limit))]

    async def cut_audit(self, *, before: int, limit: int) -> int:
        def write(db: Database) -> int:
            last = db.one("last_audit_before", before, limit)
            if last is None:
                return 0
            db.run("move_audit_cut", *last)
            return len(db.all("cut_audit", last[0]))

        return await self._writer.run(write)


def _position(db: Database, at: int | None, otherwise: int) -> int:
    """Where the rows of an instant begin."""
    return otherwise if at is None else int(db.value("first_audit_since", at))
