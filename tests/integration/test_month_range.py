"""A correction that one month makes and another takes back must not stop the boards."""

from pathlib import Path

import pytest

from laurels.clock import DAY
from laurels.model import Adjustment, Order, Refund
from laurels.model.entries import MAX_POINTS
from laurels.model.times import parse_instant
from laurels.settings import load
from laurels.wiring import build

pytestmark = pytest.mark.anyio


async def test_a_months_score_beyond_32_bits_is_shown_as_the_most_there_is(tmp_path: Path) -> None:
    october = parse_instant("2026-10-01T12:00:00Z", "now")
    async with build(load({"state": tmp_path}, environment={}), now=lambda: october) as services:
        refund = Refund(
            source="shop", refund_id="R1", member_id="ann", currency="GBP", amount=500, occurred_at=october - 2 * DAY
        )
        await services.intake.accept(refund)
        await services.awarder.drain()
        correction = Adjustment(id="typo", points=MAX_POINTS, actor="clerk", member_id="ann")
        await services.awarder.settle(correction.document())
        order = Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=1000)
        await services.intake.accept(order)
        await services.awarder.drain()
        await services.projector.catch_up()
        shown = {board: (await services.dashboards.member("ann", board)).me for board in ("all-time", "month:2026-10")}
        assert {board: (me.rank, me.points) for board, me in shown.items()} == {
            "all-time": (1, MAX_POINTS),
            "month:2026-10": (1, MAX_POINTS),
        }
