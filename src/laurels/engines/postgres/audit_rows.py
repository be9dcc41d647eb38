"""Rows of the audit log on a server: written in the transaction under way, read, and checked."""

from collections.abc import AsyncIterator

import msgspec

from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import Act, AuditRow, Finding
from laurels.ledger.audit import audit_hash

CHUNK = 2000
_ACT = slice(2, 10)


async def append(db: Statements, act: Act, now: int) -> None:
    """Write a row behind the last one, as the last thing that a transaction does: who writes the next one waits."""
    cut = await db.only("lock_audit")
    last, digest, at = await db.one("audit_end") or cut
    position, at = last + 1, max(now, at)
    hashed = audit_hash(digest, position, at, act)
    await db.run("insert_audit", position, at, *msgspec.structs.astuple(act), hashed)


def row_of(row: Row) -> AuditRow:
    """A row as it was written."""
    return AuditRow(position=row[0], at=row[1], act=_act(row), hash=row[10])


async def findings(db: Statements) -> AsyncIterator[list[Finding]]:
    """What is wrong with the log: rows changed, or missing. Reads in chunks, of one moment; memory: a chunk."""
    position, digest = await db.only("audit_cut")
    while rows := await db.all("verify_audit", position, CHUNK):
        found = []
        for row in rows:
            if row[0] != position + 1:
                found.append(Finding(f"audit {position + 1}", f"the rows up to {row[0] - 1} are missing"))
            elif audit_hash(digest, row[0], row[1], _act(row)) != row[10]:
                what = "the row was changed: its hash does not follow from the one before"
                found.append(Finding(f"audit {row[0]}", what))
            position, digest = row[0], row[10]
        yield found


def _act(row: Row) -> Act:
    return Act(**dict(zip(Act.__struct_fields__, row[_ACT], strict=True)))
