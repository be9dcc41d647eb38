"""The contract's tests of members who became one: their documents are told from others under each of their ids."""

from itertools import pairwise, product

import pytest

from laurels.model import MemberEvent, Status
from laurels.model.details import merge_details
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, order, redemption, refund

IDS = ("ann", "bob", "cy")
WELCOME = (
    DEFAULT_PROGRAM.replace("version = 1", "version = 2")
    + """
[[campaigns]]
name = "welcome"
where = { nth_order = 1 }
points = 100
"""
)


class MergedMembersTests(LedgerSuite):
    """A member that became another, which became a third: one member with three ids."""

    async def test_what_came_under_one_id_is_known_under_each(self, shop: Shop) -> None:
        """Before the merge and after it; accepted or settled; and other content is still a conflict."""
        for member in IDS:
            await shop.sell(order(f"A-{member}", member, "100.00"), refund(f"R-{member}", member, "10.00"))
            await shop.awarder.settle(adjustment(f"J-{member}", member, 50))
        await shop.awarder.merge("ann", "bob", actor="clerk")
        await shop.awarder.merge("bob", "cy", actor="clerk")
        for member in IDS:
            await shop.awarder.settle(redemption(f"S-{member}", member, 5))
        feed = await shop.feed()
        for first, now in product(IDS, IDS):
            receipts = await shop.accept(order(f"A-{first}", now, "100.00"), refund(f"R-{first}", now, "10.00"))
            receipts.append(await shop.awarder.settle(adjustment(f"J-{first}", now, 50)))
            receipts.append(await shop.awarder.settle(redemption(f"S-{first}", now, 5)))
            assert [(each.repeated, each.conflict) for each in receipts] == [(True, False)] * 4, (first, now)
            others = await shop.accept(order(f"A-{first}", now, "100.01"))
            others.append(await shop.awarder.settle(redemption(f"S-{first}", now, 6)))
            assert all(each.conflict for each in others), (first, now)
        assert all(each.conflict for each in await shop.accept(order("A-ann", "dee", "100.00")))
        await shop.award()
        assert await shop.feed() == feed

    async def test_each_id_knows_its_own_number_and_then_the_others(self, shop: Shop) -> None:
        """Whoever became whom since; an id that is unknown or was erased has none."""
        await shop.ledger.enrol([(member, None) for member in (*IDS, "dee")], actor="clerk")
        ann, bob, cy = [await shop.number(member) for member in IDS]
        assert [await shop.ledger.numbers(member) for member in IDS] == [(ann,), (bob,), (cy,)]
        await shop.awarder.merge("bob", "cy", actor="clerk")
        await shop.awarder.merge("ann", "bob", actor="clerk")
        assert await shop.ledger.numbers("ann") == (ann, bob, cy)
        assert await shop.ledger.numbers("bob") == (bob, ann, cy)
        assert await shop.ledger.numbers("cy") == (cy, ann, bob)
        assert await shop.ledger.numbers("zoe") == ()
        await shop.ledger.change_member("bob", MemberEvent.ERASE, actor="clerk")
        assert [await shop.ledger.numbers(member) for member in IDS] == [(), (), ()]

    async def test_what_waits_goes_along_however_often(self, shop: Shop) -> None:
        """From shard to shard, until its order comes."""
        names = [f"m{n}" for n in range(8)]
        await shop.ledger.enrol([(name, None) for name in names], actor="clerk")
        waits = refund("R1", "m0", "10.00", "A1")
        await shop.sell(waits)
        for one, other in pairwise(names):
            await shop.awarder.merge(one, other, actor="clerk")
            assert await shop.findings() == []
        await shop.sell(order("A1", "m0", "30.00"))
        assert (await shop.state(waits)).status is Status.AWARDED
        assert (await shop.balance(names[-1])).balance == 2

    async def test_mergers_are_told_by_both_entries(self, shop: Shop) -> None:
        """In the order of recording, each naming the other; none where nobody became another."""
        for member in IDS:
            await shop.sell(order(f"A-{member}", member, "100.00"))
        assert [entry async for chunk in shop.ledger.mergers() for entry in chunk] == []
        numbers = [found.number for member in IDS if (found := await shop.ledger.member(member)) is not None]
        await shop.awarder.merge("ann", "bob", actor="clerk")
        await shop.awarder.merge("bob", "cy", actor="clerk")
        told = [entry async for chunk in shop.ledger.mergers() for entry in chunk]
        said = {(entry.member, entry.points): merge_details(entry.details or b"") for entry in told}
        ann, bob, cy = numbers
        assert [each.recorded_at for each in told] == sorted(each.recorded_at for each in told)
        assert {key: (each.of, each.into) for key, each in said.items()} == {
            (ann, -10): (None, bob),
            (bob, 10): (ann, None),
            (bob, -20): (None, cy),
            (cy, 20): (bob, None),
        }
        assert [number async for chunk in shop.ledger.accounts() for number, _ in chunk] == [cy]
        assert [number async for chunk in shop.ledger.states() for number, *_ in chunk] == [ann, bob, cy]

    @pytest.mark.parametrize("ordered", [("ann",), ("bob",), ("ann", "bob"), ()])
    async def test_a_first_order_is_that_of_everybody_who_became_one(
        self, shop: Shop, ordered: tuple[str, ...]
    ) -> None:
        """Under a program that keeps nothing but totals, too: what a later one asks of a member came along."""
        for member in ("ann", "bob"):
            await shop.ledger.enrol([(member, None)], actor="clerk")
        await shop.sell(*(order(f"A-{member}", member, "100.00") for member in ordered))
        await shop.awarder.merge("ann", "bob", actor="clerk")
        await shop.adopt(WELCOME)
        before = (await shop.balance("bob")).balance
        await shop.sell(order("B", "bob", "20.00"))
        assert (await shop.balance("bob")).balance - before == (2 if ordered else 102)

    async def test_what_comes_under_an_id_of_who_was_erased_is_never_that_members(self, shop: Shop) -> None:
        """Also where the id had just come, as one of who it became: it is somebody new's."""
        await shop.sell(order("A1", "ann", "30.00"), order("B1", "bob", "30.00"))
        await shop.awarder.merge("ann", "bob", actor="clerk")
        was = await shop.number("bob")
        await shop.sell(order("A2", "ann", "30.00"))
        assert await shop.number("ann") == was
        await shop.ledger.change_member("bob", MemberEvent.ERASE, actor="clerk")
        await shop.sell(order("A3", "ann", "50.00"))
        assert await shop.number("ann") != was
        assert (await shop.balance("ann")).balance == 5
