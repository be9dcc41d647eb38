"""Somebody's forgotten session holds an old snapshot, so that nothing is vacuumed: a worker's claim reads no more pages
of its inbox after thousands of orders than it did before, nor do its looks for work and for what is beside orders.
"""

import json

import asyncpg
import pytest

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger, awarding
from laurels.engines.postgres.reaching import PLANNED
from laurels.engines.postgres.statements import SQL
from laurels.ledger import shard_of
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(300)]

ROUNDS = 12
ORDERS = 250
BATCH = 100
"""What the claim that is looked at would take."""

MEMBERS = [f"m{n}" for n in range(60_000) if shard_of(f"m{n}", 16) == 0]
"""All of one shard: that one gets all the dead rows."""


async def first_above(connection: "asyncpg.Connection[asyncpg.Record]", floor: int) -> int:
    """The first document in the shard's inbox above a floor."""
    return int((await connection.fetch(SQL["look_for_work"], [0], [floor], [0]))[0][2])


async def blocks_read(connection: "asyncpg.Connection[asyncpg.Record]", name: str, *arguments: object) -> int:
    """Pages that a statement of the shard's worker looks at, from the cache or not."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        explained = await connection.fetchval("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + SQL[name], *arguments)
    finally:
        await transaction.rollback()
    plan = json.loads(explained)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_a_claim_reads_no_more_while_a_snapshot_is_held(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awarding, "LAG_S", 0.0)  # else the floor follows by half a second
    ledger = await PostgresLedger.open(database)
    holding, looking = await asyncpg.connect(database), await asyncpg.connect(database, server_settings=PLANNED)
    try:
        shop = Shop(ledger, TurnedClock())
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs)
        await holding.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await holding.fetch("SELECT count(*) FROM inbox")
        read: list[int] = []
        looked: list[int] = []
        beside: list[int] = []
        without_floor = 0
        for number in range(ROUNDS):
            # Others in each round: a member's own total has old versions too, which whoever reads that looks at.
            members = MEMBERS[number * ORDERS :][:ORDERS]
            of_round = [order(f"{number}-{n}", member, "10.00") for n, member in enumerate(members)]
            await shop.accept(*of_round)
            await shop.award()
            floor = ledger._floors[0].get()
            late = MEMBERS[-20 * (number + 1) :][:20]
            await shop.accept(*(order(f"{number}+{n}", member, "10.00") for n, member in enumerate(late)))
            looked.append(await blocks_read(looking, "look_for_work", [0], [floor], [0]))
            read.append(await blocks_read(looking, "claim", 0, BATCH, await first_above(looking, floor) - 1, 0))
            keys = [f"{number}+{n}" for n in range(20)]
            beside.append(await blocks_read(looking, "beside_orders", 0, ["shop"] * 20, keys))
            without_floor = await blocks_read(looking, "claim", 0, BATCH, 0, 0)
            await shop.award()
        print(f"blocks read by a claim of 20: {read}, without a floor {without_floor}; {looked=}; {beside=}")
        assert without_floor > 1.5 * read[-1], "there are dead rows to be read, for whoever would"
        assert read[-1] <= 2 * read[0]
        assert looked[-1] <= 2 * looked[0]
        assert beside[-1] <= 2 * beside[0]
    finally:
        holding.terminate()
        looking.terminate()
        await ledger.close()
