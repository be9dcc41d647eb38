"""Roll-ups: sums by day that follow the feed exactly, whoever else does too, and that may be made anew."""

from collections import Counter
from random import Random
from zoneinfo import ZoneInfo

from laurels.awarding import journal
from laurels.clock import DAY, HOUR
from laurels.ledger.rollups import (
    PER_ALL,
    PER_MONTH,
    Basis,
    Cell,
    DuePoints,
    Grouping,
    RolledMember,
    RolledUp,
    Sums,
)
from laurels.model import Amendment, Cancellation, Document, Entry, EntryKind, Mark, Order, Refund
from laurels.model.details import Details
from laurels.model.spending import Transfer
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import GAVE, ORDERED, RollingUp, movement, roll_up_findings
from laurels.testing.ledger_contract.base import (
    LedgerSuite,
    OpenLedger,
    Shop,
    adjustment,
    opened_again,
    order,
    redemption,
    refund,
)

LONDON = ZoneInfo("Europe/London")
EVER = 99_991_231
CAMPAIGNS = (
    DEFAULT_PROGRAM.replace("version = 1", "version = 2")
    + '[[campaigns]]\nname = "double"\nmultiply = "2"\n'
    + '[[campaigns]]\nname = "spend 100"\nspend_min = { GBP = "100.00", EUR = "100.00" }\npoints = 50\n'
)


def _cell(day: int, kind: str, part: str = "", market: str = "GBP", basis: Basis = Basis.RECORDED) -> Cell:
    return Cell(basis, day, kind, part, "shop" if kind in {"earn", "reverse"} else "", market)


