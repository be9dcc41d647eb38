"""A campaign's budget is all shards' together: no two use the same points, and who uses none waits for nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from random import Random

import asyncpg
import pytest

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger, leases
from laurels.model import EntryKind
from laurels.program import parse_program
from laurels.program.grains import GRAIN
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order, refund, soon

pytestmark = pytest.mark.anyio

BUDGET = 100
PROGRAM = f"""
version = 1
[earn]
points = 1
per = {{ GBP = "1.00" }}
rounding = "floor"
[[campaigns]]
name = "spend 50"
spend_min = {{ GBP = "50.00" }}
points = 7
budget = {BUDGET}
"""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Shop]:
    """A shop as one process has it."""
    now = TurnedClock()
    ledger = await PostgresLedger.open(url, now)
    try:
        shop = Shop(ledger, now)
        shop.programs = await publish(ledger, parse_program(PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs, now)
        yield shop
    finally:
        await ledger.close()


async def used(shop: Shop) -> int:
    """What is used of the budget, in points."""
    grains = sum((await shop.ledger.budgets()).values())
    assert grains % GRAIN == 0
    return grains // GRAIN


async def test_who_uses_no_budget_waits_for_nobody_who_does(database: str) -> None:
    """Another process is in the middle of using it: orders that the campaign is not for go on, and those that it is for
    once that is over.
    """
    async with opened(database) as shop:
        await shop.sell(order("A1", "ann", "60.00"))
        assert await used(shop) == 7
        other = await asyncpg.connect(database)
        try:
            await other.execute("BEGIN; SELECT * FROM budget FOR UPDATE")
            await shop.accept(order("A2", "bob", "10.00"))
            await soon(shop.award())
            assert (await shop.balance("bob")).balance == 10
            await shop.accept(order("A3", "eve", "60.00"))
            awarding = asyncio.create_task(shop.award())
            await soon(_waits_for_budgets(database))
            await other.execute("UPDATE budget SET used = $1", (BUDGET - 3) * GRAIN)
            await other.execute("COMMIT")
            await soon(awarding)
        finally:
            other.terminate()
        assert (await shop.balance("eve")).balance == 63, "judged again, by what was left then"
        assert await used(shop) == BUDGET


@pytest.mark.long
async def test_workers_in_all_shards_never_give_more_than_the_budget(
    database: str, rng: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers, eighty orders for a campaign that has points for fourteen, some of them taken back between."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(leases, "RENEW_S", 0.1)
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(opened(database)) for _ in range(2)]
        members = [f"m{number}" for number in range(40)]
        await one.ledger.own()
        while len(await two.ledger.own()) < len(await one.ledger.own()):  # noqa: ASYNC110 - the leases make it so
            await asyncio.sleep(0.01)
        for kind in ("order", "refund", "order again"):
            for member in members:
                if kind != "refund":
                    await one.accept(order(f"{kind} of {member}", member, "60.00"))
                elif rng.random() < 0.3:
                    await one.accept(refund(f"R-{member}", member, "60.00", f"order of {member}"))
            await asyncio.gather(one.award(1), two.award(1))
        earned = sum(entry.points for entry in await one.feed() if entry.kind in {EntryKind.EARN, EntryKind.REVERSE})
        kept = 60 * sum([(await one.balance(member)).balance // 60 for member in members])
        assert earned - kept == await used(one) <= BUDGET
        assert await one.findings() == []


async def _waits_for_budgets(database: str) -> None:
    """Until somebody does."""
    watching = await asyncpg.connect(database)  # within a transaction one look is all that there is
    try:
        while not await watching.fetchval(  # noqa: ASYNC110 - another connection makes it so
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM budget%')"
        ):
            await asyncio.sleep(0.01)
    finally:
        watching.terminate()
