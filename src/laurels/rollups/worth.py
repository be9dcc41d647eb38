"""What points are worth in money, by what a program says a point is worth."""

from fractions import Fraction

from laurels.program import Program
from laurels.program.liability import in_money


def in_major_units(points: int, currency: str, program: Program) -> str | None:
    """In major units, rounded once, half-up; None where the program does not say it for this currency."""
    millionths = dict(program.value).get(currency)
    return None if millionths is None else in_money(Fraction(points * millionths), currency)
