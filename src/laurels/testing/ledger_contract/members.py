"""Members in the ledger: hidden, shown, renamed, erased, each by an entry; and what erasing leaves."""

import asyncio

import pytest

from laurels.errors import UnknownMember
from laurels.model import Amendment, Cancellation, EntryKind, MemberEvent, Status
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, key_of, order, refund, unreadable


class MembersTests(LedgerSuite):
    """Hide, show and rename are events in the feed."""

    async def test_each_event_is_an_entry_by_the_version_it_gives(self, shop: Shop) -> None:
        """Beside the point entries, with who asked for it."""
        await shop.sell(order("A1", "ann", "25.00"))
        number = await shop.number("ann")
        for event in (MemberEvent.HIDE, MemberEvent.SHOW, MemberEvent.RENAME):
            before = await shop.ledger.heads()
            version = await shop.ledger.change_member("ann", event, actor="clerk")
            heads = await shop.ledger.heads()
            assert heads.version == version != before.version
            assert version.includes(before.version)
        events = [(entry.kind, entry.member, entry.actor, entry.points) for entry in (await shop.feed())[-3:]]
        assert events == [(kind, number, "clerk", 0) for kind in (EntryKind.HIDE, EntryKind.SHOW, EntryKind.RENAME)]

    async def test_a_member_is_as_the_last_event_says(self, shop: Shop) -> None:
        """Hidden or not; nothing else about the member is changed by it."""
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        shown = await shop.ledger.member("ann")
        assert shown is not None
        assert (shown.member_id, shown.hidden, shown.enrolled_at) == ("ann", False, shop.now.at)
        await shop.ledger.change_member("ann", MemberEvent.HIDE, actor="clerk")
        hidden = await shop.ledger.member("ann")
        assert hidden is not None
        assert (hidden.hidden, hidden.number, hidden.name_number) == (True, shown.number, shown.name_number)
        await shop.ledger.change_member("ann", MemberEvent.SHOW, actor="clerk")
        assert await shop.ledger.member("ann") == shown

    async def test_what_is_so_already_is_not_written_again(self, shop: Shop) -> None:
        """Its version includes it all the same."""
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        await shop.ledger.change_member("ann", MemberEvent.SHOW, actor="clerk")
        first = await shop.ledger.change_member("ann", MemberEvent.HIDE, actor="clerk")
        again = await shop.ledger.change_member("ann", MemberEvent.HIDE, actor="clerk")
        assert first == again
        assert [entry.kind for entry in await shop.feed()] == [EntryKind.ENROL, EntryKind.HIDE]

    async def test_a_name_is_never_given_twice(self, shop: Shop) -> None:
        """Each renaming gives one that nobody had, and its entry says which."""
        await shop.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
        for _ in range(3):
            for member_id in ("ann", "bob"):
                await shop.ledger.change_member(member_id, MemberEvent.RENAME, actor="clerk")
        names = [entry.name_number for entry in await shop.feed()]
        assert len(set(names)) == len(names) == 8
        member = await shop.ledger.member("bob")
        assert member is not None
        assert (
            member.name_number
            == [entry.name_number for entry in await shop.feed() if entry.member == member.number][-1]
        )

    async def test_who_has_another_name_by_now_is_not_renamed(self, shop: Shop) -> None:
        """The same asked for twice, at once or later, gives one name."""
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        member = await shop.ledger.member("ann")
        assert member is not None
        seen = member.name_number

        async def rename() -> None:
            await shop.ledger.change_member("ann", MemberEvent.RENAME, actor="clerk", name_number=seen)

        await asyncio.gather(rename(), rename(), rename())
        await rename()
        assert [entry.kind for entry in await shop.feed()] == [EntryKind.ENROL, EntryKind.RENAME]

    @pytest.mark.parametrize("event", list(MemberEvent))
    async def test_an_unknown_member_cannot_be_changed(self, shop: Shop, event: MemberEvent) -> None:
        """Nothing is written."""
        with pytest.raises(UnknownMember):
            await shop.ledger.change_member("ann", event, actor="clerk")
        assert await shop.feed() == []

    @pytest.mark.parametrize("event", list(MemberEvent))
    async def test_who_has_the_id_by_now_is_not_changed_for_another(self, shop: Shop, event: MemberEvent) -> None:
        """Where it was said whose the id was seen to be: nor is what lies there for nobody let go of."""
        await shop.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
        seen = {each: await shop.ledger.member(each) for each in ("ann", "bob")}
        numbers = {each: member.number for each, member in seen.items() if member is not None}
        await shop.ledger.change_member("ann", event, actor="clerk", number=numbers["ann"])
        if event is not MemberEvent.ERASE:
            await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        with pytest.raises(UnknownMember):
            await shop.ledger.change_member("ann", event, actor="clerk", number=numbers["ann"])
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        await shop.ledger.merge("bob", "ann", actor="clerk")
        feed = await shop.feed()
        for member_id in ("ann", "bob"):
            for number in numbers.values():
                with pytest.raises(UnknownMember):
                    await shop.ledger.change_member(member_id, event, actor="clerk", number=number)
        assert await shop.feed() == feed

    async def test_ids_are_case_sensitive(self, shop: Shop) -> None:
        """Two spellings are two members."""
        await shop.sell(order("A1", "ann@x", "10.00"), order("A2", "Ann@x", "20.00"))
        assert [(await shop.balance(each)).balance for each in ("ann@x", "Ann@x")] == [1, 2]


