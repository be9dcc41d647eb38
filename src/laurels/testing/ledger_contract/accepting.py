"""Taking documents in: once for ever, in order, durable before it is answered, and members enrolled on the way."""

import asyncio
from random import Random

import msgspec
import pytest

from laurels.clock import DAY
from laurels.errors import InsufficientPoints
from laurels.ledger import Receipt
from laurels.model import Channel, DocumentKind, EntryKind, Status
from laurels.testing.ledger_contract.base import (
    LedgerSuite,
    OpenLedger,
    Shop,
    adjustment,
    in_conflict,
    opened_again,
    order,
    redemption,
    refund,
)
from laurels.testing.verifying import findings_of

A1 = order("A1", "ann", "25.00", occurred_at=1_793_500_000_000_000)


class AcceptingTests(LedgerSuite):
    """Idempotent for ever on (source, kind, id)."""

    async def test_a_new_document_waits_in_the_inbox(self, shop: Shop) -> None:
        """It is accepted, and nothing is computed yet."""
        assert await shop.accept(A1) == [Receipt(Status.ACCEPTED)]
        state = await shop.state(A1)
        assert (state.status, state.member_id, state.entry, state.reason) == (Status.ACCEPTED, "ann", None, None)
        assert state.accepted_at == shop.now.at
        assert await shop.ledger.inbox_depth() == 1
        assert await shop.points_entries() == []

    async def test_an_adjustment_that_waits_is_no_damage(self, shop: Shop) -> None:
        """Of its id a digest is remembered, and where the awarding finds it, it has the id itself."""
        await shop.accept(adjustment("G1", "ann", 5))
        assert await findings_of(shop.ledger) == []
        await shop.award()
        assert await findings_of(shop.ledger) == []

    async def test_nothing_to_accept_is_no_trouble(self, shop: Shop) -> None:
        """An empty call has an empty answer."""
        assert await shop.accept() == []

    async def test_an_unknown_document_has_no_state(self, shop: Shop) -> None:
        """Whatever of (source, kind, id) differs."""
        await shop.accept(A1)
        for kind, source, id in (("refund", "shop", "A1"), ("order", "till", "A1"), ("order", "shop", "a1")):
            assert await shop.ledger.document(DocumentKind(kind), source, id) is None

    async def test_another_members_document_has_no_state_either(self, shop: Shop) -> None:
        """For whom asks as that member; the same before and after it is awarded."""
        await shop.accept(A1)
        for _ in range(2):
            assert await shop.ledger.document(DocumentKind.ORDER, "shop", "A1", of_member="ann")
            assert await shop.ledger.document(DocumentKind.ORDER, "shop", "A1", of_member="bob") is None
            await shop.award()

    async def test_the_same_again_gets_the_first_answer(self, shop: Shop) -> None:
        """Before it is awarded, after, and 13 months later; it earns once."""
        await shop.accept(A1)
        assert await shop.accept(A1) == [Receipt(Status.ACCEPTED, repeated=True)]
        await shop.award()
        awarded = await shop.accept(A1)
        shop.now.at += 396 * DAY
        assert await shop.accept(A1) == awarded
        [receipt] = awarded
        assert (receipt.status, receipt.repeated, receipt.conflict) == (Status.AWARDED, True, False)
        assert receipt.entry == (await shop.state(A1)).entry
        assert await shop.award() == 0
        assert await shop.points_entries() == [(EntryKind.EARN, "ann", 3)]

    @pytest.mark.parametrize(
        "changed",
        [
            {"member_id": "bob"},
            {"currency": "EUR"},
            {"total": 2501},
            {"channel": Channel.STORE},
            {"occurred_at": None},
            {"occurred_at": 1_793_500_000_000_001},
        ],
        ids="-".join,
    )
    async def test_other_content_under_a_used_id_changes_nothing(self, shop: Shop, changed: dict[str, object]) -> None:
        """Neither before the first was awarded nor after, and nobody is enrolled by it."""
        other = msgspec.structs.replace(A1, **changed)
        await shop.accept(A1)
        assert [in_conflict(receipt) for receipt in await shop.accept(other)] == [
            Receipt(Status.ACCEPTED, conflict=True)
        ]
        await shop.award()
        feed = await shop.feed()
        assert [in_conflict(receipt) for receipt in await shop.accept(other)] == [
            Receipt(Status.AWARDED, conflict=True)
        ]
        assert await shop.award() == 0
        assert await shop.feed() == feed
        assert await shop.points_entries() == [(EntryKind.EARN, "ann", 3)]
        assert await shop.ledger.member("bob") is None

    async def test_an_address_is_not_content(self, shop: Shop) -> None:
        """The same order with another address is the same order."""
        await shop.accept(msgspec.structs.replace(A1, email="ann@example.com"))
        [receipt] = await shop.accept(msgspec.structs.replace(A1, email="ann@example.org"))
        assert receipt.repeated

    async def test_one_call_may_hold_repeats_and_conflicts(self, shop: Shop) -> None:
        """One receipt for each, in order; what is new goes in."""
        await shop.sell(A1)
        new, other, newer = order("A2", "bob", "5.00"), order("A2", "bob", "500.00"), order("A3", "cy", "10.00")
        receipts = await shop.accept(new, A1, msgspec.structs.replace(A1, total=1), new, other, newer)
        assert [(receipt.status, receipt.repeated, receipt.conflict) for receipt in receipts] == [
            (Status.ACCEPTED, False, False),
            (Status.AWARDED, True, False),
            (Status.AWARDED, False, True),
            (Status.ACCEPTED, True, False),
            (Status.ACCEPTED, False, True),
            (Status.ACCEPTED, False, False),
        ]
        await shop.award()
        assert [(await shop.balance(each)).balance for each in ("ann", "bob", "cy")] == [3, 1, 1]

    async def test_an_id_is_used_within_its_kind_and_source(self, shop: Shop) -> None:
        """The same id elsewhere is another document."""
        await shop.sell(
            order("X", "ann", "100.00"),
            order("X", "ann", "200.00", source="till"),
            refund("X", "ann", "10.00"),
            refund("X", "ann", "20.00", source="till"),
            refund("X2", "ann", "30.00", "X", source="till"),
        )
        await shop.awarder.settle(adjustment("X", "ann", 7))
        await shop.awarder.settle(redemption("X", "ann", 2))
        points = [points for _, _, points in await shop.points_entries()]
        assert points == [10, 20, -1, -2, -3, 7, -2]

    async def test_every_message_three_times_and_shuffled_counts_once(self, shop: Shop, rng: Random) -> None:
        """Whatever the order in which they come."""
        documents = [order(f"A{n}", f"m{n % 7}", f"{10 * n}.00") for n in range(1, 41)]
        documents_thrice = documents * 3
        rng.shuffle(documents_thrice)
        for start in range(0, len(documents_thrice), 16):
            await shop.accept(*documents_thrice[start : start + 16])
            if rng.random() < 0.5:
                await shop.award(limit=rng.randint(1, 30))
        await shop.award()
        for member in range(7):
            earned = sum(n for n in range(1, 41) if n % 7 == member)
            assert (await shop.balance(f"m{member}")).earned == earned

    async def test_many_at_once_with_one_document_take_it_once(self, shop: Shop) -> None:
        """One of them is told that it is new."""
        answers = await asyncio.gather(*(shop.accept(A1) for _ in range(100)))
        assert sorted(receipt.repeated for [receipt] in answers) == [False] + [True] * 99
        await shop.award()
        assert await shop.points_entries() == [(EntryKind.EARN, "ann", 3)]

    async def test_of_many_contents_at_once_under_one_id_one_is_taken(self, shop: Shop) -> None:
        """The others are conflicts, and it is the taken one that earns."""
        answers = await asyncio.gather(*(shop.accept(order("A1", "ann", f"{n}0.00")) for n in range(1, 51)))
        taken = [n for n, [receipt] in enumerate(answers, 1) if not receipt.conflict]
        assert len(taken) == 1
        await shop.award()
        assert await shop.points_entries() == [(EntryKind.EARN, "ann", taken[0])]

    async def test_what_was_acknowledged_is_there_after_reopening(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """And another process sees it at once."""
        await shop.accept(A1)
        async with opened_again(open_ledger, shop) as other:
            assert await other.accept(A1) == [Receipt(Status.ACCEPTED, repeated=True)]
            assert await other.ledger.inbox_depth() == 1
            await other.award()
        assert (await shop.balance("ann")).balance == 3

    async def test_documents_are_taken_in_order_of_acceptance(self, shop: Shop, rng: Random) -> None:
        """A member's documents are awarded in the order in which they came, whatever the size of a batch."""
        ids: dict[str, list[str]] = {"ann": [], "bob": [], "cy": []}
        for n in range(60):
            member_id = rng.choice(list(ids))
            ids[member_id].append(f"A{n}")
            await shop.accept(order(f"A{n}", member_id, "10.00"))
            if rng.random() < 0.2:
                for shard in await shop.ledger.own():
                    await shop.awarder.step_in(shard, rng.randint(1, 9))
        await shop.award(limit=7)
        for member_id, expected in ids.items():
            newest_first = await shop.ledger.entries(member_id, limit=100)
            assert [entry.order_id for entry in reversed(newest_first)] == expected


class EnrollingTests(LedgerSuite):
    """Members come with their first document, under increasing numbers."""

    async def test_members_are_numbered_in_the_order_they_come(self, shop: Shop) -> None:
        """By an order, an unlinked refund, an adjustment, or enrolment; each is an entry before the points."""
        await shop.accept(order("A1", "ann", "25.00"))
        await shop.accept(refund("R1", "bob", "25.00"))
        await shop.awarder.settle(adjustment("J1", "cy", 5))
        await shop.ledger.enrol([("dee", None), ("ann", None), ("eve", None)], actor="clerk")
        await shop.accept(order("A2", "fay", "1.00"), order("A3", "gus", "1.00"), order("A4", "fay", "1.00"))
        await shop.award()
        numbers = [await shop.number(each) for each in ("ann", "bob", "cy", "dee", "eve", "fay", "gus")]
        assert numbers == sorted(set(numbers))
        assert numbers[0] >= 0
        feed = await shop.feed()
        enrolled = {entry.member_id: entry for entry in feed if entry.kind is EntryKind.ENROL}
        assert len(enrolled) == len([entry for entry in feed if entry.kind is EntryKind.ENROL]) == 7
        for entry in feed:
            assert entry.position >= enrolled[entry.member_id].position
        assert len({entry.name_number for entry in enrolled.values()}) == 7
        assert all(entry.points == 0 for entry in enrolled.values())
        assert {enrolled[each].actor for each in ("dee", "eve")} == {"clerk"}

    async def test_a_refund_of_an_order_enrols_nobody(self, shop: Shop) -> None:
        """Only its order does."""
        await shop.accept(refund("R1", "ann", "5.00", "A1"))
        await shop.award()
        assert await shop.ledger.member("ann") is None
        assert await shop.feed() == []

    async def test_a_conflict_enrols_nobody(self, shop: Shop) -> None:
        """Nor does a repeat."""
        await shop.accept(order("A1", "ann", "25.00"))
        await shop.accept(order("A1", "bob", "25.00"), order("A1", "ann", "25.00"))
        assert await shop.ledger.member("bob") is None

    async def test_a_redemption_that_is_refused_enrols_nobody(self, shop: Shop) -> None:
        """Who never earned has nothing to spend."""
        with pytest.raises(InsufficientPoints):
            await shop.awarder.settle(redemption("S1", "ann", 1))
        assert await shop.ledger.member("ann") is None

    async def test_enrolling_says_who_is_new(self, shop: Shop) -> None:
        """Once more, or twice in one call, is not new; it is told one by one."""
        new, version = await shop.ledger.enrol([("ann", None), ("bob", "b@example.com"), ("ann", None)], actor="clerk")
        assert new == [True, True, False]
        assert version == (await shop.ledger.heads()).version
        feed = await shop.feed()
        assert (await shop.ledger.enrol([("ann", None), ("bob", "b@example.com")], actor="clerk"))[0] == [False, False]
        assert (await shop.ledger.enrol([], actor="clerk"))[0] == []
        assert await shop.feed() == feed

    async def test_many_at_once_enrol_a_member_once(self, shop: Shop) -> None:
        """Whichever way it comes in."""
        enrolled = await asyncio.gather(
            *(shop.ledger.enrol([("ann", None)], actor="clerk") for _ in range(20)),
            *(shop.accept(order(f"A{n}", "ann", "10.00")) for n in range(20)),
        )
        assert len(enrolled) == 40
        assert [entry.kind for entry in await shop.feed()] == [EntryKind.ENROL]

    async def test_who_is_enrolled_has_no_points(self, shop: Shop) -> None:
        """And who is not has no totals at all."""
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        found = await shop.ledger.balance("ann")
        assert found is not None
        assert (found[0].balance, found[0].earned, found[0].score) == (0, 0, 0)
        assert found[1] == (await shop.ledger.heads()).version
        assert await shop.ledger.balance("bob") is None
        assert await shop.ledger.member("bob") is None
        assert await shop.ledger.entries("bob") == []

    async def test_an_address_is_in_no_entry(self, shop: Shop) -> None:
        """Contact is kept apart from everything that is read for other ends."""
        await shop.ledger.enrol([("bob", "secret@example.com")], actor="clerk")
        await shop.sell(order("A1", "ann", "25.00", email="secret@example.com"))
        seen = [*await shop.feed(), await shop.state(order("A1", "ann", "25.00")), await shop.ledger.member("ann")]
        assert "secret" not in repr(seen)