class RollUpsTests(LedgerSuite):
    """Sums by day."""

    async def test_roll_ups_add_up_what_the_entries_say(self, shop: Shop) -> None:
        """By both days, and the market of a correction is that of the customer's last order."""
        yesterday = shop.now.at - DAY
        await shop.sell(
            order("A1", "ann", "250.00", occurred_at=yesterday), order("A2", "bob", "40.00", currency="EUR")
        )
        await shop.sell(refund("R1", "ann", "50.00", "A1"), adjustment("J1", "bob", 3), redemption("V1", "ann", 5))
        rolling = RollingUp(shop.ledger, LONDON)
        await rolling.reach()
        _, cells = await shop.ledger.all_cells()
        assert cells[_cell(20261101, "earn", "base")] == Sums(25, 1, 25_000)
        assert cells[_cell(20261031, "earn", "base", basis=Basis.OCCURRED)] == Sums(25, 1, 25_000)
        assert cells[_cell(20261101, "reverse", "base")] == Sums(-5, 1, 5_000)
        assert cells[Cell(Basis.OCCURRED, 20261031, ORDERED, "", "", "GBP")] == Sums(20, 1, 20_000)
        assert cells[_cell(20261101, "adjust", market="EUR")] == Sums(3, 1, 0)
        assert cells[_cell(20261101, "active-month", market="GBP")] == Sums(0, 1, 0)
        assert cells[_cell(20261101, "enrol", market="")] == Sums(0, 2, 0)
        assert await rolling.step() is False
        assert [finding async for finding in roll_up_findings(shop.ledger, LONDON)] == []

    async def test_an_order_counts_once_for_each_campaign_that_gave_it_points(self, shop: Shop) -> None:
        """A multiplier and a bonus beside base, which is another cell; one that gave nothing has none. What comes back
        takes no order away; a sum over parts has each order once.
        """
        await shop.adopt(CAMPAIGNS)
        await shop.sell(order("A1", "ann", "250.00"), order("A2", "ann", "60.00"), order("A3", "bob", "1.00"))
        await shop.sell(refund("R1", "ann", "250.00", "A1"))
        await RollingUp(shop.ledger, LONDON).reach()
        _, cells = await shop.ledger.all_cells()
        gave = {cell.part: sums for cell, sums in cells.items() if cell.kind == GAVE}
        assert gave == {"double": Sums(0, 2), "spend 100": Sums(0, 1)}
        assert {cell.basis for cell in cells if cell.kind == GAVE} == {Basis.RECORDED}
        ever = await shop.ledger.sums(Basis.RECORDED, 0, EVER, Grouping(per=PER_ALL))
        assert [sums.entries for cell, sums in ever if cell.kind == "earn"] == [3]

    async def test_an_order_counts_by_what_it_earned_last_however_it_lives(self, shop: Shop, rng: Random) -> None:
        """Orders, changes, refunds, their cancellations and mergers in any order, under two versions; counted in small
        steps, each campaign has the orders whose last earning names it.
        """
        await shop.adopt(CAMPAIGNS)
        await shop.ledger.enrol([(f"m{n}", None) for n in range(3)], actor="clerk")
        rolling = RollingUp(shop.ledger, LONDON)
        for step in range(60):
            shop.now.at += rng.randrange(1, 20 * HOUR)
            await shop.sell(_event(rng, step))
            if step == 25:
                await shop.adopt(CAMPAIGNS.replace("version = 2", "version = 3").replace('"double"', '"twice"'))
            if step == 40:
                await shop.awarder.merge("m0", "m1", actor="clerk")
            if rng.random() < 0.3:
                await rolling.step(at_once=rng.randrange(1, 4))
        await rolling.reach()
        last: dict[tuple[str | None, str | None], Entry] = {}
        for entry in sorted(await shop.feed(), key=lambda each: each.recorded_at):
            if entry.kind is EntryKind.EARN and entry.order_id is not None:
                last[entry.source, entry.order_id] = entry
        expected: Counter[tuple[str, str | None, str | None]] = Counter()
        for entry in last.values():
            named = {name for name, points in Details.decode(entry.details).parts if points} - {"base", "cap"}
            expected.update((name, entry.source, entry.currency) for name in named)
        _, cells = await shop.ledger.all_cells()
        gave: Counter[tuple[str, str | None, str | None]] = Counter()
        for cell, sums in cells.items():
            if cell.kind == GAVE:
                gave[cell.part, cell.source, cell.market] += sums.entries
        assert {name: orders for name, orders in gave.items() if orders} == expected
        assert [finding async for finding in roll_up_findings(shop.ledger, LONDON)] == []

    async def test_a_statement_adds_up_and_periods_tile(self, shop: Shop, rng: Random) -> None:
        """Opening and movements are the closing, which is the next one's opening, and in the end all balances."""
        await live(shop, rng, 30)
        await RollingUp(shop.ledger, LONDON).reach()
        for basis in Basis:
            opening: dict[str, int] = {}
            for since, until in ((20261001, 20261103), (20261103, 20261110), (20261110, EVER)):
                found = await movement(shop.ledger, basis, since, until, Grouping(per=PER_ALL, part=True))
                assert _nonzero(found.opening) == opening
                closing = dict(found.opening)
                for line in found.lines:
                    closing[line.market] = closing.get(line.market, 0) + line.points
                assert _nonzero(closing) == _nonzero(found.closing)
                opening = _nonzero(found.closing)
            balances = [await shop.balance(f"m{n}") for n in range(5)]
            assert sum(opening.values()) == sum(balance.balance for balance in balances)

    async def test_points_that_are_moved_stay_in_their_currency(self, shop: Shop, rng: Random) -> None:
        """By a merger or a transfer, where the other has none of its own, however often and whatever comes after; the
        statement and the journal say the same as a count beside them.
        """
        names = [f"m{n}" for n in range(8)]
        await shop.ledger.enrol([(name, None) for name in names], actor="clerk")
        market, had, owed = dict.fromkeys(names, ""), dict.fromkeys(names, 0), Counter[str]()
        for step in range(60):
            shop.now.at += rng.randrange(1, HOUR)
            who, points = rng.choice(names), rng.randrange(1, 30)
            match rng.randrange(7) if step < 40 else rng.randrange(9):
                case 0:
                    market[who] = rng.choice(["EUR", "GBP", "GBP"])
                    await shop.sell(order(f"o{step}", who, f"{points}0.00", currency=market[who]))
                    had[who], owed[market[who]] = had[who] + points, owed[market[who]] + points
                case 1 | 2 | 3:
                    await shop.awarder.settle(adjustment(f"j{step}", who, points))
                    had[who], owed[market[who]] = had[who] + points, owed[market[who]] + points
                case 4 | 5 | 6:
                    into, points = rng.choice(names), min(points, had[who])
                    if into != who and points:
                        await _transfer(shop, f"t{step}", who, into, points)
                        owed[market[who]] -= points
                        market[into] = market[into] or market[who]
                        had[who], had[into] = had[who] - points, had[into] + points
                        owed[market[into]] += points
                case _ if len(names) > 1:
                    names.remove(who)
                    into = rng.choice(names)
                    await shop.awarder.merge(who, into, actor="clerk")
                    owed[market[who]] -= had[who]
                    market[into] = market[into] or market[who]
                    had[into], owed[market[into]] = had[into] + had[who], owed[market[into]] + had[who]
                case _:
                    break
        await RollingUp(shop.ledger, LONDON).reach()
        expected = _nonzero(dict(owed))
        for basis in Basis:
            found = await movement(shop.ledger, basis, 0, EVER, Grouping(per=PER_ALL))
            assert _nonzero(found.closing) == expected
        assert (await journal(shop.ledger, shop.programs, None, None)).outstanding == expected
        assert [finding async for finding in roll_up_findings(shop.ledger, LONDON)] == []

    async def test_who_dies_between_any_two_steps_leaves_them_exact(
        self, shop: Shop, open_ledger: OpenLedger, rng: Random
    ) -> None:
        """Another process goes on where the last commit was; made at once or in small steps they are the same."""
        await live(shop, rng, 20)
        async with opened_again(open_ledger, shop) as other:
            turn = 0
            while await RollingUp((shop, other)[turn % 2].ledger, LONDON).step(at_once=3) is not False:
                turn += 1
        _, in_steps = await shop.ledger.all_cells()
        await shop.ledger.begin_roll_ups("")
        assert (await shop.ledger.all_cells())[1] == {}
        await RollingUp(shop.ledger, LONDON).reach()
        assert (await shop.ledger.all_cells())[1] == in_steps
        assert [finding async for finding in roll_up_findings(shop.ledger, LONDON)] == []

    async def test_a_step_says_whether_it_left_something(self, shop: Shop) -> None:
        """So that who counts knows whether to go on at once, or to let more come together."""
        await shop.sell(*(adjustment(f"J{n}", "ann", 1) for n in range(6)))  # seven entries, with the enrolment
        rolling = RollingUp(shop.ledger, LONDON)
        steps = []
        while await rolling.step(at_once=3):
            steps.append(rolling.has_more)
        assert steps == [True, True, False]
        assert not rolling.has_more

    async def test_only_what_goes_on_at_their_end_is_added(self, shop: Shop) -> None:
        """Of two that counted the same entries, one adds them; who counts by other rules adds nothing."""
        await shop.sell(order("A1", "ann", "250.00"))
        await shop.ledger.begin_roll_ups("one")
        shard, head = next((s, m) for s, m in (await shop.ledger.heads()).marks.items() if m.position)
        rolled = RolledUp({_cell(20261101, "earn"): Sums(25, 1, 25_000)}, {0: RolledMember("GBP", "", 20261101)})
        assert not await shop.ledger.roll_up("two", shard, (Mark(), head), rolled)
        assert await shop.ledger.roll_up("one", shard, (Mark(), head), rolled)
        assert not await shop.ledger.roll_up("one", shard, (Mark(), head), rolled)
        state, cells = await shop.ledger.all_cells()
        assert (state.scheme, state.marks[shard], dict(cells)) == ("one", head, rolled.cells)
        assert await shop.ledger.rolled_members([0, 1]) == rolled.members

    async def test_a_cell_that_was_changed_is_found(self, shop: Shop) -> None:
        """Each by its name."""
        await shop.sell(order("A1", "ann", "250.00"))
        await RollingUp(shop.ledger, LONDON).reach()
        state, _ = await shop.ledger.all_cells()
        shard, head = next((s, m) for s, m in state.marks.items() if m.position)
        more = RolledUp({_cell(20261101, "earn", "base"): Sums(1, 0, 0)})
        assert await shop.ledger.roll_up(state.scheme, shard, (head, head), more)
        [finding] = [each async for each in roll_up_findings(shop.ledger, LONDON)]
        assert finding.where == "roll-up recorded 20261101 earn base shop GBP"
        assert "kept as 26 points" in finding.what
        assert "sum to 25 points" in finding.what

    async def test_sums_are_put_together_by_period(self, shop: Shop) -> None:
        """Days, months, all; parts and sources apart only where asked."""
        await shop.sell(order("A1", "ann", "250.00"))
        shop.now.at += DAY
        await shop.sell(order("A2", "ann", "250.00", source="till"))
        await RollingUp(shop.ledger, LONDON).reach()

        async def earned(grouping: Grouping) -> list[tuple[int, str, str, int]]:
            rows = await shop.ledger.sums(Basis.RECORDED, 20261101, 20261201, grouping)
            return [(cell.day, cell.part, cell.source, sums.points) for cell, sums in rows if cell.kind == "earn"]

        assert await earned(Grouping()) == [(20261101, "", "", 25), (20261102, "", "", 25)]
        assert await earned(Grouping(per=PER_MONTH)) == [(202611, "", "", 50)]
        by_source = await earned(Grouping(per=PER_MONTH, source=True, part=True))
        assert by_source == [(202611, "base", "shop", 25), (202611, "base", "till", 25)]
        assert await earned(Grouping(per=PER_ALL)) == [(0, "", "", 50)]

    async def test_what_falls_due_is_replaced_as_a_whole(self, shop: Shop) -> None:
        """And says as of when."""
        assert await shop.ledger.due(0, EVER) == (0, [])
        await shop.ledger.write_due(7, [DuePoints("lapse", 20261201, 5, 1), DuePoints("pending", 20261102, 9, 2)])
        await shop.ledger.write_due(8, [DuePoints("lapse", 20261202, 6, 1), DuePoints("lapse", 20270101, 1, 1)])
        assert await shop.ledger.due(20261201, 20270101) == (8, [DuePoints("lapse", 20261202, 6, 1)])


