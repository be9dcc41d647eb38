"""NEVER overspends: 200 redemptions at once through two processes, with refunds and new orders between them."""

import asyncio
from pathlib import Path
from random import Random

import pytest
from tests.ledgers import open_ledger

from laurels.errors import InsufficientPoints
from laurels.model import Entry, EntryKind
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order, redemption, refund

pytestmark = pytest.mark.anyio

REDEMPTIONS = 200
PRICE = 7
ORDERS = 40
"""Of 100.00 each, so of 10 points; every other one is refunded while points are spent."""


async def test_never_overspends_with_200_redemptions_at_once(
    shop: Shop, now: TurnedClock, tmp_path: Path, rng: Random
) -> None:
    other = Shop(await open_ledger(tmp_path / "laurels.db", now), now)  # its own writing thread, as a second process
    await other.adopt(DEFAULT_PROGRAM)
    await shop.sell(*(order(f"A{n}", "ann", "100.00") for n in range(ORDERS // 2)))
    taken: list[str] = []
    refused: list[str] = []

    async def redeem(n: int) -> None:
        process = rng.choice((shop, other))
        try:
            receipt = await process.awarder.settle(redemption(f"S{n}", "ann", PRICE))
        except InsufficientPoints:
            refused.append(f"S{n}")
        else:
            assert not receipt.repeated
            taken.append(f"S{n}")

    async def trade(n: int) -> None:
        process = rng.choice((shop, other))
        await process.accept(refund(f"R{n}", "ann", "100.00", f"A{n}") if n % 2 else order(f"A{n}", "ann", "100.00"))
        await process.award(limit=rng.randint(1, 5))

    between = [n for n in range(ORDERS) if n % 2 or n >= ORDERS // 2]
    crowd = [redeem(n) for n in range(REDEMPTIONS)] + [trade(n) for n in between]
    rng.shuffle(crowd)
    await asyncio.gather(*crowd)
    await shop.award()
    await other.ledger.close()
    spent = _check_balance_at_each_moment(await shop.feed())
    assert spent == len(taken)
    assert taken, "nothing was spent: nothing was tried"
    assert refused, "there was enough for everybody: nothing was tried"
    for id in refused:
        document = redemption(id, "ann", PRICE)
        assert await shop.ledger.document(document.kind, document.source, document.id) is None


def _check_balance_at_each_moment(feed: list[Entry]) -> int:
    """No redemption was let through that the entries before it did not cover; how many there are."""
    balance = spent = 0
    for entry in feed:
        balance += entry.points
        if entry.kind is EntryKind.REDEEM:
            assert balance >= 0, f"overspent at {entry.loyalty_id}"
            spent += 1
    return spent
