"""Refunds take back exactly what was earned: in any split, any order, and under the rules of their order."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from laurels.clock import DAY
from laurels.model import Cancellation, DocumentKind, EntryKind, Order, Refund, ReturnLine, Status
from laurels.model.money import format_amount
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.awarding import DOUBLED
from laurels.testing.ledger_contract.base import LedgerSuite, Shop, key_of, order, redemption, refund

LONGEST_WAIT = 30 * DAY


class RefundStep(Struct, frozen=True):
    """Which document comes next, whether the doubled program is in force then, and whether it is awarded at once."""

    document: int
    doubled: bool
    award_limit: int


class RefundPlan(Struct, frozen=True):
    """The parts of a full refund, and how they and their order arrive: document 0 is the order."""

    amounts: list[int]
    steps: list[RefundStep]


@st.composite
def plans(draw: st.DrawFn) -> RefundPlan:
    """Any split of any total, arriving in any order."""
    amounts = draw(st.lists(st.integers(0, 9_999) | st.sampled_from([0, 1, 499, 500, 1000]), min_size=1, max_size=8))
    arrival = draw(st.permutations(range(len(amounts) + 1)))
    return RefundPlan(amounts, [RefundStep(each, draw(st.booleans()), draw(st.integers(0, 4))) for each in arrival])


class RefundsOfOrdersTests(LedgerSuite):
    """A refund that names its order."""

    @given(plan=plans())
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    async def test_any_split_of_a_full_refund_takes_back_what_was_earned(self, shop: Shop, plan: RefundPlan) -> None:
        """In any order, before and after the order itself, across batches, with the program changed midway."""
        key = f"{len(await shop.feed())}"
        documents: list[Order | Refund] = [
            order(f"A{key}", key, format_amount(sum(plan.amounts), "GBP")),
            *(refund(f"R{key}-{n}", key, format_amount(each, "GBP"), f"A{key}") for n, each in enumerate(plan.amounts)),
        ]
        for step in plan.steps:
            await shop.adopt(DOUBLED if step.doubled else DEFAULT_PROGRAM)
            await shop.accept(documents[step.document])
            if step.award_limit:
                await shop.award(step.award_limit)
        await shop.award()
        earn, *reversals = await shop.ledger.order_entries("shop", f"A{key}")
        assert sum(entry.points for entry in reversals) == -earn.points
        assert {entry.program_version for entry in reversals} == {earn.program_version}
        assert (await shop.balance(key)).balance == 0
        assert all(entry.points <= 0 for entry in reversals)

    async def test_small_refunds_add_up(self, shop: Shop) -> None:
        """Two of 5.00 take back what one of 10.00 does."""
        await shop.sell(
            order("A1", "ann", "10.00"), refund("R1", "ann", "5.00", "A1"), refund("R2", "ann", "5.00", "A1")
        )
        assert [entry.points for entry in await shop.ledger.order_entries("shop", "A1")] == [1, 0, -1]

    async def test_a_refund_counts_where_its_order_counts(self, shop: Shop) -> None:
        """In the month of the order, whenever it comes; its own time is kept beside that."""
        bought_at = shop.now.at - 40 * DAY
        await shop.sell(
            order("A1", "ann", "50.00", occurred_at=bought_at),
            refund("R1", "ann", "50.00", "A1", occurred_at=shop.now.at),
        )
        entry = (await shop.ledger.entries("ann"))[0]
        assert (entry.board_at, entry.occurred_at) == (bought_at, shop.now.at)

    async def test_a_refund_is_judged_by_its_orders_program(self, shop: Shop) -> None:
        """Whatever is in force when it comes."""
        await shop.sell(order("A1", "ann", "50.00"))
        await shop.adopt(DOUBLED)
        await shop.sell(
            order("A2", "ann", "50.00"), refund("R1", "ann", "50.00", "A1"), refund("R2", "ann", "10.00", "A2")
        )
        newest, older, *_ = await shop.ledger.entries("ann")
        assert (older.points, older.program_version) == (-5, 1)
        assert (newest.points, newest.program_version) == (-2, 2)

    @pytest.mark.parametrize("turn", ["before", "with", "after"])
    async def test_an_order_of_a_total_alone_is_one_line_whenever_its_refund_comes(self, shop: Shop, turn: str) -> None:
        """Before its order, in one batch with it, and later: the same part comes back."""
        sold, back = order("A1", "ann", "50.00"), refund("R1", "ann", "0.00", "A1", lines=(ReturnLine(1, 20_00),))
        turns: dict[str, list[list[Order | Refund]]] = {"before": [[back], [sold]], "with": [[sold, back]]}
        for batch in turns.get(turn, [[sold], [back]]):
            await shop.sell(*batch)
        assert [entry.points for entry in await shop.ledger.order_entries("shop", "A1")] == [5, -2]
        assert (await shop.state(back)).status is Status.AWARDED
        assert await shop.findings() == []

    async def test_a_refund_before_its_order_waits_for_it(self, shop: Shop) -> None:
        """It is answered, takes nothing while it waits, and then what it is due."""
        early = refund("R1", "ann", "10.00", "A1")
        await shop.sell(early)
        assert (await shop.state(early)).status is Status.WAITING
        assert await shop.ledger.inbox_depth() == 0
        assert await shop.award() == 0
        [receipt] = await shop.accept(early)
        assert (receipt.status, receipt.repeated) == (Status.WAITING, True)
        await shop.sell(order("A1", "ann", "25.00"))
        state = await shop.state(early)
        assert state.status is Status.AWARDED
        assert state.entry is not None
        assert (state.entry.points, state.member_id) == (-1, "ann")
        assert (await shop.balance("ann")).balance == 2

    async def test_those_that_wait_are_released_in_order_of_acceptance(self, shop: Shop, rng: Random) -> None:
        """Some from the same batch as the order, some from long before."""
        early = [refund(f"R{n}", "ann", "3.00", "A1") for n in range(8)]
        for each in early:
            await shop.accept(each)
            if rng.random() < 0.5:
                await shop.award()
        await shop.accept(order("A1", "ann", "100.00"))
        await shop.award()
        entries = await shop.ledger.order_entries("shop", "A1")
        assert [entry.refund_id for entry in entries] == [None, *(each.refund_id for each in early)]

    async def test_a_refund_waits_for_its_own_order_alone(self, shop: Shop) -> None:
        """Not for the same id of another source."""
        early = refund("R1", "ann", "10.00", "A1", source="till")
        await shop.sell(early, order("A1", "ann", "25.00"))
        assert (await shop.state(early)).status is Status.WAITING
        assert (await shop.balance("ann")).balance == 3

    async def test_a_refund_waits_for_thirty_days(self, shop: Shop) -> None:
        """Then it is set aside with its bytes; other work goes on."""
        early = refund("R1", "ann", "10.00", "A1").document(raw=b"as received")
        await shop.sell(early)
        shop.now.at += LONGEST_WAIT
        assert await shop.award() == 0
        assert (await shop.state(early)).status is Status.WAITING
        shop.now.at += 1
        await shop.accept(order("A2", "bob", "25.00"))
        await shop.award()
        [quarantined] = await shop.ledger.quarantine()
        assert quarantined.id == "R1"
        assert (await shop.ledger.quarantined(*key_of(quarantined))).raw == b"as received"
        assert "30 days" in quarantined.reason
        assert "A1" in quarantined.reason
        assert (await shop.balance("bob")).balance == 3
        await shop.sell(order("A1", "ann", "25.00"))
        assert (await shop.balance("ann")).balance == 3

    async def test_thirty_days_are_the_clocks(self, shop: Shop) -> None:
        """Also where the feed's time is ahead, since the clock once was."""
        shop.now.at += 400 * DAY
        await shop.sell(order("A2", "ann", "25.00"))
        shop.now.at -= 400 * DAY
        early = refund("R1", "ann", "10.00", "A1")
        await shop.sell(early)
        shop.now.at += LONGEST_WAIT
        await shop.award()
        assert (await shop.state(early)).status is Status.WAITING
        shop.now.at += 1
        await shop.award()
        [quarantined] = await shop.ledger.quarantine()
        assert (quarantined.id, quarantined.quarantined_at) == ("R1", shop.now.at)

    async def test_an_order_that_comes_at_the_last_moment_is_in_time(self, shop: Shop) -> None:
        """In one batch with the end of the wait."""
        early = refund("R1", "ann", "10.00", "A1")
        await shop.sell(early)
        shop.now.at += LONGEST_WAIT + 1
        await shop.sell(order("A1", "ann", "25.00"))
        assert (await shop.state(early)).status is Status.AWARDED
        assert await shop.ledger.quarantine() == []

    @pytest.mark.parametrize("first", ["60.00", "100.00", "0.00"])
    async def test_more_than_is_left_takes_back_what_is_left(self, shop: Shop, first: str) -> None:
        """The rest is an entry of 0 points that says so."""
        await shop.sell(
            order("A1", "ann", "100.00"), refund("R1", "ann", first, "A1"), refund("R2", "ann", "150.00", "A1")
        )
        entries = await shop.ledger.order_entries("shop", "A1")
        assert sum(entry.points for entry in entries) == 0
        assert (entries[-1].points, entries[-1].refund_id) == (0, "R2")
        assert "beyond" in await shop.explained(entries[-1])
        assert sum(entry.amount or 0 for entry in entries if entry.refund_id == "R2") == 15_000
        await shop.sell(refund("R3", "ann", "1.00", "A1"))
        assert (await shop.balance("ann")).balance == 0

    @pytest.mark.parametrize("refund_first", [False, True])
    @pytest.mark.parametrize(
        "wrong",
        [refund("R1", "bob", "10.00", "A1"), refund("R1", "ann", "10.00", "A1", currency="EUR")],
        ids=["member", "currency"],
    )
    async def test_a_refund_that_does_not_fit_is_set_aside(
        self, shop: Shop, wrong: Refund, *, refund_first: bool
    ) -> None:
        """Another member's, or in another currency: it takes back nothing."""
        await shop.ledger.enrol([("bob", None)], actor="clerk")
        bought = order("A1", "ann", "25.00")
        await shop.sell(*((wrong, bought) if refund_first else (bought, wrong)))
        if not await shop.ledger.quarantine():  # the order came later, and is another shard's
            shop.now.at += LONGEST_WAIT + 1
            await shop.award()
        [quarantined] = await shop.ledger.quarantine()
        assert quarantined.id == "R1"
        assert "A1" in quarantined.reason
        assert "within 30 days" not in quarantined.reason
        assert (await shop.balance("ann")).balance == 3
        assert (await shop.balance("bob")).balance == 0
        await shop.sell(refund("R2", "ann", "25.00", "A1"))
        assert (await shop.balance("ann")).balance == 0

    async def test_a_batch_may_hold_an_order_and_its_refunds_in_any_order(self, shop: Shop) -> None:
        """Each sequence of four in one batch of its own."""
        for n, sequence in enumerate(permutations(range(4))):
            documents: list[Order | Refund] = [
                order(f"A{n}", "ann", "25.00"),
                refund(f"R{n}-1", "ann", "5.00", f"A{n}"),
                refund(f"R{n}-2", "ann", "15.00", f"A{n}"),
                refund(f"R{n}-3", "ann", "5.00", f"A{n}"),
            ]
            await shop.accept(*(documents[each] for each in sequence))
            await shop.award()
        assert (await shop.balance("ann")).balance == 0
        assert len(await shop.ledger.entries("ann", limit=200)) == 24 * 4

    async def test_a_refund_may_take_the_totals_below_zero(self, shop: Shop) -> None:
        """What was spent is not there any more."""
        await shop.sell(order("A1", "ann", "100.00"))
        await shop.awarder.settle(redemption("S1", "ann", 10))
        await shop.sell(refund("R1", "ann", "100.00", "A1"))
        totals = await shop.balance("ann")
        assert (totals.balance, totals.earned, totals.score) == (-10, 0, 0)