def _event(rng: Random, step: int) -> Order | Refund | Document:
    """An order, a change of one, a refund of some of it or of all, or the cancellation of one that may have been."""
    n = rng.randrange(5)
    source, currency = ("shop", "till")[n % 2], "EUR" if n == 4 else "GBP"
    total = f"{rng.choice([0, 1, 30, 99, 100, 250])}.00"
    bought = order(f"o{n}", f"m{n % 3}", total, currency=currency, source=source)
    match rng.randrange(8):
        case 0 | 1:
            return bought
        case 2 | 3:
            return Amendment(revision=step + 1, order=bought).document()
        case 4:
            return Cancellation(source=source, refund_id=f"r{rng.randrange(step + 1)}", order_id=f"o{n}").document()
        case _:
            back = f"{rng.choice([1, 50, 151, 250])}.00"
            return refund(f"r{step}", f"m{n % 3}", back, f"o{n}", currency=currency, source=source)


async def _transfer(shop: Shop, id: str, who: str, into: str, points: int) -> None:
    to = await shop.ledger.member(into)
    assert to is not None
    given = Transfer(source="shop", transfer_id=id, to=to.number, points=points, member_id=who)
    await shop.awarder.settle(given.document())
    await shop.award()


def _nonzero(points: dict[str, int]) -> dict[str, int]:
    return {market: each for market, each in points.items() if each}


async def live(shop: Shop, rng: Random, steps: int) -> None:
    """A random history of some weeks over five members."""
    for n in range(5):
        await shop.sell(order(f"first-{n}", f"m{n}", "120.00", currency="EUR" if n == 4 else "GBP"))
    for step in range(steps):
        shop.now.at += rng.randrange(30 * HOUR)
        who = rng.randrange(5)
        member_id, currency = f"m{who}", "EUR" if who == 4 else "GBP"
        late = shop.now.at - rng.randrange(4 * DAY)
        match rng.randrange(4):
            case 0:
                either, source = rng.choice(["EUR", "GBP"]), rng.choice(["shop", "till"])
                more = {"currency": either, "occurred_at": late, "source": source}
                await shop.sell(order(f"o{step}", member_id, f"{rng.randrange(900)}.{rng.randrange(100):02}", **more))
            case 1:
                await shop.sell(
                    refund(f"r{step}", member_id, f"{rng.randrange(1, 60)}.00", f"first-{who}", currency=currency)
                )
            case 2:
                await shop.sell(adjustment(f"j{step}", member_id, rng.choice([-3, 8])))
            case _:
                await shop.sell(redemption(f"v{step}", member_id, rng.randrange(1, 4)))
