"""The contract's tests of members who became one: their documents are told from others under each of their ids."""

from itertools import product

from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, order, redemption, refund

IDS = ("ann", "bob", "cy")


class MergedMembersTests(LedgerSuite):
    """A member that became another, which became a third: one member with three ids."""

    async def test_what_came_under_one_id_is_known_under_each(self, shop: Shop) -> None:
        """Before the merge and after it; accepted or settled; and other content is still a conflict."""
        for member in IDS:
            await shop.sell(order(f"A-{member}", member, "100.00"), refund(f"R-{member}", member, "10.00"))
            await shop.awarder.settle(adjustment(f"J-{member}", member, 50))
        await shop.ledger.merge("ann", "bob", actor="clerk")
        await shop.ledger.merge("bob", "cy", actor="clerk")
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
