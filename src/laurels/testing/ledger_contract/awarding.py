"""From the inbox to entries: all of a batch or nothing of it, nothing stopped by a bad document, rules that stay."""

import asyncio

import pytest

from laurels.clock import DAY
from laurels.errors import ProgramError
from laurels.ledger import Claim, Outcome
from laurels.model import Balance, EntryKind, Status
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import (
    LedgerSuite,
    Shop,
    adjustment,
    key_of,
    order,
    redemption,
    refund,
    unreadable,
)

DOUBLED = DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace("points = 1 ", "points = 2 ")

UNREADABLE = {
    "nothing": b"",
    "not JSON": b"\x00\xff\xfe garbage",
    "cut short": b'{"source":"shop","order_id":"P","currency":"GBP","to',
    "another shape": b"[1, 2, 3]",
    "a field is missing": b'{"source":"shop","order_id":"P","currency":"GBP"}',
    "text for a number": b'{"source":"shop","order_id":"P","currency":"GBP","total":"25.00"}',
    "not UTF-8": b'{"source":"\xff\xfe","order_id":"P","currency":"GBP","total":2500}',
    "nested too deep": b'{"source":"shop","order_id":"P","currency":"GBP","total":2500,"x":' + b"[" * 100_000,
    "no such number": b'{"source":"shop","order_id":"P","currency":"GBP","total":1e400}',
    "beyond 64 bits": b'{"source":"shop","order_id":"P","currency":"GBP","total":' + b"9" * 30 + b"}",
    "less than nothing": b'{"source":"shop","order_id":"P","currency":"GBP","total":-2500}',
    "a time beyond 64 bits": b'{"source":"shop","order_id":"P","currency":"GBP","total":1,"occurred_at":'
    + b"9" * 30
    + b"}",
}


