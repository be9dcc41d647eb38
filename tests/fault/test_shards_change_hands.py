"""Shards go from one awarder to another. NEVER counts an order twice, and whoever slept through it is told."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.awarding import Awarder
from laurels.awarding.decide import decide
from laurels.engines.sqlite.leases import LEASE
from laurels.errors import NotOwned
from laurels.model import Mark
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio

SHARDS = 16
ORDERS = 64


@pytest.fixture
async def shops(tmp_path: Path) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two processes over one ledger of 16 shards, on one clock."""
    now, path = TurnedClock(), tmp_path / "laurels.db"
    async with AsyncExitStack() as stack:
        both = []
        for _ in range(2):
            shop = Shop(await open_ledger(path, now, shards=SHARDS), now)
            stack.push_async_callback(shop.ledger.close)
            await shop.adopt(DEFAULT_PROGRAM)
            both.append(shop)
        yield both[0], both[1]
        assert await both[0].findings() == []


async def test_never_awards_after_its_shards_went_to_another(shops: tuple[Shop, Shop]) -> None:
    """One of two awarders is stopped while it has every shard. It wakes when the other one has them, and goes on where
    it stood.
    """
    stopped, other = shops
    await _hand_in(stopped)
    assert await stopped.ledger.own() == frozenset(range(SHARDS))
    assert not await other.ledger.own(), "no shard is two processes' at once"
    stopped.now.at += LEASE
    assert await other.ledger.own() == frozenset(range(SHARDS))
    for shard in range(SHARDS):
        with pytest.raises(NotOwned):
            await _award(stopped, shard)
        assert not await Awarder(stopped.ledger, stopped.programs, stopped.now).step_in(shard)
    assert await stopped.ledger.inbox_depth() == ORDERS, "nothing is written"
    await other.awarder.drain()
    await _all_is_awarded_once(other)


async def _hand_in(shop: Shop) -> None:
    await shop.accept(*(order(f"A{n}", f"m{n}", "10.00") for n in range(ORDERS)))


async def _award(shop: Shop, shard: int) -> int:
    return await shop.ledger.award(shard, ORDERS, lambda claim: decide(claim, shop.programs), waiting_before=0)


async def _all_is_awarded_once(shop: Shop) -> None:
    assert await shop.ledger.inbox_depth() == 0
    earned = []
    for shard in range(SHARDS):
        entries = await shop.ledger.feed(shard, Mark(), 4 * ORDERS)
        assert entries, "every shard has its share"
        assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
        earned += [entry.order_id for entry in entries if entry.kind == "earn"]
    assert sorted(map(str, earned)) == sorted(f"A{n}" for n in range(ORDERS))
