"""Quarantine: what could not be awarded stays until an operator decides."""

import msgspec
import pytest

from laurels.errors import NotFound
from laurels.ledger import KeptDocument
from laurels.model import Document, DocumentKind, MemberEvent, Refund, RefusedMessage, Status
from laurels.model.refused_messages import MOST_NAMED
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, key_of, order, refund, unreadable

WITH_YEN = DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace("per = {", 'per = { JPY = "1000",')
MOST = 2**31 - 1
TOO_MUCH = order("A1", "ann", "25.00")
IN_YEN = order("A1", "ann", "2500", currency="JPY")


class QuarantineTests(LedgerSuite):
    """List, retry, drop."""

    async def test_the_list_comes_in_pages(self, shop: Shop) -> None:
        """By sequence, each once."""
        await shop.accept(*(unreadable(f"P{n}", f"m{n % 3}", b"", b"raw") for n in range(7)))
        await shop.award()
        ids: list[str] = []
        after = 0
        while page := await shop.ledger.quarantine(after=after, limit=3):
            assert len(page) <= 3
            ids += [each.id for each in page]
            after = page[-1].sequence
        assert ids == [f"P{n}" for n in range(7)]
        assert {each.quarantined_at for each in await shop.ledger.quarantine()} == {shop.now.at}

    async def test_a_retry_is_awarded_where_the_hindrance_is_gone(self, shop: Shop) -> None:
        """It comes back into the inbox, and out of quarantine."""
        await shop.awarder.settle(adjustment("J1", "ann", MOST))
        await shop.sell(TOO_MUCH)
        [quarantined] = await shop.ledger.quarantine()
        await shop.awarder.settle(adjustment("J2", "ann", -MOST))
        await shop.ledger.retry(*key_of(quarantined))
        assert await shop.ledger.quarantine() == []
        assert await shop.ledger.inbox_depth() == 1
        state = await shop.state(TOO_MUCH)
        assert (state.status, state.reason) == (Status.ACCEPTED, None)
        assert await shop.award() == 1
        assert (await shop.balance("ann")).balance == 3

    async def test_a_retry_is_judged_by_the_rules_of_its_day(self, shop: Shop) -> None:
        """What is published later changes nothing of what came before it."""
        await shop.sell(IN_YEN)
        await shop.adopt(WITH_YEN)
        [quarantined] = await shop.ledger.quarantine()
        await shop.ledger.retry(*key_of(quarantined))
        await shop.award()
        assert "version 1" in ((await shop.state(IN_YEN)).reason or "")
        await shop.sell(order("A2", "ann", "2500", currency="JPY"))
        assert (await shop.balance("ann")).balance == 3

    async def test_a_retry_of_what_is_still_bad_comes_back(self, shop: Shop) -> None:
        """With the bytes that it came with, as often as one tries."""
        await shop.sell(unreadable("P", "ann", b"", b"as received"))
        for _ in range(3):
            [quarantined] = await shop.ledger.quarantine()
            assert (await shop.ledger.quarantined(*key_of(quarantined))).raw == b"as received"
            await shop.ledger.retry(*key_of(quarantined))
            await shop.award()

    async def test_a_retried_order_releases_what_waits_for_it(self, shop: Shop) -> None:
        """As it would have done at first."""
        await shop.awarder.settle(adjustment("J1", "ann", MOST))
        await shop.sell(refund("R1", "ann", "10.00", "A1"), TOO_MUCH)
        [quarantined] = await shop.ledger.quarantine()
        await shop.awarder.settle(adjustment("J2", "ann", -MOST))
        await shop.ledger.retry(*key_of(quarantined))
        await shop.award()
        assert (await shop.balance("ann")).balance == 2

    async def test_a_retried_refund_waits_once_more(self, shop: Shop) -> None:
        """And is released in order of acceptance."""
        first, second = refund("R1", "ann", "3.00", "A1"), refund("R2", "ann", "3.00", "A1")
        await shop.sell(first)
        shop.now.at += 10**14
        await shop.sell(order("A9", "bob", "1.00"))
        [overdue] = await shop.ledger.quarantine()
        assert overdue.id == "R1"
        await shop.sell(second)
        await shop.ledger.retry(*key_of(overdue))
        await shop.accept(order("A1", "ann", "25.00"))
        await shop.award()
        entries = await shop.ledger.order_entries("shop", "A1")
        assert [entry.refund_id for entry in entries] == [None, "R1", "R2"]

    async def test_what_is_dropped_stays_known(self, shop: Shop) -> None:
        """Its id stays used; it is not listed, not retried, not awarded; the reason says who gave it up."""
        await shop.sell(IN_YEN)
        [quarantined] = await shop.ledger.quarantine()
        await shop.ledger.drop(*key_of(quarantined), actor="clerk")
        assert await shop.ledger.quarantine() == []
        [again, other] = await shop.accept(IN_YEN, order("A1", "ann", "25.00"))
        assert (again.repeated, again.conflict) == (True, False)
        assert other.conflict
        assert await shop.award() == 0
        assert "clerk" in ((await shop.state(IN_YEN)).reason or "")
        with pytest.raises(NotFound):
            await shop.ledger.retry(*key_of(quarantined))
        with pytest.raises(NotFound):
            await shop.ledger.drop(*key_of(quarantined), actor="clerk")

    @pytest.mark.parametrize("way", ["awarded", "on its way", "dropped"])
    async def test_what_an_erased_member_bought_is_not_kept(self, shop: Shop, way: str) -> None:
        """Wherever its orders were by then; they earn as they did, and those of others are kept."""
        ids = [f"{who}{n}" for n in range(20) for who in ("ann", "bob")]
        bought = [msgspec.structs.replace(order(each, each[:3], "25.00"), store="Mayfair") for each in ids]
        strange = msgspec.structs.replace(order("A1", "ann", "2500", currency="JPY"), coupons=("HALF",))
        await shop.accept(*bought, strange)
        if way != "on its way":
            await shop.award()
        if way == "dropped":
            [lying] = await shop.ledger.quarantine()
            await shop.ledger.drop(*key_of(lying), actor="clerk")
            assert (await shop.state(strange)).content is None
        before = [(await shop.state(each)).content for each in bought]
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.award()
        after = [await shop.state(each) for each in bought]
        assert [each.content is not None for each in after] == [each.member_id == "bob" for each in bought]
        assert [each.content for each in after[1::2]] == before[1::2]
        assert {each.entry.points for each in after if each.entry is not None} == {3}
        if way != "dropped":
            quarantined = await shop.ledger.quarantined(*key_of((await shop.ledger.quarantine())[0]))
            assert (quarantined.raw, quarantined.content) == (b"", b"")
            await shop.ledger.retry(*key_of(quarantined))
            assert await shop.award() == 1
            await shop.ledger.drop(*key_of(quarantined), actor="clerk")
        assert (await shop.state(strange)).content is None
        [again] = await shop.accept(strange)
        assert again.repeated

    async def test_a_refund_of_an_erased_members_order_says_nothing_either(self, shop: Shop) -> None:
        """Whether it came before the erasure or after, and waited or not; it takes back what it does."""
        await shop.sell(order("A1", "ann", "25.00"))
        refunds = [refund("R1", "ann", "5.00", "A1"), refund("R2", "ann", "5.00", "A1")]
        await shop.accept(refunds[0])
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.accept(refunds[1])
        await shop.award()
        states = [await shop.state(each) for each in refunds]
        assert [(each.status, each.content) for each in states] == [(Status.AWARDED, None)] * 2
        assert sum(each.points for each in await shop.ledger.order_entries("shop", "A1")) == 2

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("whose", ["known", "merged", "later", "stranger"])
    async def test_words_on_dropping_go_with_the_member(self, shop: Shop, whose: str, when: str) -> None:
        """Whether they were said before it was erased or after, and whoever it was by then; who said them stays."""
        bad: Refund | Document = unreadable("A1", "ann", b"", b"raw")
        if whose in {"later", "stranger"}:
            await shop.sell(refund("A1", "ann", "5.00", "A9"))
            shop.now.at += 10**14
            bad = refund("A1", "ann", "5.00", "A9")
            await shop.sell(order("B1", "bob", "1.00"))
        else:
            await shop.sell(order("A2", "ann", "25.00"), order("A3", "bob", "25.00"), bad)
        [quarantined] = await shop.ledger.quarantine()

        async def erase() -> None:
            await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")

        async def drop() -> None:
            await shop.ledger.drop(*key_of(quarantined), actor="person:mary", why="ann is: a fraudster")

        if when == "before":
            await drop()
            assert await self._told(shop, bad) == (True, "dropped by person:mary: ann is: a fraudster")
        if whose == "later":
            await shop.sell(order("A2", "ann", "25.00"))
        if whose == "merged":
            await shop.awarder.merge("ann", "bob", actor="clerk")
            assert [each.dropped for each in await self._kept(shop, "bob")] == [when == "before"]
        await erase()
        if when == "after":
            await drop()
        assert await self._told(shop, bad) == (True, "dropped by person:mary")

    async def _told(self, shop: Shop, document: Refund | Document) -> tuple[bool, str | None]:
        state = await shop.state(document)
        return state.dropped, state.reason

    async def _kept(self, shop: Shop, member_id: str) -> tuple[KeptDocument, ...]:
        kept = await shop.ledger.kept(member_id)
        assert kept is not None
        return kept.documents

    async def test_what_is_not_in_quarantine_cannot_leave_it(self, shop: Shop) -> None:
        """Unknown, awarded, waiting or still in the inbox."""
        await shop.sell(order("A1", "ann", "25.00"), refund("R1", "ann", "5.00", "A9"))
        await shop.accept(order("A2", "ann", "25.00"))
        feed, depth = await shop.feed(), await shop.ledger.inbox_depth()
        for kind in DocumentKind:
            for id in ("A1", "A2", "A3", "R1", "", "\n"):
                with pytest.raises(NotFound):
                    await shop.ledger.quarantined(kind, "shop", id)
                with pytest.raises(NotFound):
                    await shop.ledger.retry(kind, "shop", id)
                with pytest.raises(NotFound):
                    await shop.ledger.drop(kind, "shop", id, actor="clerk")
        assert (await shop.feed(), await shop.ledger.inbox_depth()) == (feed, depth)

    async def test_a_message_that_is_no_document_is_set_aside_once(self, shop: Shop) -> None:
        """With its bytes, whatever they are; another queue's is another one; nothing of it is awarded."""
        bodies = [b"", b"\xff\x00{", b"{}", b"{}" * 1000]
        messages = [
            RefusedMessage(origin="queue:orders", body=body, reason="is not valid JSON", headers=("x-a", "x-b"))
            for body in bodies
        ]
        for _ in range(3):
            await shop.ledger.set_aside([*messages, *messages])
        await shop.ledger.set_aside([RefusedMessage(origin="queue:returns", body=b"{}", reason="kind: is required")])
        listed = await shop.ledger.quarantine()
        assert [(each.kind, each.source) for each in listed] == [
            *[(DocumentKind.MESSAGE, "queue:orders")] * len(bodies),
            (DocumentKind.MESSAGE, "queue:returns"),
        ]
        kept = [await shop.ledger.quarantined(*key_of(each)) for each in listed[:-1]]
        assert [each.raw for each in kept] == bodies
        assert {(each.reason, each.actor) for each in kept} == {("is not valid JSON", "queue:orders")}
        assert b'"x-b"' in kept[0].content
        assert await shop.award() == 0
        assert (await shop.ledger.counts()).quarantined == len(listed)

    async def test_a_message_put_back_as_it_is_returns(self, shop: Shop) -> None:
        """It is no document: the awarding quarantines it again, with its bytes. Dropped, they are gone."""
        await shop.ledger.set_aside([RefusedMessage(origin="queue:orders", body=b"{", reason="is not valid JSON")])
        [message] = await shop.ledger.quarantine()
        await shop.ledger.retry(*key_of(message))
        await shop.award()
        assert (await shop.ledger.quarantined(*key_of(message))).raw == b"{"
        await shop.ledger.drop(*key_of(message), actor="clerk")
        assert await shop.ledger.quarantine() == []

    async def test_a_message_goes_with_the_member_that_it_names(self, shop: Shop) -> None:
        """Whether the member is known when the message comes, or later, or never."""
        await shop.sell(order("A1", "ann", "25.00"))
        for member_id in ("ann", "bob", "cid"):
            body = member_id.encode()
            refused = RefusedMessage(origin="queue:orders", body=body, reason="total: bad", named=(member_id,))
            await shop.ledger.set_aside([refused])
        await shop.sell(order("A2", "bob", "25.00"))
        for member_id in ("ann", "bob", "cid"):
            await shop.ledger.change_member(member_id, MemberEvent.ERASE, actor="clerk")
        kept = [await shop.ledger.quarantined(*key_of(each)) for each in await shop.ledger.quarantine()]
        assert [each.raw for each in kept] == [b""] * len(kept)

    @pytest.mark.parametrize("erased", ["ann", "bob", "cid", "dee"])
    async def test_a_message_goes_with_any_member_that_it_names(self, shop: Shop, erased: str) -> None:
        """It names several: known, known later, by another id of theirs, or never; and it is none of theirs."""
        await shop.sell(order("A1", "ann", "25.00"))
        naming = RefusedMessage(origin="queue:q", body=b"all", reason="twice", named=("ann", "bob", "cid", "dee"))
        other = RefusedMessage(origin="queue:q", body=b"others", reason="twice", named=("eve", "dan"))
        await shop.ledger.set_aside([naming, other])
        await shop.sell(order("A2", "bob", "25.00"), order("A3", "cid", "25.00"), order("A4", "fay", "25.00"))
        await shop.awarder.merge("cid", "fay", actor="clerk")
        kept = await shop.ledger.kept("ann")
        assert kept is not None
        assert kept.documents == ()
        await shop.ledger.change_member(erased, MemberEvent.ERASE, actor="clerk")
        kept_raw = [(await shop.ledger.quarantined(*key_of(each))).raw for each in await shop.ledger.quarantine()]
        assert kept_raw == [b"", b"others"]

    async def test_a_message_that_names_hundreds_keeps_no_bytes(self, shop: Shop) -> None:
        """Nobody could be sure that erasing finds it."""
        many = tuple(f"m{number}" for number in range(MOST_NAMED + 1))
        await shop.ledger.set_aside([RefusedMessage(origin="queue:q", body=b"x", reason="twice", named=many)])
        [message] = await shop.ledger.quarantine()
        assert (await shop.ledger.quarantined(*key_of(message))).raw == b""

    async def test_a_conflict_goes_with_a_member_who_is_erased_before_it_is_set_aside(self, shop: Shop) -> None:
        """The conflict was found, the member erased, and then the message came: nothing of it is kept."""
        await shop.sell(order("A1", "ann", "25.00"), order("B1", "bob", "25.00"))
        refused = []
        for order_id, member_id in (("A1", "ann"), ("B1", "bob")):
            other = order(order_id, member_id, "26.00").document(member_id.encode())
            [receipt] = await shop.ledger.accept([other])
            assert receipt.conflict
            message = RefusedMessage(
                origin="queue:orders", body=other.raw, reason="other", named=(member_id,), in_conflict=other
            )
            refused.append(message)
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        await shop.ledger.set_aside(refused)
        kept = [await shop.ledger.quarantined(*key_of(each)) for each in await shop.ledger.quarantine()]
        assert [each.raw for each in kept] == [b"bob"]

    async def test_a_message_that_was_read_before_its_member_was_erased_is_not_taken(self, shop: Shop) -> None:
        """Whoever tries again read it, the member was erased, and then it came to be accepted: it enrols nobody."""
        await shop.sell(order("A1", "ann", "25.00"))
        for member_id in ("ann", "bob"):
            body = member_id.encode()
            refused = RefusedMessage(origin="queue:orders", body=body, reason="late", named=(member_id,))
            await shop.ledger.set_aside([refused])
        read = await shop.ledger.quarantine()
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
        for member_id, message in zip(("ann", "bob"), read, strict=True):
            document = order(f"late {member_id}", member_id, "25.00").document(member_id.encode())
            again = msgspec.structs.replace(document, read_from=(message.source, message.id))
            [receipt] = await shop.ledger.accept([again])
            assert receipt.conflict is (member_id == "ann")
            assert (await shop.ledger.member(member_id) is None) is (member_id == "ann")

    async def test_a_conflict_tells_both_fingerprints(self, shop: Shop) -> None:
        """The kept one is the same each time; the sent one is another for other content; neither is the bare one."""
        await shop.accept(TOO_MUCH)
        others = [order("A1", "ann", "26.00"), order("A1", "ann", "27.00")]
        first, second = await shop.accept(*others)
        assert first.fingerprints is not None
        assert second.fingerprints is not None
        assert first.fingerprints[0] == second.fingerprints[0]
        assert len({first.fingerprints[0], first.fingerprints[1], second.fingerprints[1]}) == 3
        assert others[0].document().fingerprint not in first.fingerprints
        [same] = await shop.accept(TOO_MUCH)
        assert same.fingerprints is None

    async def test_a_repeat_of_what_is_in_quarantine_says_so(self, shop: Shop) -> None:
        """It is not taken again."""
        await shop.sell(IN_YEN)
        [receipt] = await shop.accept(IN_YEN)
        assert (receipt.status, receipt.repeated, receipt.entry) == (Status.QUARANTINED, True, None)
        assert await shop.award() == 0
