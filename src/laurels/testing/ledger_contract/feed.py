"""The feed: gapless, in order of commit, the same for everyone who reads it, and whose it is."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from itertools import pairwise

import pytest

from laurels.awarding import recount_of
from laurels.clock import elapsed
from laurels.errors import FeedDiverged, InsufficientPoints, LedgerUnavailable
from laurels.ledger import Heads
from laurels.model import BoardEntry, Entry, EntryKind, Mark, MemberEvent
from laurels.testing.ledger_contract.base import (
    SOON_S,
    LedgerSuite,
    OpenLedger,
    Shop,
    adjustment,
    board_entry_of,
    key_of,
    opened_again,
    order,
    redemption,
    refund,
    soon,
)


class FollowingTests(LedgerSuite):
    """Whoever has read up to a position has seen everything before it."""

    async def test_a_fresh_ledger_says_who_it_is(self, shop: Shop) -> None:
        """An identity, an epoch, and every shard at its beginning."""
        heads = await shop.ledger.heads()
        assert heads.identity
        assert heads.epoch >= 1
        assert heads.marks
        assert set(heads.marks.values()) == {Mark()}
        for shard in heads.marks:
            assert await shop.ledger.feed(shard, Mark(), 10) == []

    async def test_identity_and_feed_outlive_a_reopening(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Another process sees the same."""
        await shop.sell(order("A1", "ann", "25.00"), order("A2", "bob", "25.00"))
        async with opened_again(open_ledger, shop) as other:
            assert await other.ledger.heads() == await shop.ledger.heads()
            assert await other.feed() == await shop.feed()

    async def test_positions_have_no_gaps_and_hashes_differ(self, shop: Shop) -> None:
        """From 1 on in each shard, up to the head; what was refused or repeated left no hole."""
        await a_busy_day(shop)
        heads = await shop.ledger.heads()
        for shard, head in heads.marks.items():
            entries = await shop.ledger.feed(shard, Mark(), 10_000)
            assert [entry.position for entry in entries] == list(range(1, head.position + 1))
            assert {entry.shard for entry in entries} <= {shard}
            if entries:
                assert entries[-1].hash == head.hash
        feed = await shop.feed()
        assert len({entry.hash for entry in feed}) == len(feed)
        assert all(len(entry.hash) >= 16 for entry in feed)
        assert len({entry.loyalty_id for entry in feed}) == len(feed)

    @pytest.mark.parametrize("chunk", [1, 3, 1000])
    async def test_it_can_be_read_in_chunks_of_any_size(self, shop: Shop, chunk: int) -> None:
        """And from any mark on."""
        await a_busy_day(shop)
        feed = await shop.feed()
        assert await shop.feed(chunk) == feed
        for entry in feed:
            after = await shop.ledger.feed(entry.shard, Mark(entry.position, entry.hash), chunk)
            of_shard = [each for each in feed if each.shard == entry.shard and each.position > entry.position]
            assert after == of_shard[:chunk]

    @pytest.mark.parametrize("chunk", [1, 3, 1000])
    async def test_the_outline_is_of_the_same_entries(self, shop: Shop, chunk: int) -> None:
        """Read in chunks, each with the mark of its last entry; at the end there is nothing, and the mark stays."""
        await a_busy_day(shop)
        feed = await shop.feed()
        assert {entry.member_id for entry in feed if entry.kind is EntryKind.ENROL} > {None}, "some were erased since"
        for shard, head in (await shop.ledger.heads()).marks.items():
            entries = {entry.position: entry for entry in feed if entry.shard == shard}
            mark = Mark()
            read: list[BoardEntry] = []
            while mark != head:
                board_entries, mark = await shop.ledger.board_entries(shard, mark, chunk)
                assert mark == Mark(board_entries[-1][0], entries[board_entries[-1][0]].hash)
                assert len(board_entries) == min(chunk, len(entries) - len(read))
                read += board_entries
            assert read == [board_entry_of(entry) for entry in entries.values()]
            assert await shop.ledger.board_entries(shard, head, chunk) == ([], head)

    async def test_another_history_is_noticed(self, shop: Shop) -> None:
        """Another hash, or a position beyond the head."""
        await a_busy_day(shop)
        for shard, head in (await shop.ledger.heads()).marks.items():
            if head.position:
                for foreign in (
                    Mark(head.position, b"\x00" * len(head.hash)),
                    Mark(head.position),
                    Mark(1, head.hash),
                    Mark(head.position + 1, head.hash),
                    Mark(head.position + 1000, b"\x01" * 32),
                ):
                    with pytest.raises(FeedDiverged):
                        await shop.ledger.feed(shard, foreign, 10)
                    with pytest.raises(FeedDiverged):
                        await shop.ledger.board_entries(shard, foreign, 10)

    async def test_who_follows_while_many_write_misses_nothing(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Two processes write through many tasks at once; what was read on the way is what a fresh reader reads."""
        seen: list[Entry] = []
        versions = []

        async def follow(writers: "asyncio.Future[list[None]]") -> None:
            marks = {shard: Mark() for shard in (await shop.ledger.heads()).marks}
            last_look = False
            while not last_look:
                last_look = writers.done()
                for shard, mark in marks.items():
                    read = await shop.ledger.feed(shard, mark, 1000)
                    seen.extend(read)
                    marks[shard] = Mark(read[-1].position, read[-1].hash) if read else mark
                versions.append((await shop.ledger.heads()).version)

        async with AsyncExitStack() as stack:
            other = await stack.enter_async_context(opened_again(open_ledger, shop))
            writers = asyncio.gather(
                *(a_busy_day(each, f"{each is other}{n}") for n in range(3) for each in (shop, other))
            )
            await follow(writers)
            await writers
        expected = [(entry.shard, entry.position, entry.hash) for entry in await shop.feed()]
        assert sorted((entry.shard, entry.position, entry.hash) for entry in seen) == expected
        assert all(later.includes(earlier) for earlier, later in pairwise(versions))

    async def test_verifying_a_busy_ledger_finds_nothing(self, shop: Shop) -> None:
        """Whatever is written between two of its steps."""
        await a_busy_day(shop)
        step = 0
        async for verification in shop.ledger.verify(recount_of(shop.programs)):
            assert verification.findings == ()
            if (step := step + 1) < 5:
                await a_busy_day(shop, f"{step}")
                await shop.ledger.enrol([(f"new-{step}", None)], actor="clerk")
        assert step > 1

    async def test_a_closed_ledger_says_so(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Reading, writing and waiting; closing twice is no trouble."""
        async with opened_again(open_ledger, shop) as other:
            await other.ledger.close()
            for refused in (
                other.ledger.accept([]),
                other.ledger.heads(),
                other.ledger.balance("ann"),
                other.ledger.wait_for_work(SOON_S),
            ):
                with pytest.raises(LedgerUnavailable):
                    await refused


class WakingTests(LedgerSuite):
    """Whoever waits is woken at once."""

    async def test_news_wake_who_waits(self, shop: Shop) -> None:
        """A point entry or a member event, each to all who wait."""
        await shop.accept(order("A1", "ann", "25.00"))
        for happen in (
            shop.award,
            lambda: shop.ledger.enrol([("bob", None)], actor="clerk"),
            lambda: shop.ledger.change_member("ann", MemberEvent.HIDE, actor="clerk"),
            lambda: shop.awarder.settle(adjustment("J1", "ann", 5)),
        ):
            known = await shop.ledger.heads()
            waiting = [asyncio.create_task(self._woken_after(shop, known)) for _ in range(5)]
            await asyncio.sleep(0)
            await happen()
            for each in waiting:
                await soon(each)

    async def test_news_of_another_process_wake_who_waits(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Soon, although nobody in this one knows."""
        async with opened_again(open_ledger, shop) as other:
            waiting = asyncio.create_task(self._woken_after(shop, await shop.ledger.heads()))
            work = asyncio.create_task(shop.ledger.wait_for_work(10 * SOON_S))
            await other.accept(order("A1", "ann", "25.00"))
            await soon(work)
            await other.award()
            await soon(waiting)

    async def test_old_news_are_not_waited_for(self, shop: Shop) -> None:
        """Nor is work that is there."""
        known = await shop.ledger.heads()
        await shop.accept(order("A1", "ann", "25.00"))
        await soon(shop.ledger.wait_for_work(10 * SOON_S))
        await shop.award()
        await soon(shop.ledger.wait_for_entries(known, 10 * SOON_S))

    async def test_work_wakes_who_waits(self, shop: Shop) -> None:
        """A new document, and one that is retried."""
        waiting = asyncio.create_task(shop.ledger.wait_for_work(10 * SOON_S))
        await asyncio.sleep(0)
        assert not waiting.done()
        await shop.accept(order("A1", "ann", "2500", currency="JPY"))
        await soon(waiting)
        await shop.award()
        [quarantined] = await shop.ledger.quarantine()
        waiting = asyncio.create_task(shop.ledger.wait_for_work(10 * SOON_S))
        await asyncio.sleep(0)
        await shop.ledger.retry(*key_of(quarantined))
        await soon(waiting)

    async def test_without_news_the_wait_ends_with_its_time(self, shop: Shop) -> None:
        """Not before, and not for what is waiting or in quarantine."""
        await shop.sell(order("A1", "ann", "2500", currency="JPY"), refund("R1", "ann", "5.00", "A9"))
        known = await shop.ledger.heads()
        for wait in (shop.ledger.wait_for_work(0.1), shop.ledger.wait_for_entries(known, 0.1)):
            began = elapsed()
            await soon(wait)
            assert elapsed() - began >= 0.099

    async def _woken_after(self, shop: Shop, known: Heads) -> None:
        """By what happened: its own time would take far longer."""
        await shop.ledger.wait_for_entries(known, 10 * SOON_S)
        assert (await shop.ledger.heads()).version != known.version


async def a_busy_day(shop: Shop, tag: str = "0") -> None:
    """A bit of everything at once, some of it refused, repeated or in conflict."""

    async def buy(n: int) -> None:
        await shop.accept(order(f"A{tag}-{n}", f"m{n % 5}", f"{10 * n}.00"), order(f"A{tag}-0", "m0", "1.00"))
        await shop.accept(refund(f"R{tag}-{n}", f"m{n % 5}", "5.00", f"A{tag}-{n}"))
        await shop.award(limit=3)

    async def spend(n: int) -> None:
        await shop.awarder.settle(adjustment(f"J{tag}-{n}", f"m{n % 5}", 2))
        try:
            await shop.awarder.settle(redemption(f"S{tag}-{n}", f"m{n % 5}", 3))
        except InsufficientPoints:
            return

    async def change(n: int) -> None:
        await shop.ledger.enrol([(f"e{tag}-{n}", None), ("m1", None)], actor="clerk")
        await shop.ledger.change_member(f"e{tag}-{n}", list(MemberEvent)[n % 4], actor="clerk")

    async def taken(step: Callable[[int], Awaitable[None]], n: int) -> None:
        """On a busy machine a lock may be waited for too long: then nothing was taken, and it is done again."""
        while True:
            with suppress(LedgerUnavailable):
                return await step(n)

    await asyncio.gather(*(taken(step, n) for n in range(8) for step in (buy, spend, change)))
    await shop.award()
