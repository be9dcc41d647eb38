"""What an order earns and what refunds take back: exact, telescoping, and with a reason that can be checked by hand."""

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.errors import Refused
from laurels.program import DEFAULT_PROGRAM, EarningRule, Program, earn, parse_program, reverse, reverse_unlinked

DEFAULT = parse_program(DEFAULT_PROGRAM)


def program(points: int = 1, per: int = 1000, rounding: str = "half-up") -> Program:
    rule = EarningRule(points=points, per={"GBP": per}, rounding=rounding)
    return Program(version=7, name="", time_zone="UTC", earn=rule, milestones=(), text="")


programs = st.builds(program, st.integers(1, 1_000_000), st.integers(1, 10**14), st.sampled_from(["half-up", "floor"]))
amounts = st.integers(0, 10**14) | st.integers(0, 5000)


@pytest.mark.parametrize(
    ("amount", "half_up", "floor"),
    [(0, 0, 0), (1, 0, 0), (499, 0, 0), (500, 1, 0), (999, 1, 0), (1000, 1, 1), (1499, 1, 1), (1500, 2, 1),
     (1999, 2, 1), (2499, 2, 2), (2500, 3, 2), (99_999_999_999_999, 100_000_000_000, 99_999_999_999)],
)  # fmt: skip
def test_one_point_for_every_ten(amount: int, half_up: int, floor: int) -> None:
    assert earn(DEFAULT, amount, "GBP").points == earn(DEFAULT, amount, "EUR").points == half_up
    assert earn(program(rounding="floor"), amount, "GBP").points == floor


@given(program=programs, amount=amounts)
def test_points_are_what_decimal_rounds_to(program: Program, amount: int) -> None:
    rule = program.earn
    whole, rest = divmod(amount * rule.points, rule.per["GBP"])
    up = rule.rounding == "half-up" and 2 * rest >= rule.per["GBP"]
    assert earn(program, amount, "GBP").points == whole + up


@given(program=programs, smaller=amounts, larger=amounts)
def test_more_money_never_earns_less(program: Program, smaller: int, larger: int) -> None:
    smaller, larger = sorted((smaller, larger))
    assert earn(program, smaller, "GBP").points <= earn(program, larger, "GBP").points


@given(program=programs, parts=st.lists(amounts, min_size=1, max_size=12))
def test_any_split_of_a_full_refund_takes_back_exactly_what_was_earned(program: Program, parts: list[int]) -> None:
    left = sum(parts)
    earned = earn(program, left, "GBP").points
    for part in parts:
        taken = reverse(program, left, part, "GBP")
        assert all(each.points >= 0 for each in taken)
        assert sum(each.amount for each in taken) == sum(each.covered for each in taken) == part
        earned -= sum(each.points for each in taken)
        left -= part
        assert earned == earn(program, left, "GBP").points
    assert (left, earned) == (0, 0)


@given(program=programs, total=amounts, refunds=st.lists(amounts, max_size=12))
def test_refunds_beyond_the_order_take_back_what_is_left(program: Program, total: int, refunds: list[int]) -> None:
    left, kept = total, earn(program, total, "GBP").points
    for refund in refunds:
        taken = reverse(program, left, refund, "GBP")
        assert taken, "each refund leads to an entry"
        assert sum(each.amount for each in taken) == refund
        assert sum(each.covered for each in taken) == min(left, refund)
        for beyond in taken[1:]:
            assert (beyond.points, beyond.covered) == (0, 0)
            assert "beyond what was left" in beyond.reason
        left -= sum(each.covered for each in taken)
        kept -= sum(each.points for each in taken)
        assert kept >= 0
    assert left == max(0, total - sum(refunds))
    assert kept == earn(program, left, "GBP").points


@pytest.mark.parametrize("rounding", ["half-up", "floor"])
def test_two_halves_of_ten_take_back_its_point(rounding: str) -> None:
    rules = program(rounding=rounding)
    first, second = reverse(rules, 1000, 500, "GBP"), reverse(rules, 500, 500, "GBP")
    assert sum(each.points for each in first + second) == 1


@given(program=programs, amount=amounts)
def test_a_refund_without_an_order_takes_back_what_its_amount_earns(program: Program, amount: int) -> None:
    taken = reverse_unlinked(program, amount, "GBP")
    assert taken.points == earn(program, amount, "GBP").points
    assert taken.reason.startswith("refund without an order: ")


@pytest.mark.parametrize(
    ("rules", "amount", "reason"),
    [
        (DEFAULT, 2500, "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)"),
        (DEFAULT, 499, "4.99 GBP / 10.00 = 0.499 -> 0 (half-up, version 1)"),
        (DEFAULT, 0, "0.00 GBP / 10.00 = 0 -> 0 (half-up, version 1)"),
        (DEFAULT, 100_000, "1000.00 GBP / 10.00 = 100 -> 100 (half-up, version 1)"),
        (program(points=2), 750, "7.50 GBP / 10.00 x 2 = 1.5 -> 2 (half-up, version 7)"),
        (program(per=300, rounding="floor"), 1000, "10.00 GBP / 3.00 = 3.333333… -> 3 (floor, version 7)"),
        (program(per=10**10), 1, "0.01 GBP / 100000000.00 = 0… -> 0 (half-up, version 7)"),
    ],
)
def test_a_reason_can_be_checked_by_hand(rules: Program, amount: int, reason: str) -> None:
    assert earn(rules, amount, "GBP").reason == reason


def test_a_refunds_reason_can_be_checked_by_hand() -> None:
    covered, beyond = reverse(DEFAULT, 2000, 2500, "GBP")
    assert covered.reason == (
        "20.00 GBP of the order refunded: 20.00 GBP earned 2, 0.00 GBP keeps 0 (half-up, version 1)"
    )
    assert beyond.reason == "5.00 GBP refunded beyond what was left of the order"


@given(program=programs, amount=amounts)
def test_the_quotient_in_a_reason_is_cut_and_never_rounded(program: Program, amount: int) -> None:
    """A quotient just below a half is not shown as the half, which would round the other way."""
    quotient = earn(program, amount, "GBP").reason.split(" = ")[1].split(" -> ")[0]
    exact = Decimal(amount * program.earn.points) / program.earn.per["GBP"]
    shown = Decimal(quotient.rstrip("…"))
    assert 0 <= exact - shown < Decimal("0.000001") or exact > 10**20
    mode = ROUND_HALF_UP if program.earn.rounding == "half-up" else ROUND_FLOOR
    assert int(shown.to_integral_value(mode)) == earn(program, amount, "GBP").points


@pytest.mark.parametrize("currency", ["USD", "JPY", "XXX", ""])
def test_a_currency_that_the_program_does_not_name_is_refused(currency: str) -> None:
    for judge in (earn, reverse_unlinked):
        with pytest.raises(Refused, match=r"version 1\) gives no points for"):
            judge(DEFAULT, 1, currency)
