"""Money: decimal strings in, whole minor units inside, nothing lost and nothing guessed."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from laurels.errors import InvalidInput
from laurels.model.currencies import DECIMALS, ENDED
from laurels.model.money import (
    MAX_WHOLE_DIGITS,
    check_currency,
    divide_half_up,
    format_amount,
    format_decimal,
    parse_amount,
    parse_decimal,
    parse_millionths,
    sum_lines,
)

HOSTILE = [
    "", " ", "1e400", "1E2", "NaN", "nan", "Infinity", "-Infinity", "inf", "-0", "-0.00", "-1.00", "+1.00", " 1.00",
    "1.00 ", "1.00\n", "1,00", "1.000,00", "1_000", "01.00", "00", ".50", "1.", ".", "-", "1..0", "1.0.0", "0x10",
    "1000000000000.00", "1" + "0" * 30, "9" * 5000, "£1.00", "1.00 GBP", "null",
    "\u0662\u0665.\u0660\u0660", "\uff12\uff15.\uff10\uff10", "²", "1.0\u0660",
    "\u22121.00", "1\u00a0000", "1.00\x00", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25.00", "GBP", 2500),
        ("25", "GBP", 2500),
        ("25.5", "GBP", 2550),
        ("0.01", "EUR", 1),
        ("0", "GBP", 0),
        ("0.00", "GBP", 0),
        ("999999999999.99", "GBP", 99_999_999_999_999),
        ("2500", "JPY", 2500),
    ],
)
def test_a_decimal_string_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency, "total") == minor


@pytest.mark.parametrize("text", HOSTILE)
def test_anything_else_is_refused_and_names_the_field(text: str) -> None:
    for decimals in (2, 6):
        with pytest.raises(InvalidInput) as raised:
            parse_decimal(text, decimals, "total")
        assert [error.field for error in raised.value.errors] == ["total"]
        assert "\n" not in raised.value.message
        assert len(raised.value.message) < 200


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1.005", "GBP"), ("25.0010", "EUR"), ("1.5", "JPY"), ("0.001", "GBP"), ("1.0005", "KWD"), ("0.00001", "CLF")],
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidInput, match=f"at most {DECIMALS[currency]} decimals"):
        parse_amount(text, currency, "total")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25.0000", "GBP", 2500),
        ("1200.00", "JPY", 1200),
        ("1200.0", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("1.2340", "KWD", 1234),
        ("1", "KWD", 1000),
        ("1.2345", "CLF", 12345),
        ("0.000000000000", "EUR", 0),
    ],
)
def test_zeros_beyond_the_decimals_are_the_same_value(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency, "total") == minor


def test_every_active_currency_has_the_decimals_that_are_published() -> None:
    published = {one.code: one.exponent for one in Currency if one.exponent is not None}
    assert {code: decimals for code, decimals in DECIMALS.items() if code not in ENDED} == published
    assert not published.keys() & ENDED.keys()


@pytest.mark.parametrize("text", ["-0", "-0.00", "-0.000000"])
def test_a_zero_with_a_sign_is_zero_where_a_sign_may_be(text: str) -> None:
    assert parse_millionths(text, "unit_price", signed=True) == 0
    with pytest.raises(InvalidInput):
        parse_millionths(text, "quantity")


def test_a_discount_is_negative() -> None:
    assert parse_millionths("-2.55", "unit_price", signed=True) == -2_550_000
    with pytest.raises(InvalidInput):
        parse_millionths("-2.55", "quantity")


def test_six_decimals_of_a_price_and_no_more() -> None:
    assert parse_millionths("0.000001", "unit_price") == 1
    assert parse_millionths("0.00000100", "unit_price") == 1
    with pytest.raises(InvalidInput):
        parse_millionths("0.0000001", "unit_price")


@pytest.mark.parametrize("code", ["XXX", "XAU", "gbp", "GBP ", "", "\uff27\uff22\uff30", "GB"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput, match="GBP"):
        check_currency(code)


@given(minor=st.integers(0, 10 ** (MAX_WHOLE_DIGITS + 2) - 1))
def test_what_is_written_is_read_back(minor: int) -> None:
    assert parse_amount(format_amount(minor, "GBP"), "GBP", "total") == minor


@given(value=st.integers(-(10**18), 10**18), decimals=st.integers(0, 6))
def test_a_written_decimal_is_the_number(value: int, decimals: int) -> None:
    assert Decimal(format_decimal(value, decimals)) == Decimal(value).scaleb(-decimals)


@given(text=st.text("0123456789..-,\u0660", max_size=16))
def test_what_is_read_is_what_decimal_reads(text: str) -> None:
    try:
        minor = parse_amount(text, "GBP", "total")
    except InvalidInput:
        return
    assert Decimal(text) * 100 == minor


@given(minor=st.integers(0, 10**12), currency=st.sampled_from(sorted(DECIMALS)), zeros=st.integers(0, 12))
def test_every_spelling_of_an_amount_is_the_amount(minor: int, currency: str, zeros: int) -> None:
    written = format_amount(minor, currency)
    longer = written + ("" if "." in written or not zeros else ".") + "0" * zeros
    assert parse_amount(longer, currency, "total") == minor
    shorter = written.rstrip("0").rstrip(".") if "." in written else written
    assert parse_amount(shorter, currency, "total") == minor
    with pytest.raises(InvalidInput):
        parse_amount(
            f"{format_amount(minor, currency)}{'' if '.' in written else '.'}{'0' * zeros}1", currency, "total"
        )


@given(numerator=st.integers(0, 10**30), denominator=st.integers(1, 10**15))
def test_half_up_is_what_decimal_calls_half_up(numerator: int, denominator: int) -> None:
    whole, rest = divmod(numerator, denominator)
    assert divide_half_up(numerator, denominator) == whole + (2 * rest >= denominator)


@given(
    lines=st.lists(st.tuples(st.integers(1, 10**12), st.integers(-(10**12), 10**12)), max_size=20),
    currency=st.sampled_from(["GBP", "JPY"]),
)
def test_lines_are_summed_exactly_and_rounded_once(lines: list[tuple[int, int]], currency: str) -> None:
    exact = sum((Decimal(q).scaleb(-6) * Decimal(p).scaleb(-6) for q, p in lines), Decimal())
    quantum = Decimal(1).scaleb(-DECIMALS[currency])
    expected = int(exact.quantize(quantum, ROUND_HALF_UP).scaleb(DECIMALS[currency]))
    assert sum_lines(lines, currency) == expected


def test_a_thousand_tenths_of_a_penny_are_a_pound() -> None:
    assert sum_lines([(1_000_000, 1_000)] * 1000, "GBP") == 100
    assert sum_lines([(1_000_000, 1_000)] * 4, "GBP") == 0
    assert sum_lines([(1_000_000, 1_000)] * 5, "GBP") == 1
