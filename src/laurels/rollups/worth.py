"""What points are worth in money, by what a program says a point is worth."""

from fractions import Fraction

from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount
from laurels.program import Program
from laurels.program.liability import half_up


def worth(points: int, currency: str, program: Program) -> str | None:
    """In major units, rounded once, half-up; None where the program does not say it for this currency."""
    millionths = dict(program.value).get(currency)
    if millionths is None:
        return None
    return format_amount(half_up(Fraction(points * millionths * 10 ** DECIMALS[currency], 1_000_000)), currency)
