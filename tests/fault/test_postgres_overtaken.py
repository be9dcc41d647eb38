"""Whoever another process was quicker than is told that the ledger cannot take it now, whatever it was about: a call
that does not look again by itself, and a migration beside processes that go on.
"""

import asyncio

import asyncpg
import pytest

from laurels.engines.postgres import PostgresLedger, schema
from laurels.errors import LedgerUnavailable

pytestmark = pytest.mark.anyio

LOCK = "SELECT FROM shard WHERE shard = $1 FOR UPDATE"


async def test_two_that_wait_for_each_other(database: str) -> None:
    ledger = await PostgresLedger.open(database)
    both = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with ledger._connections.transaction() as db:
            await db.connection.fetch(LOCK, first)
            await both.wait()
            await db.connection.fetch(LOCK, second)

    try:
        came = await asyncio.gather(lock(0, 1), lock(1, 0), return_exceptions=True)
        [refused] = [each for each in came if each is not None]
        assert isinstance(refused, LedgerUnavailable)
        assert "try again" in refused.message
        assert isinstance(refused.__cause__, asyncpg.DeadlockDetectedError)
        await ledger.heads()
    finally:
        await ledger.close()


async def test_a_migration_that_meets_one_who_waits_for_it(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is there, and the next one goes through. It keeps nobody waiting for a table for long."""
    before = schema.LATEST
    steps = [*schema._STEPS, ("next", "LOCK TABLE contact; ALTER TABLE member ADD COLUMN later text")]
    monkeypatch.setattr(schema, "_STEPS", steps)
    monkeypatch.setattr(schema, "LATEST", len(steps))
    connection = await asyncpg.connect(database)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT count(*) FROM member")
        with pytest.raises(LedgerUnavailable, match="lock timeout") as refused:
            await PostgresLedger.migrate(database)
        assert "\n" not in refused.value.message
        await transaction.rollback()
        assert await connection.fetchval("SELECT schema_version FROM ledger") == before
    finally:
        connection.terminate()
    assert await PostgresLedger.migrate(database) == (before, len(steps))
