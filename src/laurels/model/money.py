"""Money: decimal strings outside, integers inside, never floats.

An amount is held in minor units (pence). Line prices and quantities are held in millionths, so that a sum over lines
is exact; it is rounded half-up to minor units once, at the end.
"""

import re
from collections.abc import Iterable

from laurels.errors import InvalidInput
from laurels.model.currencies import DECIMALS

MILLION = 1_000_000
MAX_WHOLE_DIGITS = 12
_POWERS: list[int] = [10**n for n in range(20)]
_DECIMAL = re.compile(rf"(-?)(0|[1-9][0-9]{{0,{MAX_WHOLE_DIGITS - 1}}})(?:\.([0-9]+))?\Z")


def check_currency(code: str, field: str = "currency") -> str:
    """Give `code` back when Laurels can read its amounts; raise `InvalidInput` when not."""
    if code not in DECIMALS:
        raise InvalidInput.of(field, "must be the code of a currency in ISO 4217, in capitals, such as GBP or EUR")
    return code


def parse_amount(text: str, currency: str, field: str) -> int:
    """`"25.00"` -> 2500 minor units, and so is `"25.0000"`. At most the currency's decimals, not negative."""
    return parse_decimal(text, DECIMALS[currency], field)


def parse_millionths(text: str, field: str, *, signed: bool = False) -> int:
    """`"2.55"` -> 2550000 millionths. At most 6 decimals."""
    return parse_decimal(text, 6, field, signed=signed)


def parse_decimal(text: str, decimals: int, field: str, *, signed: bool = False) -> int:
    """A plain decimal string, scaled by 10^`decimals` to an integer; no exponent, no `+`, no leading zeros.

    Zeros beyond the decimals are the same value in another spelling; so is `-0.00` where there may be a sign. Raises
    `InvalidInput`, which names `field`.
    """
    match = _DECIMAL.match(text)
    if not match:
        raise InvalidInput.of(
            field, f'must be a decimal string such as "25.00" with at most {MAX_WHOLE_DIGITS} whole digits'
        )
    sign, whole, fraction = match.groups("")
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise InvalidInput.of(field, f"must have at most {decimals} decimals")
        fraction = fraction[:decimals]
    value = int(whole + fraction) * _POWERS[decimals - len(fraction)]
    if sign and not signed:
        raise InvalidInput.of(field, "must not be negative")
    return -value if sign else value


def format_amount(minor: int, currency: str) -> str:
    """2500 minor units of GBP -> `"25.00"`."""
    return format_decimal(minor, DECIMALS[currency])


def format_decimal(value: int, decimals: int) -> str:
    """An integer scaled by 10^`decimals`, written with all its decimals."""
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else sign + digits


def divide_half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number to a quotient of a non-negative and a positive integer; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def check_total(total: int, currency: str, field: str) -> int:
    """Give the sum of an order's lines (minor units) back when an order may have it; raise `InvalidInput` when not."""
    if total < 0:
        raise InvalidInput.of(field, f"add up to {format_amount(total, currency)}, and must not be less than zero")
    if total >= _POWERS[MAX_WHOLE_DIGITS + DECIMALS[currency]]:
        raise InvalidInput.of(field, f"add up to more than {MAX_WHOLE_DIGITS} whole digits of {currency}")
    return total


def sum_lines(lines: Iterable[tuple[int, int]], currency: str) -> int:
    """Sum of quantity x unit price, both in millionths, to minor units: exact, then rounded half-up once."""
    return to_minor(sum(quantity * price for quantity, price in lines), currency)


def to_minor(exact: int, currency: str) -> int:
    """A product of millionths and millionths to minor units, rounded half-up.

    The sign is set aside while rounding, so that a refund of an amount and the amount itself round alike.
    """
    scale = _POWERS[12 - DECIMALS[currency]]
    rounded = divide_half_up(abs(exact), scale)
    return rounded if exact >= 0 else -rounded
