"""Messages: decided once for each (member, milestone), in the transaction of the award, and kept until sent."""

import asyncio

import pytest

from laurels.clock import DAY, SECOND, elapsed
from laurels.ledger import Message, Passed
from laurels.model import MemberEvent, Order
from laurels.testing.ledger_contract.base import (
    SOON_S,
    LedgerSuite,
    OpenLedger,
    Shop,
    adjustment,
    opened_again,
    order,
    redemption,
    refund,
    soon,
)

LEASE_S = 60.0


def big_order(order_id: str, member_id: str, *, quiet: bool = False, email: str | None = None) -> Order:
    """One that crosses the default program's milestone: more than 100 points."""
    return order(order_id, member_id, "1010.00", quiet=quiet, email=email)


class MessagesTests(LedgerSuite):
    """The default program's milestone is passed with more than 100 points."""

    async def test_the_feed_knows_which_entry_passed_a_milestone(self, shop: Shop) -> None:
        """Once for ever, and in the shard of that entry."""
        for n in range(12):
            await shop.sell(order(f"A{n}", "ann", "100.00"), order(f"B{n}", "bob", "90.00"))
        crossing = {entry.order_id: entry for entry in await shop.feed()}
        passed: dict[tuple[int, int], Passed] = {}
        for shard, mark in (await shop.ledger.heads()).marks.items():
            passed |= {(shard, each.position): each for each in await shop.ledger.passed(shard, 0, mark.position)}
        expected = [(crossing["A10"], 110), (crossing["B11"], 108)]
        assert passed == {
            (entry.shard, entry.position): Passed(entry.position, "100-points", points, quiet=False)
            for entry, points in expected
        }
        for (shard, _), each in passed.items():
            assert await shop.ledger.passed(shard, each.position - 1, each.position) == [each]
            assert each not in await shop.ledger.passed(shard, 0, each.position - 1)
            assert each not in await shop.ledger.passed(shard, each.position, each.position + 99)

    async def test_crossing_a_milestone_decides_one_message(self, shop: Shop) -> None:
        """At the first crossing; not at 100, not after later orders, not again after a refund."""
        await shop.ledger.enrol([("ann", "ann@example.com")], actor="clerk")
        await shop.sell(order("A1", "ann", "1000.00"))
        assert await shop.ledger.messages("ann") == []
        await shop.sell(order("A2", "ann", "10.00"))
        [state] = await shop.ledger.messages("ann")
        assert (state.milestone, state.points, state.state) == ("100-points", 101, "due")
        assert (state.created_at, state.attempts) == (shop.now.at, 0)
        await shop.sell(
            order("A3", "ann", "500.00"), refund("R1", "ann", "1000.00", "A1"), order("A4", "ann", "1000.00")
        )
        assert await shop.ledger.messages("ann") == [state]
        [message] = await self._claim(shop)
        assert message == Message(
            id=state.id,
            email="ann@example.com",
            milestone="100-points",
            points=101,
            created_at=state.created_at,
            attempts=1,
        )

    async def test_a_score_crosses_and_a_balance_does_not(self, shop: Shop) -> None:
        """A correction counts, and what was spent does not lower a score."""
        await shop.sell(order("A1", "ann", "600.00"))
        await shop.awarder.settle(redemption("S1", "ann", 60))
        await shop.awarder.settle(adjustment("J1", "ann", 41))
        [state] = await shop.ledger.messages("ann")
        assert state.points == 101

    async def test_history_sends_no_mail(self, shop: Shop) -> None:
        """A quiet order crosses the milestone for ever, without a message."""
        await shop.sell(
            big_order("A1", "ann", quiet=True), refund("R1", "ann", "1010.00", "A1"), big_order("A2", "ann")
        )
        assert await shop.ledger.messages("ann") == []
        assert await shop.ledger.milestones("ann") == {"100-points"}

    async def test_milestones_are_a_members_own(self, shop: Shop) -> None:
        """Also those of whoever became it; nobody else's, and of nobody none."""
        await shop.sell(big_order("A1", "ann"), order("B1", "bob", "10.00"))
        assert [await shop.ledger.milestones(each) for each in ("ann", "bob", "cy")] == [{"100-points"}, set(), set()]
        await shop.awarder.merge("ann", "bob", actor="clerk")
        assert [await shop.ledger.milestones(each) for each in ("ann", "bob")] == [{"100-points"}] * 2

    async def test_a_crossing_within_a_batch_counts_once(self, shop: Shop) -> None:
        """A refund between takes the points back, and the next order crosses again: one message, ever."""
        await shop.accept(big_order("A1", "ann"), refund("R1", "ann", "1010.00", "A1"), big_order("A2", "ann"))
        await shop.award()
        assert len(await shop.ledger.messages("ann")) == 1

    async def test_a_claimed_message_is_kept_from_everyone_else(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Until its lease is over; its id stays the same, and each try counts."""
        await shop.sell(*(big_order(f"A{n}", f"m{n}", email=f"m{n}@example.com") for n in range(10)))
        async with opened_again(open_ledger, shop) as other:
            claims = await asyncio.gather(
                *(each.ledger.claim_messages(3, lease_s=LEASE_S) for each in (shop, other) * 3)
            )
        ids = [message.id for claim in claims for message in claim]
        assert len(ids) == len(set(ids)) == 10
        assert await self._claim(shop) == []
        shop.now.at += int(LEASE_S * SECOND)
        again = await self._claim(shop)
        assert {message.id for message in again} == set(ids)
        assert {message.attempts for message in again} == {2}

    @pytest.mark.parametrize("settled", [False, True])
    async def test_a_message_is_due_by_the_clock(self, shop: Shop, *, settled: bool) -> None:
        """Also where the feed's time is ahead, since the clock once was: it is the feed's that never goes back."""
        shop.now.at += 400 * DAY
        await shop.sell(order("A1", "ann", "10.00", email="ann@example.com"))
        shop.now.at -= 400 * DAY
        if settled:
            await shop.awarder.settle(adjustment("J1", "ann", 101))
        else:
            await shop.sell(big_order("A2", "ann"))
        [state] = await shop.ledger.messages("ann")
        assert (state.created_at, state.due_at) == (shop.now.at + 400 * DAY, shop.now.at)
        [message] = await self._claim(shop)
        assert message.id == state.id

    @pytest.mark.parametrize("known", [False, True])
    async def test_an_address_that_comes_makes_it_due_by_the_clock(self, shop: Shop, *, known: bool) -> None:
        """Whichever way it comes, where the feed's time is ahead."""
        shop.now.at += 400 * DAY
        await shop.sell(big_order("A1", "ann"))
        shop.now.at -= 400 * DAY
        if known:
            await shop.ledger.set_contact("ann", "ann@example.com", actor="clerk")
        else:
            await shop.ledger.enrol([("ann", "ann@example.com")], actor="clerk")
        [message] = await self._claim(shop)
        assert message.email == "ann@example.com"

    async def test_what_was_sent_is_not_sent_again(self, shop: Shop) -> None:
        """Nor what is undeliverable; the state says which."""
        await shop.sell(*(big_order(f"A{n}", f"m{n}", email=f"m{n}@example.com") for n in range(2)))
        for message in await self._claim(shop):
            if message.email == "m0@example.com":
                await shop.ledger.message_sent(message.id)
            else:
                await shop.ledger.message_undeliverable(message.id, note="mailbox unknown")
        shop.now.at += 10**14
        assert await self._claim(shop) == []
        states = [state for each in ("m0", "m1") for state in await shop.ledger.messages(each)]
        assert [(state.state, state.note) for state in states] == [("sent", ""), ("undeliverable", "mailbox unknown")]

    async def test_a_postponed_message_is_due_at_its_time(self, shop: Shop) -> None:
        """Not before."""
        await shop.sell(big_order("A1", "ann", email="ann@example.com"))
        [message] = await self._claim(shop)
        until = shop.now.at + 5 * SECOND
        await shop.ledger.message_postponed(message.id, until=until, note="try later")
        shop.now.at = until - 1
        assert await self._claim(shop) == []
        shop.now.at = until
        assert [each.id for each in await self._claim(shop)] == [message.id]

    async def test_without_an_address_a_message_is_held(self, shop: Shop) -> None:
        """Until one comes, whichever way."""
        await shop.sell(big_order("A1", "ann"), big_order("B1", "bob"))
        assert [(await shop.ledger.messages(each))[0].state for each in ("ann", "bob")] == ["held", "held"]
        assert await self._claim(shop) == []
        await shop.ledger.enrol([("ann", "ann@example.com")], actor="clerk")
        assert [message.email for message in await self._claim(shop)] == ["ann@example.com"]
        await shop.accept(order("B2", "bob", "1.00", email="bob@example.com"))
        assert [message.email for message in await self._claim(shop)] == ["bob@example.com"]

    async def test_what_was_held_too_long_is_given_up(self, shop: Shop) -> None:
        """An address that comes later changes nothing."""
        await shop.sell(big_order("A1", "ann"))
        shop.now.at += SECOND
        await shop.sell(big_order("B1", "bob"))
        await shop.ledger.give_up_held(created_before=shop.now.at)
        await shop.ledger.enrol([("ann", "ann@example.com"), ("bob", "bob@example.com")], actor="clerk")
        assert [(await shop.ledger.messages(each))[0].state for each in ("ann", "bob")] == ["undeliverable", "due"]

    async def test_nothing_is_sent_to_who_was_erased(self, shop: Shop) -> None:
        """Neither what is due, nor what is held, nor what is being tried."""
        await shop.sell(big_order("A1", "ann", email="ann@example.com"), big_order("B1", "bob"))
        await shop.sell(big_order("C1", "cy", email="cy@example.com"))
        for member_id in ("ann", "bob", "cy"):
            await shop.ledger.change_member(member_id, MemberEvent.ERASE, actor="clerk")
        shop.now.at += 10**14
        assert await self._claim(shop) == []
        assert await shop.ledger.messages("ann") == []

    @pytest.mark.parametrize("reached", ["one", "both"])
    @pytest.mark.parametrize("addressed", ["gone", "stays", "both", "later"])
    @pytest.mark.parametrize("chained", [False, True])
    async def test_who_becomes_another_is_told_as_that_one(
        self, shop: Shop, *, reached: str, addressed: str, chained: bool
    ) -> None:
        """Once, at the address of the one who goes on, whoever had it; held where nobody has one, until one comes."""
        emails = {who: f"{who}@example.com" if addressed in {who, "both"} else None for who in ("gone", "stays")}
        await shop.ledger.enrol([(who, emails[who]) for who in emails] + [("at-last", None)], actor="clerk")
        for who in ("gone", "stays") if reached == "both" else ("gone",):
            await shop.sell(big_order(f"A-{who}", who))
        await shop.awarder.merge("gone", "stays", actor="clerk")
        if chained:
            await shop.awarder.merge("stays", "at-last", actor="clerk")
        goes_on = "at-last" if chained else "stays"
        if addressed == "later":
            assert await self._claim(shop) == []
            await shop.ledger.give_up_held(created_before=shop.now.at)
            await shop.accept(order("B", goes_on, "1.00", email="stays@example.com"))
        [message] = await self._claim(shop)
        assert message.email == (emails["stays"] or emails["gone"] or "stays@example.com")
        await shop.ledger.message_undeliverable(message.id, note="mailbox unknown")
        assert await shop.ledger.retry_message(message.id)
        [again] = await self._claim(shop)
        assert again.email == message.email
        await shop.ledger.message_sent(message.id)
        states = [each.state for each in await shop.ledger.messages(goes_on)]
        assert sorted(states) == ["dropped", "sent"][reached != "both" :]

    async def test_what_one_was_told_is_not_told_to_who_it_became(self, shop: Shop) -> None:
        """Nor the other way round, whoever passed the milestone first."""
        await shop.ledger.enrol([(who, f"{who}@example.com") for who in ("ann", "bob", "cy")], actor="clerk")
        await shop.sell(big_order("A1", "ann"), big_order("B1", "bob"))
        for message in await self._claim(shop):
            if message.email == "bob@example.com":
                await shop.ledger.message_sent(message.id)
        await shop.sell(big_order("C1", "cy"))
        await shop.awarder.merge("ann", "bob", actor="clerk")
        await shop.awarder.merge("bob", "cy", actor="clerk")
        shop.now.at += 10**14
        assert await self._claim(shop) == []
        states = [(each.member_id, each.state) for each in await shop.ledger.messages("cy")]
        assert sorted(states) == [("ann", "dropped"), ("bob", "sent"), ("cy", "dropped")]

    async def test_a_message_that_is_due_wakes_who_waits(self, shop: Shop) -> None:
        """At once, long before the time that it would wait at most."""
        waiting = asyncio.create_task(shop.ledger.wait_for_messages(10 * SOON_S))
        await asyncio.sleep(0)
        await shop.sell(big_order("A1", "ann", email="ann@example.com"))
        await soon(waiting)
        await self._claim(shop)
        began = elapsed()
        await soon(shop.ledger.wait_for_messages(0.1))
        assert elapsed() - began >= 0.099

    async def _claim(self, shop: Shop) -> list[Message]:
        return await shop.ledger.claim_messages(50, lease_s=LEASE_S)
