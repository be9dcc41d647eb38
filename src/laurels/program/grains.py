"""Grains: what is less than a point, in whole numbers. Carried remainders, caps and budgets are counted in them."""

from math import gcd

GRAIN = 5_040_000_000
"""Grains in one point: 2^10 3^2 5^7 7. So 1 point for every 3.00, 7.00 or 9.00, times a multiplier of three decimals,
is a whole number of grains for each penny.
"""

MILLI = 1000
"""A multiplier is held in thousandths."""


def divides(points: int, per: int, thousandths: int) -> bool:
    """Whether `points` for every `per` minor units, times `thousandths`, is a whole number of grains for each unit."""
    numerator = GRAIN * points * thousandths
    denominator = per * MILLI
    return gcd(numerator, denominator) == denominator


def format_grains(grains: int) -> str:
    """Points as a person reads them, cut after six decimals and never rounded: `"0.333333…"`, `"25"`, `"-7"`."""
    return format_quotient(grains, GRAIN)


def format_quotient(numerator: int, denominator: int, places: int = 6) -> str:
    """A quotient cut after `places` decimals; `…` where something was cut off. The denominator is positive."""
    scaled, rest = divmod(abs(numerator) * 10**places, denominator)
    whole, fraction = divmod(scaled, 10**places)
    text = f"{whole}.{fraction:0{places}d}".rstrip("0").rstrip(".")
    return ("-" if numerator < 0 else "") + text + ("…" if rest else "")
