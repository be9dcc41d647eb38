"""Followers: how far readers outside got, one process at a time for each."""

import asyncio

import pytest

from laurels.clock import SECOND
from laurels.errors import NotFound
from laurels.model import Mark
from laurels.testing.ledger_contract.base import (
    HANDOVER_LOOK_S,
    LedgerSuite,
    OpenLedger,
    Shop,
    opened_again,
    order,
    soon,
)


async def _once_it_is_free(shop: Shop, target: str, owner: str) -> dict[int, Mark]:
    """Follow once nobody else does; the clock of the leases may be a server's."""
    while (marks := await shop.ledger.follow(target, owner, lease_s=60)) is None:
        shop.now.at += SECOND
        await asyncio.sleep(HANDOVER_LOOK_S)
    return marks


class FollowersTests(LedgerSuite):
    """A position for each target, in each shard."""

    async def test_a_new_target_is_at_the_beginning(self, shop: Shop) -> None:
        """In every shard."""
        marks = await shop.ledger.follow("https://a.example", "one", lease_s=60)
        assert marks == dict.fromkeys((await shop.ledger.heads()).marks, Mark())

    async def test_a_target_goes_on_where_it_ended(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """In another process too, and whatever other targets do."""
        await shop.sell(order("A1", "ann", "25.00"), order("A2", "bob", "25.00"))
        heads = await shop.ledger.heads()
        await shop.ledger.follow("a", "one", lease_s=60)
        assert await shop.ledger.followed("a", "one", heads.marks)
        await shop.ledger.let_go("a", "one")
        async with opened_again(open_ledger, shop) as other:
            assert await other.ledger.follow("a", "two", lease_s=60) == heads.marks
            assert await other.ledger.follow("b", "two", lease_s=60) == dict.fromkeys(heads.marks, Mark())

    async def test_one_owner_at_a_time(self, shop: Shop) -> None:
        """Until it lets go or its lease ends; who lost it writes nothing."""
        shard = next(iter((await shop.ledger.heads()).marks))
        there = {shard: Mark(7, b"h" * 16)}
        assert await shop.ledger.follow("a", "one", lease_s=60) is not None
        assert await shop.ledger.follow("a", "two", lease_s=60) is None
        assert not await shop.ledger.followed("a", "two", there)
        assert await shop.ledger.follow("a", "one", lease_s=0.05) is not None
        marks = await soon(_once_it_is_free(shop, "a", "two"))
        assert marks[shard] == Mark()
        assert not await shop.ledger.followed("a", "one", there)
        await shop.ledger.let_go("a", "one")
        assert await shop.ledger.follow("a", "one", lease_s=60) is None
        await shop.ledger.let_go("a", "two")
        assert await shop.ledger.follow("a", "one", lease_s=60) is not None
        assert await shop.ledger.followed("a", "one", there)

    async def test_marks_are_found_by_position(self, shop: Shop) -> None:
        """Those of entries that are there; the beginning always is."""
        await shop.sell(order("A1", "ann", "25.00"), order("A2", "bob", "25.00"))
        for shard, head in (await shop.ledger.heads()).marks.items():
            assert await shop.ledger.mark_at(shard, 0) == Mark()
            assert await shop.ledger.mark_at(shard, head.position) == head
            with pytest.raises(NotFound):
                await shop.ledger.mark_at(shard, head.position + 1)
