"""Frames beside the rule of the total: the same points and reasons, byte for byte; and nothing an order may say makes a
judgement fail but by refusing it.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.clock import DAY
from laurels.errors import PointsOutOfRange, Refused
from laurels.program import (
    GRAIN,
    NEW,
    NOTHING,
    Basket,
    BasketLine,
    Details,
    EarningRule,
    Frame,
    Payment,
    Program,
    ProgramState,
    Refunded,
    Return,
    ReturnLine,
    cancel,
    earn,
    evaluate,
    frame_of,
    parse_program,
    redeem,
    reverse,
    reverse_unlinked,
    unwind,
    unwind_unlinked,
    word_earn,
    worth,
)
from laurels.program.local_time import NEVER
from laurels.program.state import Lot

NOW = 1_764_590_400_000_000
MILLION = 1_000_000


def program(points: int = 1, per: int = 1000, rounding: str = "half-up") -> Program:
    rule = EarningRule(points=points, per={"GBP": per}, rounding=rounding)
    return Program(version=7, name="", time_zone="UTC", earn=rule, milestones=(), text="")


programs = st.builds(program, st.integers(1, 1000), st.integers(1, 10**6), st.sampled_from(["half-up", "floor"]))
amounts = st.integers(0, 10**8) | st.integers(0, 5000)
members = st.builds(
    lambda points, orders: ProgramState(lots=(Lot(2**62, 2**62, points),), orders=orders, last_active=NOW - 5),
    st.integers(1, 1000),
    st.integers(0, 9),
)


def order(total: int, **more: Any) -> Basket:
    return Basket(order="a", currency="GBP", total=total, occurred_at=NOW, **more)


@settings(max_examples=2000)
@given(rules=programs, total=amounts, member=members)
def test_an_order_earns_what_its_total_does_with_the_same_reason(
    rules: Program, total: int, member: ProgramState
) -> None:
    try:
        got = evaluate(rules, order(total), member, now=NOW)
    except PointsOutOfRange:
        assert earn(rules, total, "GBP").points > 2**31 - 1
        return
    was = earn(rules, total, "GBP")
    assert (got.points, got.reason) == (was.points, was.reason)
    assert got.details.encode() is None
    assert worth(rules, frame_of(rules, order(total), member), NOTHING).grains == got.parts[0][1]
    assert got.member_after.active == member.active + was.points
    assert ProgramState.decode(got.member_after.encode()) == got.member_after


@settings(max_examples=1000)
@given(rules=programs, total=amounts, refunds=st.lists(amounts, max_size=6))
def test_a_refund_takes_what_the_rule_of_the_total_takes_with_the_same_reason(
    rules: Program, total: int, refunds: list[int]
) -> None:
    if earn(rules, total, "GBP").points > 2**31 - 1:
        return
    frame, refunded, left = frame_of(rules, order(total), NEW), NOTHING, total
    member = evaluate(rules, order(total), NEW, now=NOW).member_after
    for amount in refunds:
        got = unwind(rules, frame, refunded, Return(amount), member, order="a", now=NOW)
        parts = reverse(rules, left, amount, "GBP")
        assert got.points == sum(part.points for part in parts)
        assert (got.covered, got.beyond) == (sum(part.covered for part in parts), amount - got.covered)
        reasons = [got.reason] if got.covered or not amount else []
        assert [*reasons, *([got.beyond_reason] if got.beyond else [])] == [part.reason for part in parts]
        refunded, member, left = got.refunded_after, got.member_after, left - got.covered
    assert refunded.left(frame) == left


@given(rules=programs, amount=st.integers(0, 10**6))
def test_a_refund_without_an_order_takes_what_its_amount_earns(rules: Program, amount: int) -> None:
    got, was = unwind_unlinked(rules, order(amount), NEW, now=NOW), reverse_unlinked(rules, amount, "GBP")
    assert (got.points, got.reason) == (was.points, was.reason)
    assert got.member_after.active == -was.points


DEEP = parse_program(
    """
