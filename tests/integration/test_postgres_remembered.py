"""Whoever accepts remembers the members that ids mean, and looks at them again when the ledger says that one id came to
mean another. So nothing goes to a member by what was true once; and what was here before is known, however it comes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest
from tests.postgres_server import Databases, name_of

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.accepting import CAREFUL
from laurels.engines.postgres.connections import MOST
from laurels.errors import LedgerUnavailable
from laurels.model import MemberEvent
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio

ANOTHER_HISTORY = """
SET session_replication_role = replica;
UPDATE member SET member_id = 'x' WHERE member_id = 'ann';
UPDATE member SET member_id = 'y' WHERE member_id = 'bob';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
"""
"""Other members bear the ids, nothing was counted, and nobody is connected any more."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Shop, PostgresLedger]]:
    ledger = await PostgresLedger.open(url)
    try:
        shop = Shop(ledger, TurnedClock())
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs)
        yield shop, ledger
    finally:
        await ledger.close()


async def found_again(ask: Callable[[], Awaitable[int]]) -> int:
    """What is answered once all connections that were cut off were met."""
    for _ in range(MOST):
        try:
            return await ask()
        except LedgerUnavailable:
            continue
    return await ask()


async def changes(ledger: PostgresLedger) -> int:
    async with ledger._connections.read() as db:
        return int(await db.connection.fetchval("SELECT max(number) FROM member_change"))


async def test_all_that_gives_an_id_another_meaning_is_counted(database: str) -> None:
    """In each shard, by Laurels and by hand; and nothing else is, since each count has everybody look again."""
    async with opened(database) as (shop, ledger):
        names = [f"m{n}" for n in range(64)]
        await shop.sell(*(order(f"A{n}", name, "25.00") for n, name in enumerate(names)))
        await ledger.change_member("m1", MemberEvent.HIDE, actor="clerk")
        await ledger.change_member("m1", MemberEvent.RENAME, actor="clerk")
        await ledger.set_contact("m1", "one@example.com", actor="clerk")
        assert await changes(ledger) == 0
        for done, name in enumerate(names[:40], 1):
            if done % 2:
                await ledger.change_member(name, MemberEvent.ERASE, actor="clerk")
            else:
                await shop.awarder.merge(name, names[40 + done % 24], actor="clerk")
            assert await changes(ledger) == done
        connection = await asyncpg.connect(database)
        try:
            for shard in range(16):
                before = await changes(ledger)
                done = await connection.execute(f"UPDATE member_{shard} SET member_id = 'x' || number")  # noqa: S608
                assert await changes(ledger) == before + int(done.split()[1])
        finally:
            connection.terminate()


@pytest.mark.long
async def test_who_an_id_means_now_is_whose_an_order_is(database: str) -> None:
    """Whatever another process did since they were remembered: at random, beside a plain list of who is who."""
    rng = Random(12)
    async with opened(database) as (shop, _), opened(database) as (other, others):
        names = [f"m{n}" for n in range(12)]
        await shop.accept(*(order(f"A{n}", name, "10.00") for n, name in enumerate(names)))
        await other.award()
        became = {name: name for name in names}
        points = dict.fromkeys(names, 1)
        for number in range(40):
            name = rng.choice(names)
            whose = became[name]
            match rng.randrange(6):
                case 0 if whose == name and name not in {became[each] for each in names if each != name}:
                    await others.change_member(name, MemberEvent.ERASE, actor="clerk")
                    await shop.accept(order(f"{number}-again", name, "10.00"))
                    points[name] = 1
                case 1 if whose == name and (into := became[rng.choice(names)]) != name:
                    await other.awarder.merge(name, into, actor="clerk")
                    await shop.accept(order(f"{number}-gone", name, "10.00"))
                    points[into] += points.pop(name) + 1
                    became = {each: into if has == name else has for each, has in became.items()}
                case _:
                    await shop.accept(*(order(f"{number}-{each}", each, "10.00") for each in names))
                    for each in names:
                        points[became[each]] += 1
            await other.award()
        for name in names:
            assert (await shop.balance(name)).balance == points[became[name]], name
        assert await shop.findings() == []


async def test_on_a_new_connection_nobody_is_remembered(postgres: Databases, database: str) -> None:
    """It may lead to another history that has counted as much: a machine put back to where it was yesterday."""
    async with opened(database) as (shop, ledger):
        await shop.sell(order("A1", "ann", "25.00"), order("A2", "bob", "25.00"))
        await shop.accept(order("A3", "ann", "25.00"), order("A4", "bob", "25.00"))
        ann, bob = await shop.number("ann"), await shop.number("bob")
        postgres.server.sql(ANOTHER_HISTORY, name_of(database))
        assert await found_again(lambda: changes(ledger)) == 0
        await shop.accept(order("A5", "ann", "25.00"), order("A6", "bob", "25.00"))
        assert {await shop.number("ann"), await shop.number("bob")}.isdisjoint({ann, bob})


async def test_what_was_here_before_is_known_however_it_comes(database: str) -> None:
    """From two processes at once, in other order, alone and among new ones; and after one that was, more is reckoned
    with.
    """
    rng = Random(7)
    async with opened(database) as (shop, ledger), opened(database) as (other, others):
        names = [f"m{n}" for n in range(30)]
        await shop.sell(*(order(f"A{n}", name, "10.00") for n, name in enumerate(names)))
        await other.accept(*(order(f"B{n}", name, "10.00") for n, name in enumerate(names)))
        assert ledger._acceptor._careful == others._acceptor._careful == 0
        for round_ in range(6):
            orders = [order(f"{round_}-{n}", rng.choice(names), "10.00") for n in range(50)]
            shuffled = rng.sample(orders, len(orders))
            came = await asyncio.gather(shop.accept(*orders), other.accept(*shuffled))
            repeated = [receipt.repeated for receipts in came for receipt in receipts]
            assert sum(repeated) == len(orders)
            assert not any(receipt.conflict for receipts in came for receipt in receipts)
        assert max(ledger._acceptor._careful, others._acceptor._careful) > CAREFUL - 10
        [receipt] = await shop.accept(order("B1", "m1", "11.00"))
        assert receipt.conflict
        await shop.award()
        total = sum([(await shop.balance(name)).balance for name in names])
        assert total == 30 + 30 + 6 * 50
        assert await shop.findings() == []