class AwardingTests(LedgerSuite):
    """What leaves the inbox and what comes of it are one transaction."""

    async def test_an_order_earns_an_entry_that_explains_itself(self, shop: Shop) -> None:
        """All that is needed to check it by hand, and to take it back later under the same rules."""
        bought = order("A1", "ann", "25.00", occurred_at=shop.now.at - DAY)
        await shop.accept(bought)
        shop.now.at += 5
        assert await shop.award() == 1
        [entry] = await shop.ledger.entries("ann")
        assert (entry.kind, entry.points, entry.program_version) == (EntryKind.EARN, 3, 1)
        assert (entry.currency, entry.amount, entry.source, entry.order_id) == ("GBP", 2500, "shop", "A1")
        assert await shop.explained(entry) == "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)"
        assert "2.5 -> 3" in await shop.explained(entry)
        assert entry.occurred_at == entry.board_at == bought.occurred_at
        assert (entry.recorded_at, entry.member_id) == (shop.now.at, "ann")
        assert entry.member == await shop.number("ann")
        state = await shop.state(bought)
        assert (state.status, state.entry, state.reason) == (Status.AWARDED, entry, None)
        assert await shop.ledger.order_entries("shop", "A1") == [entry]
        assert await shop.ledger.inbox_depth() == 0

    async def test_without_a_time_the_time_of_accepting_counts(self, shop: Shop) -> None:
        """However late it is awarded."""
        accepted_at = shop.now.at
        await shop.accept(order("A1", "ann", "25.00"), refund("R1", "ann", "5.00"))
        shop.now.at += 3 * DAY
        await shop.award()
        assert {(entry.occurred_at, entry.board_at) for entry in await shop.ledger.entries("ann")} == {
            (accepted_at, accepted_at)
        }

    async def test_an_award_takes_up_to_its_limit(self, shop: Shop) -> None:
        """And says how many; 0 means that the inbox is empty."""
        await shop.accept(*(order(f"A{n}", "ann", "10.00") for n in range(5)))
        taken = [await shop.awarder.step_in(shard, 2) for shard in await shop.ledger.own()]
        assert (max(taken), await shop.ledger.inbox_depth()) == (2, 3)
        assert await shop.award(limit=2) == 3
        assert await shop.award() == 0

    async def test_an_order_worth_no_points_is_an_entry(self, shop: Shop) -> None:
        """It was judged, and the ledger says how."""
        await shop.sell(order("A1", "ann", "4.99"), order("A2", "ann", "0.00"))
        assert [entry.points for entry in await shop.ledger.entries("ann")] == [0, 0]
        assert (await shop.state(order("A2", "ann", "0.00"))).status is Status.AWARDED

    async def test_a_balance_is_the_sum_of_its_entries(self, shop: Shop) -> None:
        """Each total of the kinds that count in it, and of the version that came with it."""
        await shop.sell(order("A1", "ann", "250.00"), refund("R1", "ann", "50.00", "A1"), refund("R2", "ann", "10.00"))
        await shop.awarder.settle(adjustment("J1", "ann", 100))
        await shop.awarder.settle(adjustment("J2", "ann", -30))
        await shop.awarder.settle(redemption("S1", "ann", 40))
        found = await shop.ledger.balance("ann")
        assert found is not None
        assert found[0] == Balance(balance=25 - 5 - 1 + 100 - 30 - 40, earned=25 - 5 - 1, score=25 - 5 - 1 + 100 - 30)
        assert found[1].includes((await shop.ledger.heads()).version)

    async def test_entries_come_newest_first_and_in_pages(self, shop: Shop) -> None:
        """Only those that move points, and only the member's own."""
        for n in range(7):
            await shop.sell(order(f"A{n}", "ann", f"{10 * n}.00"), order(f"B{n}", "bob", "10.00"))
        pages: list[int] = []
        before = None
        while page := await shop.ledger.entries("ann", before=before, limit=3):
            assert len(page) <= 3
            pages += [entry.points for entry in page]
            before = page[-1].cursor
        assert pages == [6, 5, 4, 3, 2, 1, 0]

    async def test_what_an_order_led_to_is_read_oldest_first(self, shop: Shop) -> None:
        """The order and its refunds, and nothing of another source or order."""
        await shop.sell(order("A1", "ann", "25.00"), order("A1", "ann", "99.00", source="till"))
        await shop.sell(
            refund("R1", "ann", "5.00", "A1"), order("A2", "ann", "25.00"), refund("R2", "ann", "20.00", "A1")
        )
        entries = await shop.ledger.order_entries("shop", "A1")
        assert [(entry.kind, entry.refund_id) for entry in entries] == [
            (EntryKind.EARN, None),
            (EntryKind.REVERSE, "R1"),
            (EntryKind.REVERSE, "R2"),
        ]
        assert await shop.ledger.order_entries("shop", "A9") == []

    async def test_a_judgement_that_raises_undoes_the_whole_batch(self, shop: Shop) -> None:
        """Nothing is taken, nothing written; the next one takes it all."""
        await shop.accept(order("A1", "ann", "25.00"), order("A2", "ann", "25.00"))
        feed = await shop.feed()

        def judge(claim: Claim) -> Outcome:
            raise ZeroDivisionError(f"{len(claim.items)} documents")

        shards = await shop.ledger.own()
        answers = await asyncio.gather(
            *(shop.ledger.award(shard, 10, judge, waiting_before=0) for shard in shards), return_exceptions=True
        )
        assert [str(answer) for answer in answers if isinstance(answer, ZeroDivisionError)] == ["2 documents"]
        assert await shop.feed() == feed
        assert await shop.ledger.inbox_depth() == 2
        assert await shop.award() == 2
        assert (await shop.balance("ann")).balance == 6

    async def test_many_workers_at_once_award_each_document_once(self, shop: Shop) -> None:
        """While more documents come in."""

        async def keep_awarding() -> None:
            while (await shop.ledger.inbox_depth()) or not accepting.done():
                await shop.award(limit=5)
                await asyncio.sleep(0)

        async def keep_accepting() -> None:
            for start in range(0, 200, 10):
                await shop.accept(*(order(f"A{n}", f"m{n % 9}", "10.00") for n in range(start, start + 10)))

        accepting = asyncio.create_task(keep_accepting())
        await asyncio.gather(accepting, *(keep_awarding() for _ in range(4)))
        assert sorted(entry.order_id or "" for entry in await shop.feed() if entry.kind is EntryKind.EARN) == sorted(
            f"A{n}" for n in range(200)
        )

    async def test_recording_never_goes_back(self, shop: Shop) -> None:
        """Even where the clock does."""
        await shop.sell(order("A1", "ann", "25.00"))
        shop.now.at -= DAY
        await shop.sell(order("A2", "ann", "25.00"))
        newer, older = await shop.ledger.entries("ann")
        assert newer.recorded_at >= older.recorded_at


