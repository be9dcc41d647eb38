"""The contract's tests of how processes share the shards of a ledger."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from laurels.awarding.decide import decide
from laurels.clock import SECOND, elapsed
from laurels.errors import NotOwned
from laurels.testing.ledger_contract.base import (
    HANDOVER_LOOK_S,
    SOON_S,
    LedgerSuite,
    OpenLedger,
    Shop,
    opened_again,
    order,
)

MEMBERS = 64
"""So many that every one of 16 shards has some."""


class SharingTests(LedgerSuite):
    """Processes that award have equal shares of the shards, whoever came first."""

    async def test_who_is_alone_has_every_shard(self, shop: Shop) -> None:
        """At once, and again when it asks again."""
        assert await shop.ledger.own() == await _all(shop)
        assert await shop.ledger.own() == await _all(shop)

    async def test_a_newcomer_gets_its_share_while_the_first_lives(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """And so does the next one; who ends leaves its share to the others."""
        await shop.ledger.own()
        if len(await _all(shop)) == 1:  # one shard has no shares: its lock says whose turn it is
            return
        async with AsyncExitStack() as stack:
            shops = [shop]
            for _ in range(2):
                shops.append(await stack.enter_async_context(opened_again(open_ledger, shop)))
                await _until_shared(shops)
        await _until_shared([shop])

    async def test_who_shares_awards_all_and_each_once(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Each of two awards what is in its own shards, and nothing else."""
        async with opened_again(open_ledger, shop) as other:
            await other.ledger.own()
            await shop.accept(*(order(f"A{n}", f"m{n}", "10.00") for n in range(MEMBERS)))
            await asyncio.wait_for(asyncio.gather(shop.award(), other.award()), 3 * SOON_S)
        earned = [entry.order_id for entry in await shop.feed() if entry.kind == "earn"]
        assert sorted(map(str, earned)) == sorted(f"A{n}" for n in range(MEMBERS))

    async def test_a_shard_that_is_not_its_own_is_refused(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Never asked for, or another's; nothing is written, and its owner awards it."""
        shards = await _all(shop)
        if len(shards) == 1:
            return
        await shop.accept(*(order(f"A{n}", f"m{n}", "10.00") for n in range(MEMBERS)))
        async with opened_again(open_ledger, shop) as other:
            for shard in shards:
                await _is_refused(other, shard)
            await shop.ledger.own()
            await _until_shared([shop, other])
            for one, another in ((shop, other), (other, shop)):
                for shard in await another.ledger.own():
                    await _is_refused(one, shard)
            assert await shop.ledger.inbox_depth() == MEMBERS
            assert await shop.awarder.step(MEMBERS) + await other.awarder.step(MEMBERS) == MEMBERS


async def _all(shop: Shop) -> frozenset[int]:
    return frozenset((await shop.ledger.heads()).marks)


async def _is_refused(shop: Shop, shard: int) -> None:
    with pytest.raises(NotOwned):
        await shop.ledger.award(shard, MEMBERS, lambda claim: decide(claim, shop.programs), waiting_before=0)
    assert await shop.awarder.step_in(shard) == 0


async def _until_shared(shops: list[Shop]) -> None:
    """Ask by turns, as processes do that run, until each has as many as any other, and no shard is nobody's."""
    shards, until = await _all(shops[0]), elapsed() + SOON_S
    while True:
        owned = [await shop.ledger.own() for shop in shops]
        sizes = sorted(map(len, owned))
        if frozenset().union(*owned) == shards and sum(sizes) == len(shards) and sizes[-1] - sizes[0] <= 1:
            return
        assert elapsed() < until, f"they have {sizes} of {len(shards)} shards"
        shops[0].now.at += SECOND
        await asyncio.sleep(HANDOVER_LOOK_S)