class RefundsWithoutOrderTests(LedgerSuite):
    """A refund that names no order takes back the points of its amount."""

    async def test_it_takes_back_the_points_of_its_amount(self, shop: Shop) -> None:
        """Under the program in force, below zero where it must, and enrolling its member."""
        await shop.sell(refund("R1", "ann", "25.00"))
        [entry] = await shop.ledger.entries("ann")
        assert (entry.kind, entry.points, entry.order_id, entry.refund_id) == (EntryKind.REVERSE, -3, None, "R1")
        assert (await shop.balance("ann")).score == -3

    async def test_it_waits_for_nothing(self, shop: Shop) -> None:
        """And leaves every order's own refunds as they are."""
        await shop.sell(order("A1", "ann", "25.00"), refund("R1", "ann", "25.00"), refund("R2", "ann", "25.00", "A1"))
        assert (await shop.balance("ann")).balance == -3


class CancellationsTests(LedgerSuite):
    """A cancellation of a refund belongs to whom its refund belongs, whoever it names itself."""

    async def test_it_becomes_whose_its_refund_becomes(self, shop: Shop) -> None:
        """Also where both came before that one was known, and it names somebody else, of whatever shard."""
        given = [f"m{n}" for n in range(12)]
        for n, named in enumerate(given):
            cancelled = Cancellation(source="shop", refund_id=f"R{n}", order_id="later", member_id=named)
            await shop.accept(refund(f"R{n}", "eve", "5.00", "later"))
            await shop.accept(cancelled.document())
        await shop.ledger.enrol([(named, None) for named in given], actor="clerk")
        await shop.ledger.enrol([("eve", None)], actor="clerk")
        for n in range(len(given)):
            state = await shop.ledger.document(DocumentKind.CANCELLATION, "shop", f"R{n}")
            assert state is not None
            assert state.member_id == "eve"
        await shop.award()
        assert {entry.member_id for entry in await shop.feed() if entry.kind is EntryKind.REVERSE} <= {"eve"}
