"""What is shown of a judgement: lines, reasons, what may be paid with points; and that states stay small."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.errors import InsufficientPoints, Refused
from laurels.model.times import from_datetime
from laurels.program import (
    NEW,
    NOTHING,
    Basket,
    BasketLine,
    Details,
    MemberFacts,
    Return,
    ReturnLine,
    adjust,
    capture,
    evaluate,
    explain,
    hold,
    lines_of,
    merge,
    next_due,
    parse_program,
    payable,
    payable_points,
    redeem,
    touch,
    unwind,
    word_earn,
)

DAY = 86_400_000_000
NOW = 1_764_590_400_000_000
GROCER = parse_program(
    """
version = 7
value = { GBP = "0.005" }
rounding = { to = "floor" }
rates = [ { name = "shopping", points = 1, per = { GBP = "1.00" } } ]
campaigns = [ { name = "double dairy", match = { category = ["grocery/dairy"] }, multiply = "2", caps = { day = 9 } } ]
refunds = { within_days = 400 }
expiry = { kind = "after-months", months = 1 }
[basis]
exclude = [ { name = "tobacco", category = ["tobacco"] } ]
not_payable = [ { name = "alcohol", category = ["alcohol"], region = ["GB-NIR"] } ]
"""
)


def basket(*lines: tuple[str, str], order: str = "a", at: int = NOW, region: str | None = None) -> Basket:
    goods = tuple(BasketLine(category=category, unit_price=int(price) * 10_000) for category, price in lines)
    return Basket(
        order=order,
        currency="GBP",
        total=sum(int(price) for _, price in lines),
        occurred_at=at,
        lines=goods,
        region=region,
    )


SHOPPED = basket(("grocery/bread", "1760"), ("tobacco", "1250"), ("grocery/dairy", "740"))


def test_a_reason_can_be_added_up_by_hand() -> None:
    got = evaluate(GROCER, SHOPPED, NEW, now=NOW)
    assert got.points == 32
    assert got.reason == (
        "12.50 GBP: tobacco earns nothing; shopping 25.00 GBP / 1.00 = 25; base 25; double dairy 7 (floor, version 7)"
    )
    assert got.frame is not None
    back = unwind(
        GROCER, got.frame, NOTHING, Return(lines=(ReturnLine(3, amount=740),)), got.member_after, order="a", now=NOW
    )
    assert back.reason == (
        "7.40 GBP of the order refunded: 37.50 GBP earned 32, 30.10 GBP keeps 17; base -8; double dairy -7 "
        "(floor, version 7)"
    )
    more = evaluate(GROCER, basket(("grocery/dairy", "500"), order="b"), got.member_after, now=NOW)
    assert "double dairy 2; double dairy: 2 was left under its cap" in more.reason


def test_an_order_is_explained_line_by_line() -> None:
    frame = evaluate(GROCER, SHOPPED, NEW, now=NOW).frame
    assert frame is not None
    assert [(line.net, line.rate, line.why) for line in lines_of(GROCER, frame, NOTHING)] == [
        (1760, "shopping", None),
        (1250, None, "tobacco earns nothing"),
        (740, "shopping", None),
    ]
    assert explain(GROCER, frame, NOTHING) == [
        "line 1: 17.60 GBP shopping",
        "line 2: 12.50 GBP tobacco earns nothing",
        "line 3: 7.40 GBP shopping",
        "base 25",
        "double dairy 7",
        "in all 32 (version 7)",
    ]


def test_what_may_be_paid_with_points() -> None:
    wine = (("alcohol/wine", "800"), ("grocery/bread", "200"))
    assert payable(GROCER, basket(*wine)) == 1000
    assert payable(GROCER, basket(*wine, region="GB-NIR")) == 200
    assert payable_points(GROCER, basket(*wine, region="GB-NIR")) == 400


@given(names=st.lists(st.text("ab ", min_size=1, max_size=64), min_size=1, max_size=40, unique=True))
def test_a_reason_is_at_most_1000_characters(names: list[str]) -> None:
    parts = tuple((name * 3, 1) for name in names)
    text = word_earn(GROCER, 100, "GBP", Details(parts=parts, carried=(5, 7)))
    assert len(text) <= 1000
    assert text.endswith("carried 0… before, 0… now (floor, version 7)")


def test_a_holdout_is_always_the_same_members() -> None:
    program = parse_program(GROCER.text.replace('multiply = "2"', 'multiply = "2", holdout = "25%"'))
    people = [MemberFacts(draw=n.to_bytes(16, "big")) for n in range(400)]
    points = [evaluate(program, SHOPPED, NEW, now=NOW, person=person).points for person in people]
    assert points == [evaluate(program, SHOPPED, NEW, now=NOW, person=person).points for person in people]
    assert set(points) == {25, 32}
    assert 60 < points.count(25) < 140
    assert evaluate(program, SHOPPED, NEW, now=NOW).points == 32, "nobody is held out by chance"


def test_a_state_stays_small_over_years() -> None:
    """Use of caps and lots that no refund can reach any more are forgotten."""
    member = NEW
    for day in range(1200):
        at = NOW + day * DAY
        member = evaluate(GROCER, basket(("grocery/dairy", "500"), order=str(day), at=at), member, now=at).member_after
    assert len(member.used) <= 431
    assert len(member.lots) <= 470
    assert sum(lot.active for lot in member.lots) < 31 * 15


def test_a_refund_of_long_ago_leaves_no_use_below_zero() -> None:
    first = evaluate(GROCER, SHOPPED, NEW, now=NOW)
    assert first.frame is not None
    later = NOW + 500 * DAY
    back = unwind(GROCER, first.frame, NOTHING, Return(3750), first.member_after, order="a", now=later)
    assert (back.points, back.member_after.used) == (32, ())


def test_what_falls_due_is_known() -> None:
    got = evaluate(GROCER, SHOPPED, NEW, now=NOW).member_after
    assert next_due(NEW, GROCER) is None
    assert next_due(got, GROCER) == got.lots[0].expires
    held = hold(GROCER, got, "h", 30, now=NOW).member_after
    assert next_due(held, GROCER) == NOW + 15 * 60_000_000


def test_points_that_lapse_while_a_hold_has_them_are_due_when_it_ends() -> None:
    got = evaluate(GROCER, SHOPPED, NEW, now=NOW).member_after
    lapses_at = got.lots[0].expires
    held = hold(GROCER, got, "h", got.active, now=lapses_at - 60_000_000).member_after
    ends_at = lapses_at + 14 * 60_000_000
    assert touch(held, lapses_at, GROCER) == (held, [])
    assert next_due(held, GROCER) == ends_at
    later, lapses = touch(held, ends_at, GROCER)
    assert ([each.points for each in lapses], next_due(later, GROCER)) == ([-got.active], None)


def test_what_is_not_there_is_not_spent() -> None:
    got = evaluate(GROCER, SHOPPED, NEW, now=NOW).member_after
    with pytest.raises(InsufficientPoints):
        redeem(GROCER, got, 33, now=NOW)
    held = hold(GROCER, got, "h", 30, now=NOW).member_after
    with pytest.raises(InsufficientPoints):
        redeem(GROCER, held, 3, now=NOW)
    with pytest.raises(Refused, match="more than is held"):
        capture(GROCER, held, "h", 31, now=NOW)
    with pytest.raises(Refused, match="the hold is open"):
        hold(GROCER, held, "h", 1, now=NOW)


INACTIVE = parse_program(
    """
