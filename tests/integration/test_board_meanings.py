"""What a kind of entry means on a board, from the document that leads to it to the place that it gives."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fault.following import Board
from tests.ledgers import open_ledger

from laurels.clock import DAY
from laurels.model import Balance, Restoration
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order, redemption

pytestmark = pytest.mark.anyio

GENEROUS = DEFAULT_PROGRAM.replace("version = 1\n", "version = 2\n").replace("points = 1 ", "points = 7 ")


@pytest.fixture(params=[1, 16])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    now = TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now, shards=request.param), now)
    await shop.adopt(DEFAULT_PROGRAM)
    yield shop
    assert await shop.findings() == []
    await shop.ledger.close()


async def test_points_that_come_back_from_a_redemption_give_no_place(shop: Shop) -> None:
    board = Board(shop.ledger, shop.now)
    await shop.sell(order("A1", "ann", "100.00"), order("A2", "bob", "120.00"))
    await shop.awarder.settle(redemption("S1", "ann", 9))
    source = redemption("S1", "ann", 9).source
    back = Restoration(source=source, cancel_id="C1", redemption_id="S1", member_id="ann").document()
    await shop.awarder.settle(back)
    await board.catch_up()
    assert await _balance(shop, "ann") == Balance(10, 10, 10)
    assert await board.standings() == [("bob", 12, 1, 1), ("ann", 10, 2, 2)]
    await board.check()


async def test_who_became_another_takes_the_points_along(shop: Shop) -> None:
    """A board that followed from the beginning shows what one shows that is built anew."""
    board = Board(shop.ledger, shop.now)
    await shop.sell(order("A1", "ann", "100.00"), order("A2", "bob", "120.00"), order("A3", "cyd", "30.00"))
    await board.catch_up()
    await shop.awarder.merge("ann", "cyd", actor="clerk")
    await board.catch_up()
    assert await _balance(shop, "cyd") == await _balance(shop, "ann") == Balance(13, 13, 13)
    assert await board.standings() == [("cyd", 13, 1, 1), ("bob", 12, 2, 2)]
    await board.check()


async def test_an_order_is_judged_by_the_version_of_its_day(shop: Shop) -> None:
    """Whenever it comes in, and whatever is in force by then."""
    before = shop.now.at
    shop.now.at += DAY
    assert GENEROUS != DEFAULT_PROGRAM
    await shop.adopt(GENEROUS)
    shop.now.at += DAY
    await shop.sell(order("A1", "ann", "100.00", occurred_at=before), order("A2", "bob", "100.00"))
    assert await _balance(shop, "ann") == Balance(10, 10, 10)
    assert await _balance(shop, "bob") == Balance(70, 70, 70)


async def _balance(shop: Shop, member_id: str) -> Balance:
    found = await shop.ledger.balance(member_id)
    assert found is not None
    return found[0]
