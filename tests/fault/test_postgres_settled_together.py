"""Whoever waits for points shares a transaction, whatever his shard: one that somebody else has locked holds up its own
documents alone, and what is wrong with one document is no other's business.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from unittest import mock

import asyncpg
import pytest
from asyncpg.connection import Connection

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.codes import SHARDS
from laurels.errors import InsufficientPoints, LaurelsError, LedgerUnavailable, LedgerUncertain
from laurels.ledger import Act, Receipt, Recording, recording, shard_of
from laurels.model import Document
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, redemption, soon

pytestmark = pytest.mark.anyio


def one_of_each_shard() -> list[str]:
    """A member of each shard, in their order."""
    found: dict[int, str] = {}
    n = 0
    while len(found) < SHARDS:
        found.setdefault(shard_of(f"m{n}", SHARDS), f"m{n}")
        n += 1
    return [found[shard] for shard in range(SHARDS)]


MEMBERS = one_of_each_shard()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Shop]:
    """A shop as one process has it, whose members have ten points each."""
    now = TurnedClock()
    ledger = await PostgresLedger.open(url, now)
    try:
        shop = Shop(ledger, now)
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs, now)
        await asyncio.gather(*(shop.awarder.settle(adjustment(f"first {each}", each, 10)) for each in MEMBERS))
        yield shop
        assert await shop.findings() == []
    finally:
        await ledger.close()


@asynccontextmanager
async def locked(url: str, shard: int) -> AsyncIterator[None]:
    """Somebody else has a shard's feed locked."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("BEGIN")
        await connection.fetch("SELECT FROM shard WHERE shard = $1 FOR UPDATE", shard)
        yield
        await connection.execute("ROLLBACK")
    finally:
        connection.terminate()


@asynccontextmanager
async def kept_for_long(url: str, shard: int) -> AsyncIterator[None]:
    """The same, of one who is at work there for longer than anybody waits."""
    connection, other = await asyncpg.connect(url), await asyncpg.connect(url)
    pid = connection.get_server_pid()
    keeping = asyncio.create_task(
        connection.execute(f"BEGIN; SELECT FROM shard WHERE shard = {shard} FOR UPDATE; SELECT pg_sleep(600)")
    )
    try:
        while not await other.fetchval("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $1", pid):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield
    finally:
        await other.execute("SELECT pg_terminate_backend($1, 60000)", pid)
        await asyncio.gather(keeping, return_exceptions=True)
        for each in (connection, other):
            each.terminate()


@asynccontextmanager
async def commits_counted() -> AsyncIterator[Counter[str]]:
    """How many transactions are committed meanwhile."""
    counted: Counter[str] = Counter()
    execute = Connection.execute

    async def counting(self: Any, statement: str, *arguments: Any, **more: Any) -> str:
        counted["transactions"] += statement == "COMMIT"
        return str(await execute(self, statement, *arguments, **more))

    with mock.patch.object(Connection, "execute", counting):
        yield counted


async def settled(shop: Shop, *documents: Document) -> list[Receipt | LaurelsError]:
    return await shop.ledger.settle(list(documents), shop.awarder._decide_or_raise)


async def test_what_waits_in_all_shards_shares_a_transaction(database: str) -> None:
    async with opened(database) as shop:
        asked = [adjustment(f"J{n}", MEMBERS[n % SHARDS], 1) for n in range(10 * SHARDS)]
        async with commits_counted() as counted:
            receipts = await asyncio.gather(*(shop.awarder.settle(each) for each in asked))
        assert [receipt.balance for receipt in receipts[-SHARDS:]] == [20] * SHARDS
        assert counted["transactions"] == 1


async def test_a_locked_shard_holds_up_its_own_documents_alone(database: str) -> None:
    async with opened(database) as shop:
        async with locked(database, 3):
            asked = [
                asyncio.create_task(shop.awarder.settle(adjustment(f"J{n}", each, 1))) for n, each in enumerate(MEMBERS)
            ]
            others = [task for shard, task in enumerate(asked) if shard != 3]
            assert [receipt.balance for receipt in await soon(asyncio.gather(*others))] == [11] * (SHARDS - 1)
            assert not asked[3].done()
            again = [shop.awarder.settle(adjustment(f"K{n}", each, 1)) for n, each in enumerate(MEMBERS) if n != 3]
            assert [receipt.balance for receipt in await soon(asyncio.gather(*again))] == [12] * (SHARDS - 1)
            assert not asked[3].done()
        assert (await soon(asked[3])).balance == 11


async def test_what_went_in_beside_a_shard_that_is_kept_for_long_is_not_denied(database: str) -> None:
    """One call, of members of two shards: that of the one is in, the other's was given up."""
    async with opened(database) as shop:
        asked = [adjustment(f"J{shard}", MEMBERS[shard], 1) for shard in (2, 3)]
        async with kept_for_long(database, 3):
            with pytest.raises(LedgerUncertain):
                await settled(shop, *asked)
            assert [(await shop.balance(MEMBERS[shard])).balance for shard in (2, 3)] == [11, 10]
            with pytest.raises(LedgerUnavailable) as refused:
                await settled(shop, asked[1])
            assert not isinstance(refused.value, LedgerUncertain), "of this call nothing is in"
        again = await settled(shop, *asked)
        assert [isinstance(each, Receipt) and each.repeated for each in again] == [True, False]