class ErasingTests(LedgerSuite):
    """The id, the contact and the raw bytes go; entries stay under a number that is never used again."""

    async def test_the_id_is_gone_and_the_entries_stay(self, shop: Shop) -> None:
        """Not one of them changes; they name nobody."""
        await shop.sell(order("A1", "ann", "25.00", email="ann@example.com"), order("A2", "bob", "25.00"))
        before = [entry for entry in await shop.feed() if entry.member_id == "ann"]
        version = await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        assert version == (await shop.ledger.heads()).version
        feed = await shop.feed()
        after = [entry for entry in feed if entry.member == before[0].member]
        assert [entry.hash for entry in after[:-1]] == [entry.hash for entry in before]
        assert (after[-1].kind, after[-1].actor) == (EntryKind.ERASE, "clerk")
        assert "ann" not in repr(feed)
        assert await shop.ledger.member("ann") is None
        assert await shop.ledger.balance("ann") is None
        assert await shop.ledger.entries("ann") == []
        state = await shop.state(order("A1", "ann", "25.00"))
        assert (state.member_id, state.status) == (None, Status.AWARDED)
        assert (await shop.balance("bob")).balance == 3

    async def test_who_asks_to_be_erased_is_not_named(self, shop: Shop) -> None:
        """Nor in what was asked for before."""
        await shop.ledger.enrol([("ann", None)], actor="ann")
        for event in (MemberEvent.HIDE, MemberEvent.SHOW, MemberEvent.RENAME, MemberEvent.ERASE):
            await shop.ledger.change_member("ann", event, actor="ann")
        assert "ann" not in repr([entry.actor for entry in await shop.feed()])

    async def test_erasing_twice_is_erasing_a_stranger(self, shop: Shop) -> None:
        """Nobody is known by that id any more."""
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        with pytest.raises(UnknownMember):
            await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")

    async def test_a_number_is_never_used_again(self, shop: Shop) -> None:
        """Who comes back comes as somebody new, with a new number, a new name and no points."""
        await shop.sell(order("A1", "ann", "25.00"))
        erased = await shop.ledger.member("ann")
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.ledger.enrol([("bob", None)], actor="clerk")
        await shop.sell(order("A2", "ann", "10.00"))
        member, bob = await shop.ledger.member("ann"), await shop.ledger.member("bob")
        assert erased is not None
        assert bob is not None
        assert member is not None
        assert erased.number < bob.number < member.number
        assert member.name_number not in {erased.name_number, bob.name_number}
        assert (await shop.balance("ann")).balance == 1

    async def test_a_repeat_brings_nobody_back(self, shop: Shop) -> None:
        """The order was taken for ever, whoever it was from."""
        bought = order("A1", "ann", "25.00", email="ann@example.com")
        await shop.sell(bought)
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        feed = await shop.feed()
        [receipt] = await shop.accept(bought)
        assert (receipt.repeated, receipt.status) == (True, Status.AWARDED)
        assert await shop.ledger.member("ann") is None
        assert await shop.feed() == feed

    async def test_raw_bytes_go_wherever_they_wait(self, shop: Shop) -> None:
        """In quarantine, in the inbox, and with a refund that waits for its order."""
        waiting = refund("R1", "ann", "5.00", "A9").document(raw=b"from ann: R1")
        await shop.sell(waiting)
        await shop.sell(
            unreadable("P1", "ann", b"", raw=b"from ann: P1"), unreadable("P2", "bob", b"", raw=b"from bob")
        )
        await shop.accept(unreadable("P3", "ann", b"", raw=b"from ann: P3"))
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.award()
        shop.now.at += 10**14
        await shop.accept(order("A2", "bob", "1.00"))
        await shop.award()
        lying = await shop.ledger.quarantine()
        kept = {each.id: (await shop.ledger.quarantined(*key_of(each))).raw for each in lying}
        assert kept == {"P1": b"", "P2": b"from bob", "P3": b"", "R1": b""}
        assert [(await shop.state(each)).member_id for each in (waiting, unreadable("P1", "ann", b""))] == [None, None]

    async def test_what_was_accepted_is_awarded_all_the_same(self, shop: Shop) -> None:
        """To the number: an order, and a refund that waited for it since before its member was known."""
        await shop.sell(refund("R1", "ann", "10.00", "A1"))
        await shop.accept(order("A1", "ann", "25.00"))
        number = await shop.number("ann")
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.award()
        entries = await shop.ledger.order_entries("shop", "A1")
        assert [(entry.member, entry.points, entry.member_id) for entry in entries] == [
            (number, 3, None),
            (number, -1, None),
        ]
        assert await shop.ledger.quarantine() == []

    @pytest.mark.parametrize("others", [0, 20])
    @pytest.mark.parametrize("named", ["ann", "bob", "nobody"])
    async def test_what_names_an_erased_ones_order_is_that_ones(self, shop: Shop, named: str, others: int) -> None:
        """Whoever has the id that it names by now, or has another: booked under the number, and nothing of it kept."""
        await shop.sell(*(order(id, "ann", "100.00") for id in ("A1", "A2", "A3", "A4")), order("B1", "bob", "10.00"))
        number = await shop.number("ann")
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.sell(order("C1", "ann", "10.00"))
        changed = Amendment(revision=1, order=order("A2", named, "50.00", email="ann@example.com"))
        names = [
            refund("R1", named, "100.00", "A1").document(raw=b"from ann: R1"),
            changed.document(raw=b"from ann: A2"),
            refund("R3", named, "30.00", "A3", order_source="shop", source="till").document(raw=b"from ann: R3"),
            Cancellation(source="shop", refund_id="of a refund to come", order_id="A4", member_id=named).document(),
        ]
        more = [refund(f"U{n}", "bob", "0.10") for n in range(others)]
        await shop.accept(*names, *more)
        assert all(receipt.repeated for receipt in await shop.accept(*names))
        await shop.award()
        assert await shop.ledger.quarantine() == []
        worth = {}
        for order_id in ("A1", "A2", "A3", "A4"):
            entries = await shop.ledger.order_entries("shop", order_id)
            assert {(entry.member, entry.member_id) for entry in entries} == {(number, None)}
            worth[order_id] = sum(entry.points for entry in entries)
        assert worth == {"A1": 0, "A2": 5, "A3": 7, "A4": 10}
        assert [(await shop.balance(member)).balance for member in ("ann", "bob")] == [1, 1]
        for document in names:
            assert (await shop.state(document)).member_id is None
        for member in ("ann", "bob"):
            kept = await shop.ledger.kept(member)
            assert kept is not None
            assert (kept.documents, kept.email) == ((), None)

    async def test_a_correction_after_erasing_is_somebody_new(self, shop: Shop) -> None:
        """It enrols, as it does for any unknown id."""
        await shop.ledger.enrol([("ann", None)], actor="clerk")
        number = await shop.number("ann")
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.awarder.settle(adjustment("J1", "ann", 5))
        assert await shop.number("ann") > number
