"""Corrections that say when their points lapse: under the default program, whose own points never do."""

from datetime import timedelta

import pytest

from laurels.clock import DAY
from laurels.errors import InsufficientPoints, InvalidInput
from laurels.ledger import MemberState
from laurels.model import Adjustment, Document, EntryKind
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.program.local_time import day_of_instant, midnight_after
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, order, redemption


class LapsingTests(LedgerSuite):
    """The points are spent before those that never lapse, and what is left of them lapses by the clock."""

    async def test_points_lapse_when_the_correction_says(self, shop: Shop) -> None:
        """Once, at that instant, and no board moves; what was earned stays."""
        at = shop.now() + 10 * DAY
        await shop.sell(order("A1", "ann", "200.00"))
        await shop.awarder.settle(_lapsing("J1", "ann", 50, at))
        await shop.awarder.settle(redemption("S1", "ann", 30))
        shop.now.at = at - 1
        assert (await shop.awarder.sweep(), (await shop.balance("ann")).balance) == (0, 40)
        shop.now.at = at
        assert (await shop.awarder.sweep(), await shop.awarder.sweep()) == (1, 0)
        totals = await shop.balance("ann")
        assert (totals.balance, totals.earned, totals.score) == (20, 20, 70)
        newest, *_ = await shop.ledger.entries("ann")
        assert (newest.kind, newest.points, newest.occurred_at) == (EntryKind.EXPIRE, -20, at)
        assert await shop.findings() == []

    async def test_what_has_lapsed_cannot_be_spent_before_a_sweep(self, shop: Shop) -> None:
        """The clock says it, not the sweep; and orders go on."""
        await shop.awarder.settle(_lapsing("J1", "ann", 50, shop.now() + DAY))
        shop.now.at += DAY
        with pytest.raises(InsufficientPoints):
            await shop.awarder.settle(redemption("S1", "ann", 1))
        await shop.sell(order("A1", "ann", "20.00"))
        assert (await shop.balance("ann")).balance == 2

    async def test_points_that_would_have_lapsed_are_refused(self, shop: Shop) -> None:
        """Nothing is written; the same id is free, and what was made before is a repeat for ever."""
        at = shop.now() + DAY
        first = await shop.awarder.settle(_lapsing("J1", "ann", 50, at))
        shop.now.at = at
        with pytest.raises(InvalidInput, match="expires_at"):
            await shop.awarder.settle(_lapsing("J2", "bob", 50, at))
        assert await shop.ledger.member("bob") is None
        again = await shop.awarder.settle(_lapsing("J1", "ann", 50, at))
        assert (again.repeated, again.entry) == (True, first.entry)
        assert (await shop.awarder.settle(_lapsing("J2", "bob", 50, at + 1))).repeated is False

    async def test_another_lapse_is_other_content(self, shop: Shop) -> None:
        """Whatever else is the same."""
        at = shop.now() + DAY
        await shop.awarder.settle(_lapsing("J1", "ann", 50, at))
        for other in (_lapsing("J1", "ann", 50, at + 1), adjustment("J1", "ann", 50)):
            assert (await shop.awarder.settle(other)).conflict

    async def test_a_member_with_such_points_has_its_orders_and_a_state(self, shop: Shop) -> None:
        """What was kept before of its orders is in the state; one who has none has no state."""
        await shop.sell(order("A1", "ann", "20.00"), order("A2", "ann", "20.00"), order("B1", "bob", "20.00"))
        await shop.awarder.settle(_lapsing("J1", "ann", 50, shop.now() + DAY))
        ann, bob = [await _kept(shop, member) for member in ("ann", "bob")]
        assert (ann.state is not None, bob.state) == (True, None)
        assert bob.totals.balance == 2
        await shop.awarder.merge("bob", "ann", actor="clerk")
        shop.now.at += DAY
        await shop.awarder.sweep()
        assert (await shop.balance("ann")).balance == 6

    async def test_a_sweep_looks_at_whom_it_is_told_of(self, shop: Shop) -> None:
        """Once, however often it is told; and not at one that became another."""
        await shop.sell(order("A1", "ann", "20.00"), order("B1", "bob", "20.00"), order("C1", "cy", "20.00"))
        await shop.awarder.merge("cy", "ann", actor="clerk")
        while await shop.awarder.sweep():
            pass
        found = [await shop.ledger.member(member) for member in ("ann", "bob")]
        numbers = [each.number for each in found if each is not None]
        everybody = [number async for chunk in shop.ledger.states() for number, *_ in chunk]
        feed = await shop.feed()
        for _ in range(2):
            await shop.ledger.look_at([(number, shop.now()) for number in everybody])
        assert (await shop.awarder.sweep(), await shop.awarder.sweep()) == (len(numbers), 0)
        assert await shop.feed() == feed

    async def test_points_that_were_extended_lapse_on_the_later_day(self, shop: Shop) -> None:
        """By a version that came into force before; whoever looked at the member meanwhile, and who did not. What had
        lapsed by then stays so.
        """
        at, zone = shop.now() + 10 * DAY, parse_program(DEFAULT_PROGRAM).zone
        for name in ("ann", "bob"):
            await shop.awarder.settle(_lapsing(f"J{name}", name, 50, at))
        await shop.awarder.settle(_lapsing("Jeve", "eve", 50, shop.now() + DAY))
        day = day_of_instant(at, zone)
        first, end, until = (day + timedelta(days=days) for days in (0, 1, 30))
        said = f'\n[[extensions]]\nexpiring = ["{first}", "{end}"]\nuntil = "{until}"\n'
        text = DEFAULT_PROGRAM.replace("version = 1", "version = 2") + said
        await shop.ledger.publish(2, text, shop.now() + 2 * DAY, actor="clerk")
        shop.now.at += 5 * DAY
        await shop.awarder.settle(redemption("S1", "ann", 20))
        shop.now.at = at + DAY
        assert await shop.awarder.sweep() == 3, "all are looked at, and one comes too late"
        assert [(await shop.balance(name)).balance for name in ("ann", "bob", "eve")] == [30, 50, 0]
        await shop.awarder.settle(redemption("S2", "bob", 10))
        later = midnight_after(until - timedelta(days=1), zone)
        shop.now.at = later - 1
        assert await shop.awarder.sweep() == 0
        shop.now.at = later
        assert (await shop.awarder.sweep(), await shop.awarder.sweep()) == (2, 0)
        assert [(await shop.balance(name)).balance for name in ("ann", "bob", "eve")] == [0, 0, 0]
        newest, *_ = await shop.ledger.entries("bob")
        assert (newest.kind, newest.points, newest.occurred_at) == (EntryKind.EXPIRE, -40, later)
        assert await shop.findings() == []


async def _kept(shop: Shop, member_id: str) -> MemberState:
    found = await shop.ledger.account(member_id, in_depth=False)
    assert found is not None, f"{member_id} is not known"
    return found[0]


def _lapsing(id: str, member_id: str, points: int, expires_at: int) -> Document:
    return Adjustment(
        id=id, member_id=member_id, points=points, actor="clerk", reason="goodwill", expires_at=expires_at
    ).document()