async def test_where_all_shards_are_locked_who_waits_takes_all(database: str) -> None:
    """As another process that settles has them: then this one's turn is one transaction again, or a few."""
    async with opened(database) as shop:
        connection = await asyncpg.connect(database)
        try:
            await connection.execute("BEGIN")
            await connection.fetch("SELECT FROM shard FOR UPDATE")
            async with commits_counted() as counted:
                asked = [
                    asyncio.create_task(shop.awarder.settle(adjustment(f"J{n}", each, 1)))
                    for n, each in enumerate(MEMBERS)
                ]
                while counted["transactions"] < 1:  # the round that found nothing free  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                await connection.execute("ROLLBACK")
                assert [receipt.balance for receipt in await soon(asyncio.gather(*asked))] == [11] * SHARDS
        finally:
            connection.terminate()


async def test_one_that_no_row_can_hold_keeps_no_other_out(database: str) -> None:
    async with opened(database) as shop:
        asked = [adjustment(f"J{n}", each, 1, "a \0 in it" if n == 5 else "well") for n, each in enumerate(MEMBERS)]
        came = await asyncio.gather(*(shop.awarder.settle(each) for each in asked), return_exceptions=True)
        assert isinstance(came[5], LedgerUnavailable)
        others = [each for n, each in enumerate(came) if n != 5]
        assert [each.balance for each in others if isinstance(each, Receipt)] == [11] * (SHARDS - 1)
        assert (await shop.balance(MEMBERS[5])).balance == 10


async def test_a_shard_that_has_no_room_keeps_no_other_out(database: str) -> None:
    """The server refuses an entry of one shard."""
    async with opened(database) as shop:
        connection = await asyncpg.connect(database)
        try:
            await connection.execute("ALTER TABLE entry_7 ADD CONSTRAINT no_room CHECK (points < 5 OR points = 10)")
        finally:
            connection.terminate()
        asked = [adjustment(f"J{n}", each, 6) for n, each in enumerate(MEMBERS)]
        came = await asyncio.gather(*(shop.awarder.settle(each) for each in asked), return_exceptions=True)
        assert isinstance(came[7], LedgerUnavailable)
        others = [each for n, each in enumerate(came) if n != 7]
        assert [each.balance for each in others if isinstance(each, Receipt)] == [16] * (SHARDS - 1)


async def test_a_refused_one_leaves_its_neighbours(database: str) -> None:
    async with opened(database) as shop:
        asked = [redemption(f"S{n}", each, 11 if n % 2 else 4) for n, each in enumerate(MEMBERS)]
        came = await settled(shop, *asked)
        for n, each in enumerate(came):
            assert isinstance(each, InsufficientPoints) if n % 2 else isinstance(each, Receipt)
        assert [(await shop.balance(each)).balance for each in MEMBERS] == [6, 10] * (SHARDS // 2)


async def test_a_key_belongs_to_one_member_whichever_shards_ask_at_once(database: str) -> None:
    async with opened(database) as shop:
        came = await settled(shop, *(adjustment("J", each, 5) for each in MEMBERS[:4]))
        assert sorted(each.conflict for each in came if isinstance(each, Receipt)) == [False, True, True, True]
        assert sum([(await shop.balance(each)).balance for each in MEMBERS]) == 10 * SHARDS + 5


async def test_every_person_who_asked_has_a_row(database: str) -> None:
    async with opened(database) as shop:

        async def correct(n: int) -> None:
            recording.set(Recording(Act(sub=f"p{n}", name="P", roles="support", action="adjust")))
            await shop.awarder.settle(adjustment(f"J{n}", MEMBERS[n % SHARDS], 1))

        async with commits_counted() as counted:
            await asyncio.gather(*(asyncio.create_task(correct(n)) for n in range(2 * SHARDS)))
        rows = await shop.ledger.audit(limit=100)
        assert sorted(row.act.sub for row in rows) == sorted(f"p{n}" for n in range(2 * SHARDS))
        assert [row.position for row in rows] == [*range(2 * SHARDS, 0, -1)]
        assert counted["transactions"] < 2 * SHARDS


async def test_processes_that_settle_at_once_take_turns(database: str) -> None:
    """The same 300 documents through four of them, each in its own order: each once, and no deadlock."""
    async with (
        opened(database) as first,
        opened(database) as second,
        opened(database) as third,
        opened(database) as last,
    ):
        shops = [first, second, third, last]
        documents = [adjustment(f"J{n}", MEMBERS[n % SHARDS], 1) for n in range(300)]
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

        async def all_of(shop: Shop, seed: int) -> list[Receipt]:
            shuffled = Random(seed).sample(documents, len(documents))
            return await asyncio.gather(*(shop.awarder.settle(each) for each in shuffled))

        receipts = await asyncio.gather(*(all_of(shop, seed) for seed, shop in enumerate(shops)))
        assert sum(not receipt.repeated for of_shop in receipts for receipt in of_shop) == len(documents)
        assert sum([(await first.balance(each)).balance for each in MEMBERS]) == 10 * SHARDS + len(documents)
        connection = await asyncpg.connect(database)
        try:
            assert await connection.fetchval(deadlocks) == 0
        finally:
            connection.terminate()
