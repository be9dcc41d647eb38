"""`boards.together`: a new version is shown once enough members moved, or the first of them waited long enough."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from tests.engines import EMBEDDED
from tests.settings import settings_with

from laurels import clock
from laurels.clock import SECOND
from laurels.dashboard import Dashboard
from laurels.errors import VersionNotReached
from laurels.model import Order, Version
from laurels.testing.ledger_contract.base import TurnedClock
from laurels.wiring import Services, build

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("engine", EMBEDDED),
    pytest.mark.parametrize("shards", [1, 16]),
]

TOGETHER, WITHIN_S = 4, 60


class Shop:
    """Services that hold back, and a clock to turn."""

    def __init__(self, services: Services, now: TurnedClock) -> None:
        self.services = services
        self.now = now

    async def sell(self, order_id: str, *members: str) -> None:
        """An order of each, awarded and looked at by the projector."""
        for n, member in enumerate(members):
            order = Order(source="till", order_id=f"{order_id}-{n}", currency="GBP", total=5000, member_id=member)
            await self.services.intake.accept(order, b"")
        await self.services.awarder.drain()
        await self.project()

    async def project(self) -> None:
        """What the projector's loop does each time."""
        await self.services.projector.catch_up(may_hold=True)

    async def shown(self, member: str = "m0", min_version: Version | None = None) -> Dashboard:
        return await self.services.dashboards.member(member, top=100, around=50, min_version=min_version)


@asynccontextmanager
async def opened(state: Path, engine: str, shards: int) -> AsyncIterator[Shop]:
    now = TurnedClock(clock.now())
    chosen = settings_with(
        state=state,
        leaderboard_engine=engine,
        ledger_shards=shards,
        boards_together=TOGETHER,
        boards_within_s=WITHIN_S,
    )
    async with build(chosen, now=now) as services:
        shop = Shop(services, now)
        await shop.sell("first", *(f"m{n}" for n in range(8)))
        yield shop


async def test_too_few_are_held_back_and_that_is_not_stale(tmp_path: Path, engine: str, shards: int) -> None:
    async with opened(tmp_path, engine, shards) as shop:
        before = await shop.shown()
        assert before.ranked == 8
        for n in range(3):
            await shop.sell(f"A{n}", "m0", f"m{n}")  # again and again: members count, not orders
            shop.now.at += 10 * SECOND
            await shop.project()
            assert await shop.shown() == before
            assert not before.stale
        head = (await shop.services.ledger.heads()).version
        with pytest.raises(VersionNotReached):
            await shop.shown(min_version=head)
        await shop.sell("A9", "m7")
        after = await shop.shown(min_version=head)
        assert after.as_of != before.as_of
        assert after.me.points == before.me.points + 20
        assert sum(row.points for row in after.top) == sum(row.points for row in before.top) + 7 * 5


async def test_nobody_waits_longer_than_the_setting_says(tmp_path: Path, engine: str, shards: int) -> None:
    async with opened(tmp_path, engine, shards) as shop:
        shop.now.at += 1000 * SECOND
        await shop.project()
        before = await shop.shown()
        await shop.sell("A", "m1")
        shop.now.at += (WITHIN_S - 1) * SECOND
        await shop.project()
        assert await shop.shown() == before
        shop.now.at += SECOND
        await shop.project()
        assert (await shop.shown("m1")).me.points == 10
        await shop.sell("B", "m1")
        assert (await shop.shown("m1")).me.points == 10, "each waits for itself"


async def test_who_moves_together_is_seen_together(tmp_path: Path, engine: str, shards: int) -> None:
    """A reader of this process that looks whenever it is let never sees a part of them."""
    async with opened(tmp_path, engine, shards) as shop:
        seen, done = [await shop.shown()], asyncio.Event()

        async def look() -> None:
            while not done.is_set():
                seen.append(await shop.shown())
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        for n in range(10):
            await shop.sell(f"C{n}", *(f"m{(n + k) % 8}" for k in range(TOGETHER)))
        done.set()
        await looking
        for one, other in pairwise(seen):
            points = {row.name: row.points for row in one.top}
            moved = [row for row in other.top if row.points != points[row.name]]
            assert not moved or len(moved) >= TOGETHER
        assert seen[-1].me.points > seen[0].me.points


async def test_a_backlog_and_a_rebuild_are_not_held_back(tmp_path: Path, engine: str, shards: int) -> None:
    async with opened(tmp_path, engine, shards) as shop:
        await shop.sell("A", "m1")
        await shop.services.projector.catch_up()
        assert (await shop.shown("m1")).me.points == 10, "a command shows all that there is"
        await shop.sell("B", "m1")
        await shop.services.projector.rebuild()
        assert (await shop.shown("m1")).me.points == 15
