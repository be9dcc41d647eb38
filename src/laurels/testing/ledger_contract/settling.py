"""What is answered with its result: adjustments and redemptions, each whole or not at all, never more than there is."""

import asyncio

import pytest

from laurels.errors import Conflict, InsufficientPoints, PointsOutOfRange
from laurels.ledger import Claim, Outcome, Receipt
from laurels.model import Document, EntryKind, MemberEvent, Status
from laurels.model.spending import Capture, Hold, Void
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, in_conflict, order, redemption, refund


def hold(hold_id: str, member_id: str, points: int) -> Document:
    """Points that a till sets aside."""
    return Hold(source="shop", hold_id=hold_id, points=points, member_id=member_id).document()


def capture(hold_id: str, member_id: str, points: int) -> Document:
    """What it takes of them."""
    return Capture(source="shop", hold_id=hold_id, points=points, member_id=member_id).document()


def void(hold_id: str, member_id: str) -> Document:
    """Or that it lets them go."""
    return Void(source="shop", hold_id=hold_id, member_id=member_id).document()


class SettlingTests(LedgerSuite):
    """One document, accepted and awarded in one transaction."""

    async def test_the_answer_is_the_entry(self, shop: Shop) -> None:
        """Who made a correction, and why, is kept with it."""
        receipt = await shop.awarder.settle(adjustment("J1", "ann", 25, "goodwill"))
        assert (receipt.status, receipt.repeated, receipt.conflict) == (Status.AWARDED, False, False)
        [entry] = await shop.ledger.entries("ann")
        assert receipt.entry == entry
        assert (entry.kind, entry.points, entry.actor, entry.reason) == (EntryKind.ADJUST, 25, "clerk", "goodwill")
        assert (await shop.state(adjustment("J1", "ann", 25))).status is Status.AWARDED
        assert await shop.ledger.inbox_depth() == 0

    async def test_spending_lowers_the_balance_alone(self, shop: Shop) -> None:
        """Neither what was earned nor the place on a board."""
        await shop.sell(order("A1", "ann", "500.00"))
        await shop.awarder.settle(redemption("S1", "ann", 50))
        totals = await shop.balance("ann")
        assert (totals.balance, totals.earned, totals.score) == (0, 50, 50)

    async def test_what_is_settled_again_gets_the_first_answer(self, shop: Shop) -> None:
        """Even where the balance no longer covers it."""
        await shop.awarder.settle(adjustment("J1", "ann", 50))
        first = await shop.awarder.settle(redemption("S1", "ann", 40))
        again = await shop.awarder.settle(redemption("S1", "ann", 40))
        assert again == Receipt(Status.AWARDED, repeated=True, entry=first.entry, balance=10)
        assert (await shop.awarder.settle(adjustment("J1", "ann", 50))).repeated
        assert (await shop.balance("ann")).balance == 10

    async def test_an_answer_has_the_entry_as_it_is_read_later(self, shop: Shop) -> None:
        """People's words with it; also of a newcomer, and of a member who became another one."""
        await shop.sell(order("A1", "ann", "500.00"), order("A2", "bob", "500.00"))
        await shop.awarder.merge("bob", "ann", actor="test")
        for document in (adjustment("J1", "ann", 5), adjustment("J2", "newcomer", 5), adjustment("J3", "bob", 5)):
            first = await shop.awarder.settle(document)
            assert first.entry is not None
            assert first.entry.reason
            assert (await shop.awarder.settle(document)).entry == first.entry
            assert (await shop.ledger.entries(document.member_id, limit=1)) == [first.entry]

    @pytest.mark.parametrize("asked", ["ann", "bob", "cat", "dan", "eve"])
    async def test_an_erased_ones_id_is_answered_with_that_ones_balance(self, shop: Shop, asked: str) -> None:
        """Whoever asks again, of whatever shard: nothing but the id tells by now what it was."""
        await shop.ledger.enrol([(each, None) for each in ("ann", "bob", "cat", "dan")], actor="test")
        await shop.awarder.settle(adjustment("J1", "eve", 21))
        await shop.ledger.change_member("eve", MemberEvent.ERASE, actor="test")
        again = await shop.awarder.settle(adjustment("J1", asked, 21))
        assert (again.repeated, again.balance) == (True, 21)

    @pytest.mark.parametrize(
        "other", [redemption("S1", "ann", 4), redemption("S1", "bob", 5), redemption("S1", "ann", 5000)]
    )
    async def test_other_content_under_a_settled_id_changes_nothing(self, shop: Shop, other: Document) -> None:
        """It is a conflict, whether or not the balance would cover it."""
        await shop.awarder.settle(adjustment("J1", "ann", 50))
        await shop.awarder.settle(adjustment("J2", "bob", 50))
        await shop.awarder.settle(redemption("S1", "ann", 5))
        feed = await shop.feed()
        assert in_conflict(await shop.awarder.settle(other)) == Receipt(Status.AWARDED, conflict=True)
        assert await shop.feed() == feed

    async def test_what_the_balance_does_not_cover_leaves_nothing(self, shop: Shop) -> None:
        """No entry, no document; the same id is free for what the balance does cover."""
        await shop.awarder.settle(adjustment("J1", "ann", 10))
        feed = await shop.feed()
        with pytest.raises(InsufficientPoints):
            await shop.awarder.settle(redemption("S1", "ann", 11))
        assert await shop.feed() == feed
        taken = redemption("S1", "ann", 11)
        assert await shop.ledger.document(taken.kind, taken.source, taken.id) is None
        receipt = await shop.awarder.settle(redemption("S1", "ann", 10))
        assert (receipt.repeated, (await shop.balance("ann")).balance) == (False, 0)

    async def test_a_total_beyond_the_range_leaves_nothing(self, shop: Shop) -> None:
        """Not even the member, who would have been new."""
        with pytest.raises(PointsOutOfRange):
            await shop.awarder.settle(adjustment("J1", "ann", 2**31))
        with pytest.raises(PointsOutOfRange):
            await shop.awarder.settle(adjustment("J1", "ann", -(2**31)))
        assert await shop.feed() == []
        assert await shop.ledger.member("ann") is None

    async def test_a_refusal_leaves_nothing_and_takes_nobody_with_it(self, shop: Shop) -> None:
        """Whatever it raises, and whoever else is served in the same commit."""

        def judge(claim: Claim) -> Outcome:
            raise ZeroDivisionError(claim.now)

        answers = await asyncio.gather(
            shop.ledger.settle([adjustment("J1", "ann", 1)], judge),
            shop.accept(order("A1", "bob", "10.00")),
            shop.ledger.settle([adjustment("J2", "cy", 1)], judge),
            shop.awarder.settle(adjustment("J3", "dee", 5)),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [ZeroDivisionError, list, ZeroDivisionError, Receipt]
        assert [await shop.ledger.member(each) for each in ("ann", "cy")] == [None, None]
        assert (await shop.balance("dee")).balance == 5
        assert await shop.award() == 1

    async def test_a_hold_ends_once(self, shop: Shop) -> None:
        """Taken or let go, whichever comes first; that is answered again, under each id of the member."""
        await shop.awarder.settle(adjustment("J1", "ann", 100))
        for hold_id in ("H1", "H2"):
            await shop.awarder.settle(hold(hold_id, "ann", 30))
        for end, other, balance in (
            (void("H1", "ann"), capture("H1", "ann", 30), 100),
            (capture("H2", "ann", 10), void("H2", "ann"), 90),
        ):
            first = await shop.awarder.settle(end)
            for _ in range(2):
                with pytest.raises(Conflict):
                    await shop.awarder.settle(other)
                again = await shop.awarder.settle(end)
                assert (again.repeated, again.entry, again.balance) == (True, first.entry, balance)
        await shop.ledger.enrol([("bob", None)], actor="clerk")
        await shop.awarder.merge("ann", "bob", actor="clerk")
        feed = await shop.feed()
        for member in ("ann", "bob"):
            for other in (capture("H1", member, 30), void("H2", member)):
                with pytest.raises(Conflict):
                    await shop.awarder.settle(other)
        assert await shop.feed() == feed

    async def test_of_both_ends_at_once_one_is_taken(self, shop: Shop) -> None:
        """Whoever asks, in one call or in several."""
        await shop.awarder.settle(adjustment("J1", "ann", 100))
        ids = [f"H{n}" for n in range(10)]
        for hold_id in ids:
            await shop.awarder.settle(hold(hold_id, "ann", 10))
        ends = [end for hold_id in ids for end in (capture(hold_id, "ann", 10), void(hold_id, "ann"))]
        together, apart = ends[:10], ends[10:]
        answers: list[object] = [*await shop.awarder.settle_all(together)]
        answers += await asyncio.gather(*(shop.awarder.settle(end) for end in apart), return_exceptions=True)
        for both in zip(answers[::2], answers[1::2], strict=True):
            assert {type(answer) for answer in both} == {Receipt, Conflict}
        taken = sum(isinstance(answer, Receipt) for answer in answers[::2])
        assert (await shop.balance("ann")).balance == 100 - 10 * taken

    async def test_two_hundred_redemptions_at_once_never_overspend(self, shop: Shop) -> None:
        """With points taken back and given between them: what was spent was there."""
        await shop.sell(order("A1", "ann", "1000.00"), order("A2", "ann", "300.00"))
        answers = await asyncio.gather(
            *(shop.awarder.settle(redemption(f"S{n}", "ann", 1 + n % 5)) for n in range(100)),
            shop.awarder.settle(adjustment("J1", "ann", 20)),
            shop.sell(refund("R1", "ann", "300.00", "A2")),
            *(shop.awarder.settle(redemption(f"S{n}", "ann", 1 + n % 5)) for n in range(100, 200)),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {type(answer) for answer in refused} == {InsufficientPoints}
        entries = list(reversed(await shop.ledger.entries("ann", limit=1000)))
        running = 0
        for entry in entries:
            running += entry.points
            assert entry.kind is not EntryKind.REDEEM or running >= 0
        assert (await shop.balance("ann")).balance == running
        spent = [entry for entry in entries if entry.kind is EntryKind.REDEEM]
        assert len(spent) + len(refused) == 200

    async def test_one_redemption_sent_many_times_at_once_is_taken_once(self, shop: Shop) -> None:
        """All get the same entry."""
        await shop.awarder.settle(adjustment("J1", "ann", 50))
        answers = await asyncio.gather(*(shop.awarder.settle(redemption("S1", "ann", 30)) for _ in range(30)))
        assert len({answer.entry.loyalty_id for answer in answers if answer.entry}) == 1
        assert sum(not answer.repeated for answer in answers) == 1
        assert (await shop.balance("ann")).balance == 20

    @pytest.mark.parametrize("members", [("ann",), ("ann", "bob"), ("ann", "cyd", "bob", "new")])
    async def test_of_several_contents_under_one_id_at_once_one_counts_as_it_said(
        self, shop: Shop, members: tuple[str, ...]
    ) -> None:
        """Whoever is first: what is written is what that one asked for; the others are it, or conflict."""
        for n in range(5):
            asked = [(members[m % len(members)], 10 + m) for m in range(12)] * 2
            sent = [shop.awarder.settle(adjustment(f"J{n}", member, points)) for member, points in asked]
            answers = await asyncio.gather(*sent)
            told = [(of, answer) for of, answer in zip(asked, answers, strict=True) if not answer.conflict]
            [(member, points)] = {of for of, _ in told}
            assert sum(not answer.repeated for _, answer in told) == 1
            assert {answer.entry.points for _, answer in told if answer.entry} == {points}
            [entry, *_] = await shop.ledger.entries(member, limit=1)
            assert entry.points == points