class PoisonTests(LedgerSuite):
    """A document that cannot be awarded is set aside with its bytes, and the rest goes on."""

    @pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
    async def test_one_that_cannot_be_read_stops_nobody(self, shop: Shop, content: bytes) -> None:
        """What was received is kept, byte for byte, with a reason."""
        raw = b"as received: \x00\xff" + content
        poison = unreadable("P", "ann", content, raw)
        await shop.accept(order("A1", "ann", "25.00"), poison, order("A2", "ann", "25.00"))
        assert await shop.award() == 3
        assert (await shop.balance("ann")).balance == 6
        [quarantined] = await shop.ledger.quarantine()
        assert (quarantined.kind, quarantined.source, quarantined.id) == ("order", "shop", "P")
        assert (await shop.ledger.quarantined(*key_of(quarantined))).raw == raw
        assert quarantined.reason
        state = await shop.state(poison)
        assert (state.status, state.reason, state.entry) == (Status.QUARANTINED, quarantined.reason, None)

    async def test_of_a_hundred_the_good_ones_are_awarded(self, shop: Shop) -> None:
        """Many bad ones in one batch, of every kind."""
        contents = list(UNREADABLE.values())
        documents = []
        for n in range(100):
            documents.append(order(f"A{n}", "ann", "10.00").document())
            documents.append(unreadable(f"P{n}", "ann", contents[n % len(contents)], b"raw %d" % n))
        await shop.accept(*documents)
        assert await shop.award(limit=30) == 200
        assert (await shop.balance("ann")).balance == 100
        quarantined = await shop.ledger.quarantine(limit=1000)
        whole = [await shop.ledger.quarantined(*key_of(each)) for each in quarantined]
        assert [(each.id, each.raw) for each in whole] == [(f"P{n}", b"raw %d" % n) for n in range(100)]

    async def test_a_currency_without_points_is_set_aside(self, shop: Shop) -> None:
        """The program does not name it."""
        await shop.sell(order("A1", "ann", "2500", currency="JPY"), order("A2", "ann", "25.00", currency="EUR"))
        [quarantined] = await shop.ledger.quarantine()
        assert (quarantined.id, "JPY" in quarantined.reason) == ("A1", True)
        assert (await shop.balance("ann")).balance == 3

    async def test_points_beyond_the_range_are_set_aside(self, shop: Shop) -> None:
        """A total never wraps, whichever way."""
        await shop.awarder.settle(adjustment("J1", "ann", 2**31 - 2))
        await shop.sell(order("A1", "ann", "20.00"), order("A2", "ann", "10.00"))
        [quarantined] = await shop.ledger.quarantine()
        assert quarantined.id == "A1"
        assert (await shop.balance("ann")).balance == 2**31 - 1


class KeepingTests(LedgerSuite):
    """What documents said is kept for a time."""

    async def test_content_is_kept_and_let_go_of_in_its_time(self, shop: Shop) -> None:
        """The oldest first, so many at once; the points and their reasons stay."""
        bought = [order(f"A{n}", f"m{n % 3}", "25.00") for n in range(5)]
        await shop.sell(*bought[:3])
        shop.now.at += DAY
        await shop.sell(*bought[3:])
        assert [(await shop.state(each)).content is not None for each in bought] == [True] * 5
        feed = await shop.feed()
        taken = 0
        while forgotten := await shop.ledger.forget_content(recorded_before=shop.now.at, limit=2):
            assert forgotten <= 2
            taken += forgotten
        assert taken == 3
        assert [(await shop.state(each)).content is not None for each in bought] == [False] * 3 + [True] * 2
        assert await shop.feed() == feed


class PublishingTests(LedgerSuite):
    """Program versions are as they were, for ever."""

    async def test_a_version_is_published_once(self, shop: Shop) -> None:
        """The same text again changes nothing; other text is refused, and nothing is changed by it."""
        assert await _publish(shop, 1, DEFAULT_PROGRAM) == {1: DEFAULT_PROGRAM}
        with pytest.raises(ProgramError):
            await _publish(shop, 1, DEFAULT_PROGRAM + "# changed")
        assert await _publish(shop, 2, DOUBLED) == {1: DEFAULT_PROGRAM, 2: DOUBLED}
        assert await _publish(shop, 1, DEFAULT_PROGRAM) == {1: DEFAULT_PROGRAM, 2: DOUBLED}

    async def test_of_many_texts_at_once_one_is_published(self, shop: Shop) -> None:
        """And everybody else hears that it was another."""
        answers = await asyncio.gather(
            *(_publish(shop, 2, f"{DOUBLED}# {n}\n") for n in range(20)), return_exceptions=True
        )
        won = [answer[2] for answer in answers if isinstance(answer, dict)]
        assert len(won) == 1
        assert sum(isinstance(answer, ProgramError) for answer in answers) == 19
        assert (await _publish(shop, 1, DEFAULT_PROGRAM))[2] == won[0]

    async def test_a_changed_program_changes_nothing_that_was_awarded(self, shop: Shop) -> None:
        """Entries name the version that they were made under."""
        await shop.sell(order("A1", "ann", "25.00"))
        feed = await shop.feed()
        await shop.adopt(DOUBLED)
        await shop.sell(order("A2", "ann", "25.00"))
        assert (await shop.feed())[: len(feed)] == feed
        assert [(entry.points, entry.program_version) for entry in await shop.ledger.entries("ann")] == [(5, 2), (3, 1)]


async def _publish(shop: Shop, version: int, text: str) -> dict[int, str]:
    published = await shop.ledger.publish(version, text, None, actor="clerk")
    return {each.version: each.text for each in published}
