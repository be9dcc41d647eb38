"""People: found by id and address, with all that is kept about one of them; their mails; their names."""

import pytest

from laurels.clock import MINUTE, SECOND
from laurels.errors import Conflict, NotFound
from laurels.ledger import FoundMember, NameNumbers
from laurels.ledger.epochs import lowest_epoch
from laurels.model import EntryKind, MemberEvent, Status
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, order, refund

IDS = ("", "a", "A", "a%", "a_", "ab", "abc", "b", "z", "~", "é", "中", "\U0001f600", "a\U0010ffff")
"""Ids whose order is that of their letters, whatever a language says, and letters that patterns take for more."""


class PeopleTests(LedgerSuite):
    """What those ask who answer for the members' data."""

    @pytest.mark.parametrize("prefix", ["", "a", "a%", "ab", "\U0001f600", "x"])
    async def test_members_are_found_by_the_beginning_of_their_id(self, shop: Shop, prefix: str) -> None:
        """All of them, once, in the order of ids, in pages of any size."""
        ids = [each for each in IDS if each]
        await shop.ledger.enrol([(each, None) for each in ids], actor="clerk")
        for limit in (1, 3, 50):
            found: list[str] = []
            while page := await shop.ledger.find_members(
                id_prefix=prefix, after=found[-1] if found else "", limit=limit
            ):
                assert len(page) <= limit
                found += [each.member_id for each in page]
            assert found == sorted(each for each in ids if each.startswith(prefix) and each < prefix + "\U0010ffff")

    async def test_members_are_found_by_their_address_in_any_case(self, shop: Shop) -> None:
        """Those whose it is now, and nobody whose address it was."""
        addresses = {"ann": "Ann@Example.com", "bob": "ann@example.COM", "cy": "ann@example.co", "dee": None}
        await shop.ledger.enrol([*addresses.items()], actor="clerk")
        found = await shop.ledger.find_members(email="ANN@example.com")
        assert [(each.member_id, each.email) for each in found] == [*addresses.items()][:2]
        assert await shop.ledger.find_members(email="ann@example.com", id_prefix="b") == found[1:]
        assert await shop.ledger.find_members(email="ann@example.com", after="ann", limit=1) == found[1:]
        await shop.ledger.set_contact("ann", "ann@elsewhere.com", actor="ann")
        assert await shop.ledger.find_members(email="ann@example.com") == found[1:]

    async def test_who_is_found_is_shown_as_it_is(self, shop: Shop) -> None:
        """Hidden, merged, and not at all once erased."""
        await shop.ledger.enrol([("ann", None), ("bob", "bob@example.com"), ("cy", None)], actor="clerk")
        await shop.ledger.change_member("bob", MemberEvent.HIDE, actor="clerk")
        await shop.awarder.merge("ann", "bob", actor="clerk")
        await shop.ledger.change_member("cy", MemberEvent.ERASE, actor="clerk")
        at = shop.now.at
        assert await shop.ledger.find_members() == [
            FoundMember(member_id="ann", email=None, hidden=False, enrolled_at=at, merged_into="bob"),
            FoundMember(member_id="bob", email="bob@example.com", hidden=True, enrolled_at=at, merged_into=None),
        ]

    async def test_all_that_is_kept_of_a_member_is_shown(self, shop: Shop) -> None:
        """Of the member and of those who became it, under either id; and of nobody else."""
        await shop.ledger.enrol([("ann", "ann@example.com"), ("bob", None)], actor="clerk")
        await shop.sell(order("A1", "ann", "1010.00"), order("B1", "bob", "20.00"), order("C1", "cy", "30.00"))
        await shop.awarder.settle(adjustment("J1", "bob", 7))
        for event in (MemberEvent.HIDE, MemberEvent.SHOW, MemberEvent.RENAME):
            await shop.ledger.change_member("bob", event, actor="clerk")
        await shop.sell(order("B2", "bob", "20.00", currency="JPY"), refund("R1", "ann", "1.00", "later"))
        await shop.awarder.merge("bob", "ann", actor="clerk")
        await shop.accept(order("A2", "ann", "5.00"))
        feed = [entry for entry in await shop.feed() if entry.member_id != "cy"]
        for member_id in ("ann", "bob"):
            kept = await shop.ledger.kept(member_id)
            assert kept is not None
            assert kept.member == await shop.ledger.member("ann")
            assert (kept.other_ids, kept.email) == (("bob",), "ann@example.com")
            assert kept.balance == await shop.balance("ann")
            at = [(each.entry.recorded_at, each.entry.shard, each.entry.position) for each in kept.entries]
            assert at == sorted((entry.recorded_at, entry.shard, entry.position) for entry in feed)
            said = {each.entry.order_id for each in kept.entries if each.content is not None}
            assert {"A1", "B1"} <= said
            documents = [(each.kind.value, each.id, each.status) for each in kept.documents]
            assert documents == [
                ("order", "B2", Status.QUARANTINED),
                ("refund", "R1", Status.WAITING),
                ("order", "A2", Status.ACCEPTED),
            ]
            assert all(each.content and each.accepted_at for each in kept.documents)
            assert [each.milestone for each in kept.messages] == ["100-points"]
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        assert await shop.ledger.kept("ann") is None
        assert await shop.ledger.kept("nobody") is None


