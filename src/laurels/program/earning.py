"""What an order earns and what a refund takes back, each with the reason a person can check by hand.

With f(amount) the points of an amount under one program version, an order earns f(total), and a refund of r from an
order with `left` not yet refunded takes back f(left) - f(left - r). The differences telescope: any split of a full
refund takes back exactly f(total).

This is the whole of a `plain` program, whose points follow from an order's total alone; `evaluate` judges the others.
"""

from fractions import Fraction

from msgspec import Struct

from laurels.errors import Refused
from laurels.model.money import format_amount, format_decimal
from laurels.program.program import Program
from laurels.program.rounding import ROUNDINGS


class Earned(Struct, frozen=True):
    """Points that an amount earns, and why."""

    points: int
    reason: str


class Reversed(Struct, frozen=True):
    """One part of a refund: points taken back (not negative), why, its amount, and how much of it the order still
    covered.
    """

    points: int
    reason: str
    amount: int
    covered: int


def earn(program: Program, amount: int, currency: str) -> Earned:
    """The points of an amount in minor units. Raises `Refused` for a currency that the program does not name."""
    points = points_of(program, amount, currency)
    reason = f"{_quotient(program, amount, currency)} -> {points} ({_under(program)})"
    return Earned(points, reason)


def reverse(program: Program, left: int, amount: int, currency: str) -> list[Reversed]:
    """What a refund of `amount` takes back from an order with `left` not yet refunded, both in minor units.

    `program` is the version that the order was awarded under. What goes beyond `left` takes nothing back, and is a
    part of its own that says so.
    """
    parts = []
    covered = min(left, amount)
    if covered or not amount:
        points = points_of(program, left, currency) - points_of(program, left - covered, currency)
        parts.append(Reversed(points, reversed_reason(program, left, covered, currency), covered, covered))
    if beyond := amount - covered:
        parts.append(Reversed(0, beyond_reason(beyond, currency), beyond, 0))
    return parts


def reversed_reason(program: Program, left: int, covered: int, currency: str) -> str:
    """Why a refund of `covered` takes back what it does from an order with `left` not yet refunded."""
    had, keeps = points_of(program, left, currency), points_of(program, left - covered, currency)
    return (
        f"{_money(covered, currency)} of the order refunded: {_money(left, currency)} earned {had}, "
        f"{_money(left - covered, currency)} keeps {keeps} ({_under(program)})"
    )


def restored_reason(program: Program, left: int, covered: int, currency: str) -> str:
    """Why the cancellation of a refund, which gives `covered` back to an order with `left`, gives what it does."""
    had, keeps = points_of(program, left, currency), points_of(program, left + covered, currency)
    return (
        f"refund cancelled, {_money(covered, currency)} of the order kept again: {_money(left, currency)} kept {had}, "
        f"{_money(left + covered, currency)} keeps {keeps} ({_under(program)})"
    )


def beyond_reason(beyond: int, currency: str) -> str:
    """Why a part of a refund takes nothing back."""
    return f"{_money(beyond, currency)} refunded beyond what was left of the order"


def reverse_unlinked(program: Program, amount: int, currency: str) -> Earned:
    """What a refund that names no order takes back: the points of its amount. Raises `Refused` as `earn` does."""
    earned = earn(program, amount, currency)
    return Earned(earned.points, f"refund without an order: {earned.reason}")


def points_of(program: Program, amount: int, currency: str) -> int:
    """The points of an amount in minor units: f. Raises `Refused` for a currency that the program does not name."""
    if not program.plain:
        raise Refused(f"the program (version {program.version}) gives points for more than an order's total")
    per = program.earn.per.get(currency)
    if per is None:
        raise Refused(f"the program (version {program.version}) gives no points for {currency}")
    return ROUNDINGS[program.earn.rounding](amount * program.earn.points, per)


def _quotient(program: Program, amount: int, currency: str) -> str:
    rule = program.earn
    times = f" x {rule.points}" if rule.points != 1 else ""
    quotient = Fraction(amount * rule.points, rule.per[currency])
    return f"{_money(amount, currency)} / {format_amount(rule.per[currency], currency)}{times} = {_decimal(quotient)}"


def _money(amount: int, currency: str) -> str:
    return f"{format_amount(amount, currency)} {currency}"


def _decimal(value: Fraction, places: int = 6) -> str:
    scaled, rest = divmod(value.numerator * 10**places, value.denominator)
    return format_decimal(scaled, places).rstrip("0").rstrip(".") + ("…" if rest else "")


def _under(program: Program) -> str:
    return f"{program.earn.rounding}, version {program.version}"
