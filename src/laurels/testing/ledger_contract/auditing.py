"""The audit log, and what people ask of a ledger."""

import asyncio

import pytest
from msgspec.structs import replace

from laurels.clock import DAY
from laurels.errors import InsufficientPoints, UnknownMember
from laurels.ledger import Act, AuditRow, Recording, recording
from laurels.ledger.audit import audit_hash
from laurels.model import Channel, DocumentKind, EntryKind, MemberEvent, Redemption
from laurels.model.spending import Hold, Transfer
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, adjustment, order, redemption, refund

ACT = Act(sub="niamh", name="Niamh Byrne", roles="support", action="look", member=0, request_id="r-1")


class _Done:
    """What is done inside is a person's, and recorded once."""

    def __init__(self, act: Act) -> None:
        self.doing = Recording(act)

    def __enter__(self) -> Recording:
        self._token = recording.set(self.doing)
        return self.doing

    def __exit__(self, *_: object) -> None:
        recording.reset(self._token)


async def _actions(shop: Shop) -> list[tuple[str, str, str]]:
    return [(row.act.action, row.act.object, row.act.outcome) for row in reversed(await shop.ledger.audit())]


class AuditingTests(LedgerSuite):
    """Rows in the log."""

    async def test_rows_are_chained_in_the_order_of_writing(self, shop: Shop) -> None:
        """Rows are chained in the order of writing."""
        for number in range(3):
            shop.now.at += 1
            await shop.ledger.record(replace(ACT, member=number))
        rows = [*reversed(await shop.ledger.audit())]
        assert [row.position for row in rows] == [1, 2, 3]
        previous = b""
        for row in rows:
            assert row.hash == audit_hash(previous, row.position, row.at, row.act)
            previous = row.hash
        assert [row.act.member for row in rows] == [0, 1, 2]
        assert await shop.findings() == []

    async def test_time_in_the_log_never_goes_back(self, shop: Shop) -> None:
        """Time in the log never goes back."""
        await shop.ledger.record(ACT)
        shop.now.at -= DAY
        await shop.ledger.record(ACT)
        later, earlier = await shop.ledger.audit()
        assert later.at == earlier.at

    async def test_rows_written_at_once_are_all_there(self, shop: Shop) -> None:
        """Rows written at once are all there."""
        await asyncio.gather(*(shop.ledger.record(replace(ACT, member=number)) for number in range(50)))
        rows = await shop.ledger.audit(limit=100)
        assert sorted(row.act.member or 0 for row in rows) == list(range(50))
        assert await shop.findings() == []

    async def test_rows_are_found_by_person_member_action_and_time(self, shop: Shop) -> None:
        """Rows are found by person member action and time."""
        acts = [
            replace(ACT, sub=sub, member=member, action=action)
            for sub in ("niamh", "aoife")
            for member in (0, 1, None)
            for action in ("look", "adjust")
        ]
        began = shop.now.at
        for act in acts:
            shop.now.at += 1
            await shop.ledger.record(act)

        async def found(**asked: object) -> list[Act]:
            rows: list[AuditRow] = await shop.ledger.audit(**asked)  # type: ignore[arg-type]  # as a caller asks
            return [row.act for row in rows]

        newest = acts[::-1]
        assert await found() == newest
        assert await found(sub="aoife") == [act for act in newest if act.sub == "aoife"]
        assert await found(member=1) == [act for act in newest if act.member == 1]
        assert await found(member=1, sub="niamh") == [a for a in newest if (a.member, a.sub) == (1, "niamh")]
        assert await found(action="adjust") == [act for act in newest if act.action == "adjust"]
        assert await found(since=began + 9) == newest[:4]
        assert await found(until=began + 9) == newest[4:]
        for since in (None, *range(began - 1, began + 14)):
            for until in (None, *range(began - 1, began + 14)):
                within = [
                    act
                    for at, act in reversed([*enumerate(acts, began + 1)])
                    if (since is None or at >= since) and (until is None or at < until)
                ]
                assert await found(since=since, until=until) == within
                assert await found(since=since, until=until, member=0) == [act for act in within if act.member == 0]
        assert await found(before=5, limit=2) == [acts[3], acts[2]]

    async def test_people_are_listed_by_their_last_rows(self, shop: Shop) -> None:
        """Each once, in the order of their `sub`, page by page."""
        for n, sub in enumerate(("niamh", "aoife", "niamh", "oisín", "aoife", "Rex")):
            await shop.ledger.record(replace(ACT, sub=sub, roles=f"role{n}"))
        people = await shop.ledger.audit_people()
        assert {row.act.sub: row.act.roles for row in people} == {
            "niamh": "role2",
            "aoife": "role4",
            "oisín": "role3",
            "Rex": "role5",
        }
        assert len(people) == len({row.act.sub for row in people})
        paged: list[AuditRow] = []
        while page := await shop.ledger.audit_people(after=paged[-1].act.sub if paged else "", limit=1):
            paged += page
        assert paged == people

    async def test_a_change_has_its_row_in_its_transaction(self, shop: Shop) -> None:
        """A change has its row in its transaction."""
        with _Done(replace(ACT, action="adjust")) as doing:
            [receipt] = await shop.awarder.settle_all([adjustment("k1", "ann", 5)])
        assert doing.row_is_written
        entry = getattr(receipt, "entry", None)
        assert entry is not None
        assert await _actions(shop) == [("adjust", f"entry {entry.loyalty_id}", "done")]

    async def test_the_same_again_is_recorded_as_repeated(self, shop: Shop) -> None:
        """The same again is recorded as repeated."""
        document = adjustment("k1", "ann", 5)
        await shop.awarder.settle(document)
        with _Done(replace(ACT, action="adjust")):
            await shop.awarder.settle(document)
        assert [outcome for _, _, outcome in await _actions(shop)] == ["repeated"]

    async def test_one_that_is_refused_is_recorded_as_refused(self, shop: Shop) -> None:
        """One that is refused is recorded as refused."""
        await shop.sell(order("A1", "ann", "25.00"))
        with _Done(replace(ACT, action="redeem")), pytest.raises(InsufficientPoints):
            await shop.awarder.settle(redemption("V1", "ann", 50))
        assert [outcome for _, _, outcome in await _actions(shop)] == ["refused"]

    async def test_what_failed_whole_has_no_row_of_its_own(self, shop: Shop) -> None:
        """What failed whole has no row of its own."""
        with _Done(replace(ACT, action="hide")) as doing, pytest.raises(UnknownMember):
            await shop.ledger.change_member("nobody", MemberEvent.HIDE, actor="person:niamh")
        assert not doing.row_is_written
        assert await _actions(shop) == []

    async def test_one_doing_is_one_row_and_others_have_none(self, shop: Shop) -> None:
        """One doing is one row and others have none."""
        await shop.sell(order("A1", "ann", "25.00"))
        with _Done(replace(ACT, action="hide")):
            await shop.ledger.change_member("ann", MemberEvent.HIDE, actor="person:niamh")
            await shop.ledger.change_member("ann", MemberEvent.SHOW, actor="person:niamh")
        await shop.ledger.change_member("ann", MemberEvent.HIDE, actor="till")
        assert await _actions(shop) == [("hide", "", "done")]

    async def test_neighbours_in_one_commit_each_have_their_own(self, shop: Shop) -> None:
        """Neighbours in one commit each have their own."""

        async def adjust(number: int) -> None:
            if number % 2:
                await shop.awarder.settle(adjustment(f"k{number}", f"m{number}", 1))
                return
            with _Done(replace(ACT, action="adjust", request_id=f"r{number}")):
                await shop.awarder.settle(adjustment(f"k{number}", f"m{number}", 1))

        await asyncio.gather(*(adjust(number) for number in range(20)))
        rows = await shop.ledger.audit()
        assert sorted(row.act.request_id for row in rows) == sorted(f"r{number}" for number in range(0, 20, 2))
        assert await shop.findings() == []

    async def test_the_oldest_rows_are_let_go_of_and_the_rest_is_still_chained(self, shop: Shop) -> None:
        """The oldest rows are let go of and the rest is still chained."""
        for number in range(6):
            shop.now.at += DAY
            await shop.ledger.record(replace(ACT, member=number))
        assert await shop.ledger.cut_audit(before=shop.now.at - 2 * DAY, limit=2) == 2
        assert await shop.ledger.cut_audit(before=shop.now.at - 2 * DAY, limit=2) == 1
        assert await shop.ledger.cut_audit(before=shop.now.at - 2 * DAY, limit=2) == 0
        assert [row.act.member for row in await shop.ledger.audit()] == [5, 4, 3]
        assert await shop.findings() == []
        await shop.ledger.record(ACT)
        assert await shop.findings() == []


