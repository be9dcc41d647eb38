"""The audit log on a server."""

from laurels.engines.postgres.audit_rows import append
from laurels.engines.postgres.connections import trying
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import Act, AuditRow
from laurels.ledger.rows import audit_row_of

NEWEST = 2**62


class PostgresAudit(Session):
    """Who looked at what and changed what."""

    async def record(self, act: Act) -> None:
        async def once() -> None:
            async with self._connections.transaction(recorded=False) as db:
                await append(db, [act], self._now())

        await trying(once)

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
        async with self._connections.read() as db:
            first, end = await _position(db, since, 0), await _position(db, until, NEWEST)
            asked = (end if before is None else min(before, end), action, first, limit)
            if sub is not None:
                rows: list[Row] = await db.all("audit_of_sub", *asked, sub, member)
            elif member is not None:
                rows = await db.all("audit_of_member", *asked, member)
            else:
                rows = await db.all("audit", *asked)
        return [audit_row_of(row) for row in rows]

    async def audit_people(self, *, after: str = "", limit: int = 50) -> list[AuditRow]:
        async with self._connections.read() as db:
            return [audit_row_of(row) for row in await db.all("audit_people", after, limit)]

    async def cut_audit(self, *, before: int, limit: int) -> int:
        async with self._connections.transaction() as db:
            await db.only("lock_audit")
            last = await db.one("last_audit_before", before, limit)
            if last is None:
                return 0
            await db.run("move_audit_cut", *last)
            return len(await db.all("cut_audit", last[0]))


async def _position(db: Statements, at: int | None, otherwise: int) -> int:
    """Where the rows of an instant begin."""
    return otherwise if at is None else int(await db.value("first_audit_since", at))
