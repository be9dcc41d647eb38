"""The contract's tests of orders that are changed before they are awarded."""

import msgspec

from laurels.model import Amendment, Document, DocumentKind, EntryKind, Order, Status
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, order, refund, unreadable

IN_YEN = order("A1", "ann", "2500", currency="JPY")


class AmendingTests(LedgerSuite):
    """The content of an order that is not awarded yet is replaced."""

    async def test_a_change_of_a_quarantined_order_replaces_its_content(self, shop: Shop) -> None:
        """It leaves the quarantine, earns by what it is now, and is as it is now to whoever asks."""
        await shop.sell(IN_YEN)
        assert (await shop.state(IN_YEN)).status is Status.QUARANTINED
        await shop.accept(_change(2, "60.00"))
        assert await shop.ledger.quarantine() == []
        assert (await shop.state(IN_YEN)).status is Status.ACCEPTED
        await shop.award()
        state = await shop.state(IN_YEN)
        assert (state.status, state.reason) == (Status.AWARDED, None)
        assert state.content is not None
        assert msgspec.json.decode(state.content, type=Order).total == 60_00
        assert (await shop.balance("ann")).balance == 6
        [earned, traced] = await shop.ledger.order_entries("shop", "A1")
        assert (earned.kind, earned.points, traced.points) == (EntryKind.EARN, 6, 0)
        assert (await shop.explained(earned)).startswith("order changed (revision 2)")
        assert await shop.explained(traced) == "order changed (revision 2): before it was awarded"
        change = await shop.ledger.document(DocumentKind.AMENDMENT, "shop", "2:A1")
        assert change is not None
        assert change.status is Status.AWARDED

    async def test_what_could_not_be_read_is_what_it_was_changed_to(self, shop: Shop) -> None:
        """Nothing of the first content is needed."""
        await shop.sell(unreadable("A1", "ann", b"no order"))
        await shop.sell(_change(1, "25.00"))
        assert (await shop.balance("ann")).balance == 3

    async def test_an_order_that_waits_to_be_awarded_is_awarded_as_changed(self, shop: Shop) -> None:
        """By the last of its revisions, in whatever batches; its own time and its refunds stay."""
        bought = order("A1", "ann", "250.00", occurred_at=shop.now.at - 5)
        await shop.accept(bought, _change(2, "80.00"), refund("R1", "ann", "10.00", "A1"), _change(3, "50.00"))
        while await shop.award(limit=1):
            pass
        assert (await shop.balance("ann")).balance == 4
        entries = await shop.ledger.order_entries("shop", "A1")
        assert [entry.points for entry in entries] == [5, 0, 0, -1]
        assert entries[0].occurred_at == bought.occurred_at
        await shop.sell(_change(4, "20.00"))
        assert (await shop.balance("ann")).balance == 1

    async def test_what_is_bad_again_is_in_quarantine_again(self, shop: Shop) -> None:
        """With the new reason; the next change helps."""
        await shop.sell(IN_YEN)
        await shop.sell(_change(2, "9.00", currency="USD"))
        assert "USD" in ((await shop.state(IN_YEN)).reason or "")
        await shop.sell(_change(3, "25.00"))
        assert (await shop.balance("ann")).balance == 3
        assert await shop.ledger.quarantine() == []

    async def test_a_change_is_taken_once(self, shop: Shop) -> None:
        """The same again changes nothing, and so does other content."""
        await shop.sell(IN_YEN, _change(2, "25.00"))
        [again, other] = await shop.accept(_change(2, "25.00"), _change(2, "99.00"))
        assert (again.repeated, again.conflict, other.conflict) == (True, False, True)
        assert await shop.award() == 0
        assert (await shop.balance("ann")).balance == 3

    async def test_a_change_waits_from_when_its_order_is_judged(self, shop: Shop) -> None:
        """Until then nobody has looked at it; and a repeat or other content under its id brings nothing back."""
        change = _change(2, "9.00", currency="USD")
        await shop.accept(IN_YEN, change)
        assert (await shop.state(change)).status is Status.ACCEPTED
        await shop.award()
        assert (await shop.state(IN_YEN)).status is Status.QUARANTINED
        assert (await shop.state(change)).status is Status.WAITING
        await shop.accept(change, _change(2, "25.00"))
        assert await shop.award() == 0
        assert (await shop.state(IN_YEN)).status is Status.QUARANTINED

    async def test_a_change_from_before_a_merger_is_one_of_an_order_from_after_it(self, shop: Shop) -> None:
        """Though each is known under the secret of another member."""
        await shop.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
        await shop.sell(_change(2, "25.00"))
        await shop.awarder.merge("ann", "bob", actor="clerk")
        await shop.sell(order("A1", "ann", "99.00"))
        assert (await shop.balance("bob")).balance == 3
        assert await shop.findings() == []


def _change(revision: int, total: str, currency: str = "GBP") -> Document:
    return Amendment(revision=revision, order=order("A1", "ann", total, currency=currency)).document()
