"""`boards.keep_months`: so many closed months have a board, on every engine, and what went comes back where it is asked
for, for the ledger has it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.engines import needs_native

from laurels.clock import DAY
from laurels.errors import UnknownBoard
from laurels.leaderboard import compare
from laurels.model import Order
from laurels.settings import load
from laurels.wiring import Services, build

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("engine", ["memory", pytest.param("native", marks=needs_native), "valkey"]),
]

LONDON = ZoneInfo("Europe/London")
MONTHS = ["2026-07", "2026-08", "2026-09", "2026-10"]


def at(day: str) -> int:
    """Noon of a day in London."""
    return int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=LONDON).timestamp()) * 1_000_000


class Shop:
    """Services on one state folder, opened again and again, and a clock to turn."""

    def __init__(self, state: Path, engine: str, request: pytest.FixtureRequest) -> None:
        self.now = at("2026-07-10")
        self.settings = {"state": str(state), "leaderboard.engine": engine}
        if engine == "valkey":
            self.settings["leaderboard.url"] = request.getfixturevalue("valkey_url")
            self.settings["leaderboard.prefix"] = state.name  # one board a ledger

    @asynccontextmanager
    async def open(self, keep_months: int) -> AsyncIterator[Services]:
        settings = load({**self.settings, "boards.keep_months": keep_months}, environment={})
        async with build(settings, now=lambda: self.now) as services:
            yield services

    async def sell(self, services: Services, order_id: str, pounds: int, occurred_at: int | None = None) -> None:
        order = Order(
            source="shop",
            order_id=order_id,
            member_id="ann",
            currency="GBP",
            total=pounds * 100,
            occurred_at=self.now if occurred_at is None else occurred_at,
        )
        await services.intake.accept(order, b"")
        await services.awarder.drain()
        await services.projector.catch_up()


@pytest.fixture
async def shop(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> Shop:
    """One order in each of four months."""
    shop = Shop(tmp_path, engine, request)
    async with shop.open(0) as services:
        for n, month in enumerate(MONTHS, 1):
            shop.now = at(f"{month}-10")
            await shop.sell(services, f"order {month}", 10 * n)
    return shop


async def scores(services: Services) -> dict[str, int]:
    """Ann's score on each month's board that the engine holds, whether or not anybody may ask for it."""
    held = {}
    for month in [*MONTHS, "2026-11"]:
        async for chunk in services.leaderboard.standings(f"month:{month}"):
            held[month] = chunk[0][1]
    return held


async def test_what_is_no_longer_kept_is_dropped_and_comes_back(shop: Shop) -> None:
    async with shop.open(0) as services:
        await services.projector.catch_up()
        assert await scores(services) == {"2026-07": 1, "2026-08": 2, "2026-09": 3, "2026-10": 4}
    async with shop.open(1) as services:
        await services.projector.catch_up()
        assert await scores(services) == {"2026-09": 3, "2026-10": 4}
        with pytest.raises(UnknownBoard, match=r"month:2026-08 is no longer kept.*boards\.keep_months"):
            await services.dashboards.member("ann", "month:2026-08")
        assert (await services.dashboards.member("ann", "month:2026-09", whole=True)).me.points == 3
        assert (await services.dashboards.member("ann")).me.points == 10
        assert await compare(services.ledger, services.leaderboard, services.boards, since=202609) == []
    async with shop.open(3) as services:
        await services.projector.catch_up()
        assert await scores(services) == {"2026-07": 1, "2026-08": 2, "2026-09": 3, "2026-10": 4}
        assert (await services.dashboards.member("ann", "month:2026-07", whole=True)).me.points == 1


async def test_months_go_as_the_present_one_turns(shop: Shop) -> None:
    async with shop.open(1) as services:
        await services.projector.catch_up()
        shop.now = at("2026-11-01")
        # What comes late, within 7 days of its month's end, still counts in it: that month is always kept.
        await shop.sell(services, "late", 50, occurred_at=shop.now - DAY)
        assert await scores(services) == {"2026-10": 9}
        await shop.sell(services, "early", 60)
        assert await scores(services) == {"2026-10": 9, "2026-11": 6}
        assert (await services.dashboards.member("ann")).me.points == 21
        followed = await services.leaderboard.followed()
        await services.projector.catch_up()
        assert await services.leaderboard.followed() == followed


async def test_a_replay_of_the_feed_keeps_the_same_months(shop: Shop) -> None:
    async with shop.open(1) as services:
        await services.projector.replay()
        assert await scores(services) == {"2026-09": 3, "2026-10": 4}