class MailsTests(LedgerSuite):
    """Messages as operators see them."""

    async def test_mails_are_listed_oldest_first_in_pages(self, shop: Shop) -> None:
        """Of everybody, in one state, of one member."""
        await shop.ledger.enrol([("ann", "ann@example.com"), ("bob", None), ("cy", "cy@example.com")], actor="clerk")
        for member_id in ("cy", "bob", "ann"):
            await shop.sell(order(f"{member_id}-1", member_id, "1010.00"))
            shop.now.at += SECOND
        mails = await shop.ledger.all_messages()
        assert [(each.member_id, each.state) for each in mails] == [("cy", "due"), ("bob", "held"), ("ann", "due")]
        assert [each.due_at for each in mails] == [each.created_at for each in mails]
        assert await shop.ledger.all_messages(limit=1) == mails[:1]
        assert await shop.ledger.all_messages(after=mails[0].id) == mails[1:]
        assert await shop.ledger.all_messages(state="held") == mails[1:2]
        assert await shop.ledger.all_messages(member_id="ann") == mails[2:]
        assert await shop.ledger.message(mails[1].id) == mails[1]
        with pytest.raises(NotFound):
            await shop.ledger.message("nothing")

    async def test_a_mail_that_waits_or_failed_is_tried_again(self, shop: Shop) -> None:
        """And none that was sent, has no address, or is of somebody who was erased."""
        await shop.ledger.enrol([("ann", "ann@example.com"), ("bob", None)], actor="clerk")
        await shop.sell(order("A1", "ann", "1010.00"), order("B1", "bob", "1010.00"))
        [mail] = await shop.ledger.messages("ann")
        [held] = await shop.ledger.messages("bob")
        assert [each.id for each in await shop.ledger.claim_messages(9, lease_s=60)] == [mail.id]
        await shop.ledger.message_undeliverable(mail.id, note="no such box")
        shop.now.at += SECOND
        assert await shop.ledger.retry_message(mail.id)
        again = await shop.ledger.message(mail.id)
        assert (again.state, again.due_at, again.attempts, again.note) == ("due", shop.now.at, 1, "no such box")
        assert [each.id for each in await shop.ledger.claim_messages(9, lease_s=60)] == [mail.id]
        await shop.ledger.message_sent(mail.id)
        for refused in (mail.id, held.id):
            before = await shop.ledger.message(refused)
            assert not await shop.ledger.retry_message(refused, must=False)
            with pytest.raises(Conflict):
                await shop.ledger.retry_message(refused)
            assert await shop.ledger.message(refused) == before
        with pytest.raises(NotFound):
            await shop.ledger.retry_message("nothing")

    async def test_mails_of_who_became_another_are_found_under_either(self, shop: Shop) -> None:
        """Each still names the member that it was decided for."""
        await shop.ledger.enrol([("ann", "ann@example.com"), ("bob", "bob@example.com")], actor="clerk")
        await shop.sell(order("A1", "ann", "1010.00"))
        await shop.awarder.merge("ann", "bob", actor="clerk")
        [mail] = await shop.ledger.messages("bob")
        assert mail.member_id == "ann"
        assert await shop.ledger.messages("ann") == [mail]


class NamesAndEpochsTests(LedgerSuite):
    """What follows from ids, and what from the clock."""

    async def test_a_name_that_is_taken_is_not_given_again(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where two ids meet, the second tries again, and whoever was renamed leaves a name that stays used."""
        monkeypatch.setattr(NameNumbers, "number", lambda _, __, renames, attempt=0: renames + attempt)
        await shop.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
        await shop.ledger.change_member("ann", MemberEvent.RENAME, actor="clerk")
        await shop.accept(order("A1", "cy", "10.00"))
        await shop.ledger.enrol([("dee", None)], actor="clerk")
        await shop.awarder.settle(adjustment("J1", "eve", 5))
        found = [await shop.ledger.member(each) for each in ("ann", "bob", "cy", "dee", "eve")]
        assert [member.name_number for member in found if member] == [2, 1, 3, 4, 5]
        entries = [entry for entry in await shop.feed() if entry.kind in {EntryKind.ENROL, EntryKind.RENAME}]
        assert sorted(entry.name_number for entry in entries if entry.name_number is not None) == [0, 1, 2, 4, 5]

    async def test_an_epoch_is_numbered_by_the_clock(self, shop: Shop) -> None:
        """So that two that begin from one copy are two; and never below the one before."""
        await shop.sell(order("A1", "ann", "10.00"))
        first = await shop.ledger.begin_epoch()
        assert first.epoch == lowest_epoch(shop.now.at)
        assert (await shop.ledger.begin_epoch()).epoch == first.epoch + 1
        shop.now.at += 5 * MINUTE
        last = await shop.ledger.begin_epoch()
        assert last.epoch == first.epoch + 5
        assert last.began[first.epoch] == last.marks == first.marks

    async def test_when_it_last_grew_is_told(self, shop: Shop) -> None:
        """Not when something was last accepted."""
        assert await shop.ledger.recorded_at() == 0
        await shop.sell(order("A1", "ann", "10.00"))
        at = shop.now.at
        shop.now.at += MINUTE
        await shop.accept(order("A2", "ann", "10.00"))
        assert await shop.ledger.recorded_at() == at
        await shop.award()
        assert await shop.ledger.recorded_at() == shop.now.at
