"""How a quotient becomes whole points. Exact integer arithmetic; both work on non-negative amounts."""

from collections.abc import Callable

from laurels.model.money import divide_half_up


def floor(numerator: int, denominator: int) -> int:
    """The whole number below: 14.99 / 10.00 -> 1, 19.99 / 10.00 -> 1."""
    return numerator // denominator


ROUNDINGS: dict[str, Callable[[int, int], int]] = {"half-up": divide_half_up, "floor": floor}
"""By the name that a program uses."""
