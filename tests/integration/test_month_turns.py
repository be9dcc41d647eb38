"""A live board of `month` turns with the month, whoever else is quiet."""

import asyncio
from pathlib import Path

import pytest
from tests.settings import settings_with

from laurels import clock
from laurels.clock import SECOND
from laurels.dashboard import live
from laurels.leaderboard import Boards
from laurels.model import Order
from laurels.wiring import build

pytestmark = pytest.mark.anyio


async def test_streams_on_month_turn_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life come once an hour here, so what comes at the turn is not one of their looks."""
    monkeypatch.setattr(live, "QUIET_S", 3600.0)
    ahead = 0

    def now() -> int:
        return clock.now() + ahead

    async with build(settings_with(state=tmp_path), now=now) as services:
        boards = services.boards
        assert isinstance(boards, Boards)
        order = Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=2500)
        await services.intake.accept(order)
        await services.awarder.drain()
        await services.projector.catch_up()
        ahead = boards.next_turn(clock.now()) - clock.now() - 5 * SECOND
        before = boards.resolve("month", now())
        shown = services.live.follow(lambda: services.dashboards.board("month", top=10, whole=True))
        async with asyncio.timeout(60):
            seen = [each async for each in _until(shown, before)]
        assert seen[0] == (before, 1)
        assert seen[-1][0] == boards.resolve("month", now()) != before
        assert seen[-1][1] == 0


async def _until(shown, before: str):  # type: ignore[no-untyped-def]
    """What is shown, to the first that is of another board."""
    async for each in shown:
        if each is None:
            continue
        yield each.board, each.ranked
        if each.board != before:
            return