version = 1
earn = { points = 1, per = { GBP = "1.00" }, rounding = "floor" }
pending = { days = 30 }
expiry = { kind = "inactivity", months = 1 }
"""
)


def test_points_that_come_in_after_the_deadline_of_inactivity_are_not_taken_twice() -> None:
    """An order of 30 January is active on 1 March, ten hours after everything lapsed for want of activity in February.
    Its points lapse then and not before; its refund finds them, and nothing is owed.
    """
    at = from_datetime(datetime(2027, 1, 30, 10, tzinfo=UTC))
    got = evaluate(INACTIVE, basket(("home", "1500"), at=at), NEW, now=at)
    later = at + 40 * DAY
    member, lapses = touch(got.member_after, later, INACTIVE)
    assert [(lapse.points, lapse.at) for lapse in lapses] == [(-15, at + 30 * DAY)]
    assert got.frame is not None
    back = unwind(INACTIVE, got.frame, NOTHING, Return(1500), member, order="a", now=later)
    assert (back.points, back.member_after.owed, back.member_after.active) == (15, 0, 0)
    assert [lapse.points for lapse in back.lapses] == [15]


def test_points_that_are_given_to_who_was_inactive_do_not_lapse_before_they_were_given() -> None:
    at = from_datetime(datetime(2027, 1, 1, tzinfo=UTC))
    member = evaluate(INACTIVE, basket(("home", "1500"), at=at), NEW, now=at).member_after
    later = at + 200 * DAY
    got = adjust(INACTIVE, touch(member, later, INACTIVE)[0], 50, now=later)
    assert [(lapse.points, lapse.at) for lapse in got.lapses] == [(-50, later)]


def test_points_of_who_becomes_one_with_who_was_inactive_lapse_when_they_do() -> None:
    """Who was given points and never bought has no deadline; who bought long ago and came along brings one."""
    at = from_datetime(datetime(2027, 1, 1, tzinfo=UTC))
    ends = evaluate(INACTIVE, basket(("home", "1500"), at=at), NEW, now=at).member_after
    later = at + 200 * DAY
    goes_on = adjust(INACTIVE, NEW, 50, now=later - DAY).member_after
    got = merge(INACTIVE, ends, goes_on, now=later)
    assert [(lapse.points, lapse.at) for lapse in got.lapses] == [(-50, later)]
    assert touch(got.member_after, later, INACTIVE) == (got.member_after, [])