class CaseworkTests(LedgerSuite):
    """Finding a customer, and what happened to one."""

    async def test_a_customer_is_known_by_its_number(self, shop: Shop) -> None:
        """A customer is known by its number."""
        await shop.ledger.enrol([("ann", "Ann@Example.com")], actor="test")
        await shop.sell(order("A1", "ann", "25.00"))
        found = await shop.ledger.customer(await shop.number("ann"))
        assert found is not None
        assert (found.member_id, found.email, found.totals) == ("ann", "Ann@Example.com", await shop.balance("ann"))
        assert await shop.ledger.customer(4711) is None

    async def test_of_who_was_erased_the_number_stays(self, shop: Shop) -> None:
        """Of who was erased the number stays."""
        await shop.ledger.enrol([("ann", "ann@example.com")], actor="test")
        number = await shop.number("ann")
        await shop.ledger.change_member("ann", MemberEvent.ERASE, actor="test")
        found = await shop.ledger.customer(number)
        assert found is not None
        assert (found.member_id, found.email) == (None, None)
        assert await shop.ledger.numbers_of(member_id="ann", email="ann@example.com") == []

    async def test_customers_are_found_by_id_address_name_and_beginning(self, shop: Shop) -> None:
        """Customers are found by id address name and beginning."""
        await shop.ledger.enrol(
            [("ann", "Ann@Example.com"), ("anna", None), ("Ann", None), ("bob", None)], actor="test"
        )
        ann, anna = await shop.number("ann"), await shop.number("anna")
        known = await shop.ledger.customer(anna)
        assert known is not None
        assert await shop.ledger.numbers_of(member_id="ann") == [ann]
        assert await shop.ledger.numbers_of(email="aNN@example.COM") == [ann]
        assert await shop.ledger.numbers_of(name_number=known.name_number) == [anna]
        assert await shop.ledger.numbers_from("ann", 10) == [ann, anna]
        assert await shop.ledger.numbers_from("ann", 1) == [ann]
        assert await shop.ledger.numbers_from("%", 10) == []

    async def test_documents_are_found_in_every_circle(self, shop: Shop) -> None:
        """Those of the members' own circles last."""
        await shop.sell(order("A1", "ann", "25.00"), order("A1", "bob", "35.00", source="till-7"))
        await shop.awarder.settle(redemption("A1", "ann", 1))
        await shop.awarder.settle(
            Redemption(source="member:7", redemption_id="A1", member_id="ann", points=1).document()
        )
        await shop.sell(order("A1", "bob", "35.00", source="member:12"))
        found = await shop.ledger.documents_called("A1")
        ann, bob = await shop.number("ann"), await shop.number("bob")
        told = [(each.kind.value, each.source, each.member) for each in found]
        assert sorted(told[:3]) == [("order", "shop", ann), ("order", "till-7", bob), ("redemption", "shop", ann)]
        assert sorted(told[3:]) == [("order", "member:12", bob), ("redemption", "member:7", ann)]
        assert await shop.ledger.documents_called("A2") == []

    async def test_no_more_documents_are_found_than_anybody_reads(self, shop: Shop) -> None:
        """Members who number from 1 are many."""
        await shop.accept(*[order("1", f"m{number}", "5.00", source=f"member:{number}") for number in range(30)])
        assert len(await shop.ledger.documents_called("1")) == 20

    async def test_documents_of_every_kind_are_found_by_their_id(self, shop: Shop) -> None:
        """Also where a digest of the id is kept: it is known again, and is no id itself; and before a refund's order
        has come.
        """
        await shop.sell(order("A1", "ann", "500.00"), refund("R1", "ann", "5.00", "A1"), refund("R2", "ann", "5.00"))
        await shop.accept(refund("R3", "ann", "5.00", "A9"), order("A3", "ann", "5.00", currency="USD"))
        await shop.award()
        await shop.awarder.settle(adjustment("J1", "ann", 5))
        await shop.awarder.settle(redemption("S1", "ann", 5))
        await shop.awarder.settle(Hold(source="till-7", hold_id="H1", points=5, minutes=5, member_id="ann").document())
        await shop.ledger.enrol([("bob", None)], actor="test")
        await shop.awarder.settle(
            Transfer(source="shop", transfer_id="T1", to=await shop.number("bob"), points=1, member_id="ann").document()
        )
        ann = await shop.number("ann")
        for id, kind, source in (
            ("A1", "order", "shop"),
            ("R1", "refund", "shop"),
            ("R2", "refund", "shop"),
            ("R3", "refund", "shop"),
            ("A3", "order", "shop"),
            ("J1", "adjustment", "clerk"),
            ("S1", "redemption", "shop"),
            ("H1", "hold", "till-7"),
            ("T1", "transfer", "shop"),
        ):
            [found] = [each for each in await shop.ledger.documents_called(id) if each.kind is not DocumentKind.GIVEN]
            assert (found.kind, found.source, found.id, found.member) == (kind, source, id, ann)
            assert (found.loyalty_id is None) == (id in {"R3", "A3"})

    async def test_a_timeline_has_the_balance_after_each_entry(self, shop: Shop) -> None:
        """A timeline has the balance after each entry."""
        for number, total in enumerate(("100.00", "55.00", "10.00", "20.00")):
            await shop.sell(order(f"A{number}", "ann", total))
        await shop.awarder.settle(redemption("V1", "ann", 7))
        await shop.sell(order("A9", "ann", "30.00"))
        number = await shop.number("ann")
        seen: list[tuple[int, int]] = []
        before: str | None = None
        balance: int | None = None
        while True:
            page = await shop.ledger.timeline(number, kinds=(), before=before, balance=balance, limit=2)
            seen += [(each.entry.points, each.balance_after) for each in page.entries]
            if page.before is None:
                break
            before, balance = page.before, page.balance
        points = [each for each, _ in seen]
        assert points == [3, -7, 2, 1, 6, 10]
        assert [after for _, after in seen] == [sum(points[place:]) for place in range(len(points))]
        spent = await shop.ledger.timeline(number, kinds={EntryKind.REDEEM}, before=None, balance=None, limit=5)
        assert [(each.redemption_id, each.balance_after, each.restored) for each in spent.entries] == [("V1", 12, 0)]
        assert (spent.before, spent.searched_to) == (None, None)

    async def test_a_timeline_has_what_orders_said_as_long_as_that_is_kept(self, shop: Shop) -> None:
        """A timeline has what orders said, as long as that is kept."""
        placed = [order(f"A{at}", "ann", "10.00", channel=each) for at, each in enumerate(Channel)]
        await shop.sell(*placed)
        await shop.awarder.settle(redemption("V1", "ann", 1))
        number = await shop.number("ann")

        async def said() -> list[bytes | None]:
            found = await shop.ledger.timeline(number, kinds=(), before=None, balance=None, limit=10)
            return [each.content for each in found.entries]

        assert await said() == [None, *(each.document().content for each in reversed(placed))]
        await shop.ledger.forget_content(recorded_before=shop.now.at + 1, limit=100)
        assert await said() == [None] * (len(placed) + 1)

    async def test_a_timeline_of_two_that_became_one_adds_up(self, shop: Shop) -> None:
        """A timeline of two that became one adds up."""
        await shop.sell(order("A1", "ann", "100.00"), order("A2", "bob", "40.00"))
        await shop.awarder.merge("bob", "ann", actor="test")
        await shop.sell(order("A3", "ann", "20.00"))
        page = await shop.ledger.timeline(await shop.number("ann"), kinds=(), before=None, balance=None, limit=50)
        points = [each.entry.points for each in page.entries]
        assert [each.balance_after for each in page.entries] == [sum(points[n:]) for n in range(len(points))]
        assert page.entries[0].balance_after == (await shop.balance("ann")).balance
