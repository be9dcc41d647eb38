"""Entries lie in ranges of 100 million positions a shard: the next is there long before the last one is full, so that
writing never ends, and nothing that was recorded can be changed there either.
"""

import asyncio

import asyncpg
import pytest

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.ledger import shard_of
from laurels.model import Mark
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio

RANGE = 100_000_000


async def opened(url: str) -> Shop:
    ledger = await PostgresLedger.open(url)
    shop = Shop(ledger, TurnedClock())
    shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
    shop.awarder = Awarder(ledger, shop.programs)
    return shop


async def test_entries_go_on_beyond_a_range(database: str) -> None:
    """As if the shard had two entries left to its range; and two processes make the next one at the same moment."""
    shard = shard_of("ann", 16)
    first = await opened(database)
    await first.sell(order("A1", "ann", "25.00"))
    await first.ledger.close()
    connection = await asyncpg.connect(database)
    try:
        last = await connection.fetchrow("SELECT * FROM entry WHERE shard = $1 ORDER BY position DESC LIMIT 1", shard)
        names = ", ".join(dict(last))
        values = ", ".join(str(RANGE - 3) if name == "position" else name for name in dict(last))
        await connection.execute(
            f"INSERT INTO entry ({names}) SELECT {values} FROM entry WHERE shard = $1 AND position = $2",  # noqa: S608
            shard,
            last["position"],
        )
        shops = [await opened(database) for _ in range(2)]
        try:
            await asyncio.gather(*(shop.ledger.own() for shop in shops))
            await shops[0].accept(*(order(f"B{n}", "ann", "10.00") for n in range(5)))
            await asyncio.gather(*(shop.award() for shop in shops))
            after = Mark(RANGE - 3, last["hash"])
            positions = [entry.position for entry in await shops[0].ledger.feed(shard, after, 10)]
            assert positions == [*range(RANGE - 2, RANGE + 3)]
            assert (await shops[0].balance("ann")).balance == 3 + 5
        finally:
            for shop in shops:
                await shop.ledger.close()
        leaf = f"entry_{shard}_1"
        for statement in (f"UPDATE {leaf} SET points = 9", f"DELETE FROM {leaf}", f"TRUNCATE {leaf}"):  # noqa: S608
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)
        assert await connection.fetchval(f"SELECT relkind FROM pg_class WHERE relname = '{leaf}_pkey'") == b"i"  # noqa: S608
    finally:
        await connection.close()