version = 3
basis = { exclude = [ { name = "tobacco", category = ["tobacco"] } ], exclude_payments = ["points"] }
rounding = { to = "carry" }
rates = [
  { name = "litres", match = { category = ["fuel"] }, points = 1, per_quantity = "2" },
  { name = "all", points = 3, per = { GBP = "7.00" } },
]
groups = [ { name = "g", scope = "order", caps = { day = 50 } }, { name = "l", scope = "line" } ]
campaigns = [
  { name = "a", multiply = "2", group = "g" },
  { name = "b", points = 20, spend_min = { GBP = "20.00" }, group = "g" },
  { name = "c", multiply = "1.125", group = "l", match = { brand = ["own"] } },
  { name = "d", per_unit = 2, units_min = 2, order_cap = 30, match = { tag = ["x"] } },
]
caps = { order = 100000, day = 300000 }
expiry = { kind = "after-months", months = 1 }
tiers = { levels = [ { name = "blue", reach = 0 }, { name = "gold", reach = 10, multiply = "1.5" } ] }
"""
)
FLOORED = parse_program(DEEP.text.replace('"carry"', '"floor", at = "line"').replace("version = 3", "version = 4"))
WAITING = parse_program(DEEP.text.replace("version = 3", "version = 6") + "[pending]\ndays = 14\n")
MATCHES = ("{}", '{ brand = ["own"] }', '{ category = ["home"] }', '{ not_tag = ["x"] }')
LIMITS = ("", ", caps = { month = 40 }", "", ", budget = 90", ", caps = { day = 5, ever = 30 }")
CROWDED = parse_program(
    'version = 5\nearn = { points = 3, per = { GBP = "7.00" } }\ncampaigns = [\n'
    + "".join(
        f'{{ name = "c{n}", match = {MATCHES[n % 4]}, multiply = "{("1.5", "2", "1")[n % 3]}"{LIMITS[n % 5]} }},\n'
        for n in range(23)
    )
    + "]\n"
    + DEEP.text.split("\ncaps")[1].partition("\n")[2]
)
"""Many campaigns that multiply the same lines by the same, some of them with limits."""

lines = st.builds(
    BasketLine,
    sku=st.sampled_from(["a", "b", None]),
    quantity=st.integers(0, 3 * MILLION) | st.sampled_from([MILLION, 10**18]),
    unit_price=st.integers(-MILLION, 30 * MILLION) | st.sampled_from([10**15]),
    category=st.sampled_from(["tobacco", "fuel/diesel", "home", None]),
    brand=st.sampled_from(["own", None]),
    tags=st.sampled_from([(), ("x",), ("x", "y")]),
    discount=st.integers(0, MILLION),
)


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    some = tuple(draw(st.lists(lines, max_size=6)))
    exact = 0
    for line in some:
        gross = line.quantity * line.unit_price
        exact += gross if gross < 0 else max(0, gross - line.discount * MILLION)
    total = max(0, (2 * exact + 10**10) // (2 * 10**10)) if some else draw(amounts)
    points = draw(st.integers(0, total))
    payments = draw(st.sampled_from([(), (Payment("points", points), Payment("card", total - points))]))
    return order(total, lines=some, payments=payments)


@settings(max_examples=600, deadline=None)
@given(
    rules=st.sampled_from([CROWDED, DEEP, FLOORED]),
    first=baskets(),
    second=baskets(),
    budget=st.none() | st.integers(0, 100),
)
def test_an_order_is_worth_when_it_is_awarded_what_its_frame_says_later(
    rules: Program, first: Basket, second: Basket, budget: int | None
) -> None:
    """Judging puts a frame's bytes together as it goes; whoever reads them has the same frame, and the same f."""
    member, budgets = NEW, {} if budget is None else {"c3": budget * GRAIN}
    for basket in (first, second):
        try:
            got = evaluate(rules, basket, member, now=NOW, budgets=budgets)
        except (Refused, PointsOutOfRange):
            return
        frame = got.frame
        assert frame is not None
        assert frame.encode() == got.encoded
        assert worth(rules, frame, NOTHING).parts == list(got.parts)
        assert frame_of(rules, basket, member, budgets=budgets) == frame
        unit = 1 if rules.plan.carries else GRAIN
        limited = zip(frame.bonuses, got.parts[1:], strict=False)  # the last may be `cap`
        bound = {name: room // unit for bonus, (name, grains) in limited if grains == (room := bonus.room)}
        assert dict(got.details.bound) == bound
        member = got.member_after


returns = st.builds(
    Return,
    st.none() | st.integers(0, 5000),
    st.lists(
        st.builds(ReturnLine, st.integers(1, 7), st.none() | st.integers(0, 3000), st.integers(0, 3 * MILLION)),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=600, deadline=None)
@given(rules=st.sampled_from([DEEP, FLOORED, WAITING]), basket=baskets(), asked=st.lists(returns, max_size=4))
def test_whatever_an_order_and_its_refunds_say_they_are_judged_or_refused(
    rules: Program, basket: Basket, asked: list[Return]
) -> None:
    """A judgement never fails but by a refusal; it telescopes; and the same gives the same bytes."""
    try:
        got = evaluate(rules, basket, NEW, now=NOW)
    except (Refused, PointsOutOfRange):
        return
    frame = got.frame
    assert frame is not None
    assert sum(frame.net) == basket.total
    assert evaluate(rules, basket, NEW, now=NOW).member_after.encode() == got.member_after.encode()
    assert Frame.decode(frame.encode()) == frame
    assert word_earn(rules, basket.total, "GBP", Details.decode(got.details.encode())) == got.reason
    assert len(got.reason) <= 1000
    refunded, member, taken, done = NOTHING, got.member_after, 0, []
    for each in [*asked, Return(basket.total)]:
        try:
            back = unwind(rules, frame, refunded, each, member, order="a", now=NOW)
        except Refused:
            continue
        assert back.points >= 0
        assert back.points <= got.points - taken + 1
        taken += back.points
        refunded, member = Refunded.decode(back.refunded_after.encode()), back.member_after
        done.append(each)
    assert taken == got.points
    assert (member.carried, member.used, member.counted, member.orders) == ((), (), (), 0)
    again = cancel(rules, frame, refunded, [], member, order="a", now=NOW)
    assert -again.points == got.points
    assert again.member_after.counted == got.member_after.counted
    assert (again.member_after.carried, again.member_after.used) == (got.member_after.carried, got.member_after.used)
    if done and got.points:
        assert "cancelled" in again.reason


@settings(max_examples=600, deadline=None)
@given(
    rules=st.sampled_from([DEEP, FLOORED, WAITING]),
    basket=baskets(),
    asked=st.lists(returns, max_size=4),
    kept=st.sets(st.integers(0, 3)),
)
def test_a_cancelled_refund_never_happened(rules: Program, basket: Basket, asked: list[Return], kept: set[int]) -> None:
    """Whichever are cancelled, the others stand, and the points are where they would be: those that wait still do."""
    try:
        got = evaluate(rules, basket, NEW, now=NOW)
    except (Refused, PointsOutOfRange):
        return
    frame, refunded, member, taken = frame_of(rules, basket, NEW), NOTHING, got.member_after, []
    for each in asked:
        try:
            back = unwind(rules, frame, refunded, each, member, order="a", now=NOW)
        except Refused:
            continue
        refunded, member = back.refunded_after, back.member_after
        taken.append(each)
    others = [each for number, each in enumerate(taken) if number in kept]
    again = cancel(rules, frame, refunded, others, member, order="a", now=NOW)
    whole = cancel(rules, frame, again.refunded_after, [], again.member_after, order="a", now=NOW)
    assert replace(whole.member_after, tiers=(), tiers_seen=None) == replace(
        got.member_after, tiers=(), tiers_seen=None
    )
    amounts_back = [each.amount for each in others if each.amount is not None]
    if len(amounts_back) == len(others):
        assert again.refunded_after.left(frame) == max(0, basket.total - sum(amounts_back))


LAPSING = 'version = 1\nearn = { points = 1, per = { GBP = "0.01" } }\n'
LIVES = {
    kind: parse_program(LAPSING + more)
    for kind, more in {
        "months": 'expiry = { kind = "after-months", months = 1 }\n',
        "waiting": 'pending = { days = 3 }\nexpiry = { kind = "after-months", months = 1 }\n',
        "inactive": 'expiry = { kind = "inactivity", months = 1 }\n',
    }.items()
}


@settings(max_examples=600, deadline=None)
@given(
    kind=st.sampled_from(sorted(LIVES)),
    points=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    lived=st.integers(0, 70),
    given_back=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    gone=st.data(),
)
def test_a_refund_cancelled_at_once_and_an_idle_change_cost_and_bring_nothing(
    kind: str, points: tuple[int, int], lived: int, given_back: list[int], gone: st.DataObject
) -> None:
    """An order, points spent and lapsed, another order; then refunds of the first, one of which failed; then a change
    of it into what it is, which takes the refunds along.
    """
    rules, later, (spent, more) = LIVES[kind], NOW + lived * DAY, points
    got = evaluate(rules, order(100), NEW, now=NOW)
    frame = frame_of(rules, order(100), NEW)
    member = got.member_after
    if spent and kind != "waiting":
        member = redeem(rules, member, spent, now=NOW + DAY).member_after
    member = evaluate(rules, replace(order(more), order="b", occurred_at=later), member, now=later).member_after
    which = gone.draw(st.integers(0, len(given_back) - 1))

    def refunded(amounts_back: list[int]) -> tuple[Refunded, ProgramState, int]:
        back, state, lapsed = NOTHING, member, 0
        for amount in amounts_back:
            taken = unwind(rules, frame, back, Return(amount), state, order="a", now=later)
            back, state, lapsed = taken.refunded_after, taken.member_after, lapsed + taken.details.lapsed
        return back, state, lapsed

    others = given_back[:which] + given_back[which + 1 :]
    back, state, lapsed = refunded(given_back)
    again = cancel(rules, frame, back, [Return(n) for n in others], state, order="a", now=later, lapsed=lapsed)
    _, as_if, _ = refunded(others)
    assert (again.member_after.active, again.member_after.waiting) == (as_if.active, as_if.waiting)
    assert again.member_after.owed == as_if.owed

    kept, state, lapsed = refunded(others)
    whole = unwind(rules, frame, kept, Return(100), state, order="a", now=later)
    lapsed += whole.details.lapsed
    member = evaluate(rules, order(100), whole.member_after, now=later, before=frame, lapsed=lapsed).member_after
    _, changed, _ = refunded(others)
    assert (changed.active, changed.waiting, changed.owed) == (as_if.active, as_if.waiting, as_if.owed)


@settings(max_examples=400, deadline=None)
@given(
    others=st.integers(1, 100),
    own=st.integers(1, 100),
    given_back=st.integers(1, 100),
    lived=st.integers(63, 70),
)
def test_what_had_lapsed_of_another_order_is_not_taken_for_what_a_cancelled_refund_gives_again(
    others: int, own: int, given_back: int, lived: int
) -> None:
    """Neither has a date of its own: one lapsed and came back, the other lives, and so do its points when its refund
    failed, and when it is changed into what it is.
    """
    rules, later = LIVES["inactive"], NOW + lived * DAY
    lapsed = evaluate(rules, replace(order(others), order="b"), NEW, now=NOW)
    frame_of_others = frame_of(rules, replace(order(others), order="b"), NEW)
    back = unwind(rules, frame_of_others, NOTHING, Return(others), lapsed.member_after, order="b", now=later)
    assert back.details.lapsed == others
    mine = replace(order(own), occurred_at=later)
    got = evaluate(rules, mine, back.member_after, now=later)
    frame = frame_of(rules, mine, NEW)
    taken = unwind(rules, frame, NOTHING, Return(given_back), got.member_after, order="a", now=later)
    again = cancel(
        rules, frame, taken.refunded_after, [], taken.member_after, order="a", now=later, lapsed=taken.details.lapsed
    )
    assert again.member_after.active == got.member_after.active == own
    assert not again.details.lapsed
    whole = unwind(rules, frame, NOTHING, Return(own), again.member_after, order="a", now=later)
    changed = evaluate(rules, mine, whole.member_after, now=later, before=frame, lapsed=whole.details.lapsed)
    assert changed.member_after.active == own


@given(total=st.integers(3, 5000), gone=st.integers(0, 2))
def test_of_units_that_came_back_with_their_amounts_any_may_be_cancelled(total: int, gone: int) -> None:
    """By what came back before, a unit of 10.00 for three is worth 3.33 or 3.34: another one without that."""
    sold_thrice = BasketLine(sku="a", quantity=3 * MILLION, unit_price=total * 10_000 // 3)
    got = evaluate(FLOORED, order(total, lines=(sold_thrice,)), NEW, now=NOW)
    frame, refunded, member, taken = got.frame, NOTHING, got.member_after, []
    assert frame is not None
    for _ in range(3):
        unit = ReturnLine(1, None, MILLION)
        was = refunded.left(frame)
        worth_now = was - unwind(
            FLOORED, frame, refunded, Return(lines=(unit,)), member, order="a", now=NOW
        ).refunded_after.left(frame)
        taken.append(Return(worth_now, (unit,)))
        back = unwind(FLOORED, frame, refunded, taken[-1], member, order="a", now=NOW)
        refunded, member = back.refunded_after, back.member_after
    others = taken[:gone] + taken[gone + 1 :]
    again = cancel(FLOORED, frame, refunded, others, member, order="a", now=NOW)
    assert again.refunded_after.left(frame) == taken[gone].amount


@settings(max_examples=300, deadline=None)
@given(rules=programs, total=amounts, lapsed=st.integers(1, 1000), before=st.integers(0, 9))
def test_what_lapsed_before_a_simple_version_is_not_taken_for_what_it_gives(
    rules: Program, total: int, lapsed: int, before: int
) -> None:
    """Points that lapsed for want of activity have a lot of their own, which later points never lie in."""
    gone = Lot(NOW - DAY, NEVER, 0, lapsed, min(before, lapsed))
    member = ProgramState(lots=(gone,), orders=1, last_active=NOW - 90 * DAY)
    try:
        got = evaluate(rules, order(total), member, now=NOW)
    except PointsOutOfRange:
        return
    assert gone in got.member_after.lots
    assert got.member_after.active == got.points


whole_lines = st.lists(
    st.builds(
        BasketLine,
        quantity=st.integers(1, 4).map(lambda units: units * MILLION),
        unit_price=st.integers(0, 3000).map(lambda pence: pence * 10_000),
        category=st.sampled_from(["tobacco", "fuel/diesel", "home", None]),
        brand=st.sampled_from(["own", None]),
        tags=st.sampled_from([(), ("x",)]),
    ),
    min_size=1,
    max_size=6,
).map(tuple)


def sold(some: tuple[BasketLine, ...]) -> Basket:
    """An order of whole units at whole pennies."""
    return order(sum(line.quantity // MILLION * line.unit_price // 10_000 for line in some), lines=some)


@settings(max_examples=600, deadline=None)
@given(
    rules=st.sampled_from([CROWDED, DEEP, FLOORED]),
    before=baskets(),
    some=whole_lines,
    gone=st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
def test_what_refunds_leave_is_worth_what_an_order_of_just_that_is(
    rules: Program, before: Basket, some: tuple[BasketLine, ...], gone: list[int]
) -> None:
    """Of a member in the same place: the same tier, and the same room under caps."""
    try:
        member = evaluate(rules, before, NEW, now=NOW).member_after
    except (Refused, PointsOutOfRange):
        member = NEW
    got = evaluate(rules, sold(some), member, now=NOW)
    frame, refunded, state, points = got.frame, NOTHING, got.member_after, got.points
    assert frame is not None
    units = [min(back, line.quantity // MILLION) for back, line in zip(gone, some, strict=False)]
    for number, back in enumerate(units, 1):
        asked = Return(lines=(ReturnLine(number, None, back * MILLION),))
        taken = unwind(rules, frame, refunded, asked, state, order="a", now=NOW)
        refunded, state, points = taken.refunded_after, taken.member_after, points - taken.points
    kept = [replace(line, quantity=line.quantity - back * MILLION) for line, back in zip(some, units, strict=True)]
    alone = evaluate(rules, sold(tuple(kept)), member, now=NOW)
    assert worth(rules, frame, refunded).parts == list(alone.parts)
    assert points == alone.points
    assert (state.carried, state.used) == (alone.member_after.carried, alone.member_after.used)
