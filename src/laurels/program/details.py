"""What an entry says beyond its columns, and the words that are made of it when somebody reads.

`Details` are kept as canonical JSON under the entry's hash. The wording is a function of the details, the entry's
columns and the program's version alone, so it needs no storing, and says the same on every engine.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from laurels.model.currencies import DECIMALS
from laurels.model.details import Details
from laurels.model.money import format_amount, format_decimal
from laurels.program.earning import earn, restored_reason, reverse
from laurels.program.grains import format_grains, format_quotient

if TYPE_CHECKING:
    from laurels.program.program import Program

LONGEST = 1000
"""Characters of a reason."""


def word_earn(program: "Program", amount: int, currency: str, details: Details) -> str:
    """The reason of an earn entry: a sum that a person can add up."""
    if program.plain:
        return earn(program, amount, currency).reason
    said = [f"{_money(minor, currency)}: {_why_not(program, number)}" for number, minor in details.excluded]
    said += [_rate(program, number, Fraction(value), currency) for number, value in details.rates]
    said += [f"{name} {_points(program, n)}" for name, n in details.parts]
    said += [f"{name}: {_points(program, n)} was left under its cap" for name, n in details.bound]
    return _close(program, said, details)


def word_reverse(program: "Program", amount: int, currency: str, details: Details) -> str:
    """The reason of an entry that takes back what a refund covers of an order; `amount` is in minor units, and below
    zero where a refund was cancelled.
    """
    assert details.left is not None, "a reverse entry says what was left"
    if amount < 0:
        return word_cancelled(program, -amount, currency, details)
    if program.plain:
        return reverse(program, details.left, amount, currency)[0].reason
    had = f"{_money(details.left, currency)} earned {_points(program, details.had)}"
    keeps = f"{_money(details.left - amount, currency)} keeps {_points(program, details.keeps)}"
    said = [f"{_money(amount, currency)} of the order refunded: {had}, {keeps}"]
    said += [f"{name} {_points(program, n)}" for name, n in details.parts]
    return _close(program, said, details)


def word_cancelled(program: "Program", amount: int, currency: str, details: Details) -> str:
    """A refund that is cancelled: the order is worth what the others leave of it."""
    left = details.left or 0
    if program.plain:
        return restored_reason(program, left, amount, currency)
    had = f"{_money(left, currency)} kept {_points(program, details.had)}"
    keeps = f"{_money(left + amount, currency)} keeps {_points(program, details.keeps)}"
    said = [f"refund cancelled, {_money(amount, currency)} of the order kept again: {had}, {keeps}"]
    said += [f"{name} {_points(program, n)}" for name, n in details.parts]
    said += [f"{name}: {_points(program, n)} is all that others have left of it" for name, n in details.bound]
    return _close(program, said, details)


def word_beyond(amount: int, currency: str) -> str:
    """The reason of what a refund gives back beyond its order."""
    return f"{_money(amount, currency)} refunded beyond what was left of the order"


def word_unlinked(program: "Program", amount: int, currency: str, details: Details) -> str:
    """The reason of a refund that names no order."""
    return f"refund without an order: {word_earn(program, amount, currency, details)}"


def _close(program: "Program", said: Sequence[str], details: Details) -> str:
    end = []
    if details.carried is not None:
        before, after = details.carried
        end.append(f"carried {format_grains(before)} before, {format_grains(after)} now")
    under = f" ({program.earn.rounding}, version {program.version})"
    text = "; ".join([*said, *end]) + under
    if len(text) <= LONGEST:
        return text
    tail = "; ".join(["…", *end]) + under
    return _fit(said, LONGEST - len(tail) - 2) + tail


def _fit(said: Iterable[str], room: int) -> str:
    """As many whole pieces as there is room for."""
    text = ""
    for piece in said:
        if len(text) + len(piece) + 2 > room:
            break
        text += piece + "; "
    return text


def _why_not(program: "Program", number: int) -> str:
    return "no rate" if number < 0 else f"{program.exclude[number].name} earns nothing"


def _rate(program: "Program", number: int, value: Fraction, currency: str) -> str:
    rate = program.plan.rates[number]
    if rate.per_quantity is not None:
        per, amount = rate.per_quantity, format_quotient(value.numerator, value.denominator * 1_000_000)
        over = format_quotient(per, 1_000_000)
    else:
        per, over = dict(rate.per)[currency], format_amount(dict(rate.per)[currency], currency)
        amount = f"{_exact(value, currency)} {currency}"
    exact = value * rate.points / per
    times = f" x {rate.points}" if rate.points != 1 else ""
    return f"{rate.name} {amount} / {over}{times} = {format_quotient(exact.numerator, exact.denominator)}"


def _exact(value: Fraction, currency: str) -> str:
    """An amount that may have parts of a minor unit: they are cut, and `…` says so."""
    whole, rest = divmod(value.numerator, value.denominator)
    return format_decimal(whole, DECIMALS[currency]) + ("…" if rest else "")


def _points(program: "Program", n: int) -> str:
    return format_grains(n) if program.plan.carries else str(n)


def _money(amount: int, currency: str) -> str:
    return f"{format_amount(amount, currency)} {currency}"
