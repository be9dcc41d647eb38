"""Counting: how much lies where, for whoever watches."""

from laurels.ledger import Counts
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, key_of, order, refund

MILESTONE = "2500.00"
"""An order whose points pass the default program's milestone."""


class CountingTests(LedgerSuite):
    """Each document and message is counted where it lies, and nowhere once it is done."""

    async def test_nothing_lies_anywhere_at_first(self, shop: Shop) -> None:
        """Nor does a ledger without documents fail to say so."""
        assert await shop.ledger.counts() == Counts(
            ready=0, ready_since=None, waiting=0, quarantined=0, messages_due=0, messages_held=0
        )

    async def test_the_inbox_is_counted_until_it_is_taken(self, shop: Shop) -> None:
        """The age is that of the first document, whatever came later."""
        first = shop.now.at
        await shop.accept(order("A1", "ann", "25.00"))
        shop.now.at += 5_000_000
        await shop.accept(order("A2", "bob", "25.00"), order("A1", "ann", "25.00"))
        counts = await shop.ledger.counts()
        assert (counts.ready, counts.ready_since) == (2, first)
        assert counts.ready == await shop.ledger.inbox_depth()
        await shop.award(limit=1)
        counts = await shop.ledger.counts()
        assert (counts.ready, counts.ready_since) == (0, None)

    async def test_what_waits_and_what_is_in_quarantine(self, shop: Shop) -> None:
        """A retry begins to wait anew; what is dropped is done."""
        await shop.sell(refund("R1", "ann", "5.00", "A9"), order("A1", "ann", "2500", currency="JPY"))
        counts = await shop.ledger.counts()
        assert (counts.ready, counts.waiting, counts.quarantined) == (0, 1, 1)
        [quarantined] = await shop.ledger.quarantine()
        shop.now.at += 5_000_000
        await shop.ledger.retry(*key_of(quarantined))
        counts = await shop.ledger.counts()
        assert (counts.ready, counts.ready_since, counts.quarantined) == (1, shop.now.at, 0)
        await shop.award()
        await shop.ledger.drop(*key_of(quarantined), actor="clerk")
        await shop.sell(order("A9", "ann", "25.00"))
        counts = await shop.ledger.counts()
        assert (counts.ready, counts.waiting, counts.quarantined) == (0, 0, 0)

    async def test_messages_are_counted_until_they_are_sent(self, shop: Shop) -> None:
        """Held without an address, due with one."""
        await shop.sell(order("A1", "ann", MILESTONE), order("A2", "bob", MILESTONE))
        counts = await shop.ledger.counts()
        assert (counts.messages_due, counts.messages_held) == (0, 2)
        await shop.ledger.enrol([("ann", "ann@example.com")], actor="clerk")
        counts = await shop.ledger.counts()
        assert (counts.messages_due, counts.messages_held) == (1, 1)
        [message] = await shop.ledger.claim_messages(10, lease_s=60)
        await shop.ledger.message_sent(message.id)
        counts = await shop.ledger.counts()
        assert (counts.messages_due, counts.messages_held) == (0, 1)
