"""Rows of the audit log on a server: written in the transaction under way, read, and checked."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.statements import Statements
from laurels.ledger import Act, Finding
from laurels.ledger.audit import audit_hash
from laurels.ledger.rows import audit_finding

CHUNK = 2000


async def append(db: Statements, acts: Sequence[Act], now: int) -> None:
    """Write rows behind the last one, as the last thing that a transaction does: who writes the next one waits. Three
    round trips, however many.
    """
    cut = await db.only("lock_audit")
    position, digest, at = await db.one("audit_end") or cut
    at = max(now, at)
    rows = []
    for act in acts:
        position += 1
        digest = audit_hash(digest, position, at, act)
        rows.append((position, at, *msgspec.structs.astuple(act), digest))
    await db.run("insert_audit", *columns_of(rows, 11))


async def findings(db: Statements) -> AsyncIterator[list[Finding]]:
    """What is wrong with the log: rows changed, or missing. Reads in chunks, of one moment; memory: a chunk."""
    position, digest = await db.only("audit_cut")
    while rows := await db.all("verify_audit", position, CHUNK):
        found = []
        for row in rows:
            found.append(audit_finding(position, digest, row))
            position, digest = row[0], row[10]
        yield [each for each in found if each is not None]
