"""Reading a reason as a person would who checks it by hand: every figure in it is parsed and worked out anew."""

import re
from collections.abc import Mapping
from fractions import Fraction

from tests.property.model_nouns import Program

from laurels.model import Entry

_UNDER = r"\((?P<rounding>[a-z-]+), version (?P<version>\d+)\)"
_QUOTIENT = r"(?P<amount>[\d.]+) (?P<currency>[A-Z]{3}) / (?P<per>[\d.]+)(?: x (?P<times>\d+))? = (?P<quotient>[\d.]+)"
EARNED = re.compile(rf"{_QUOTIENT}(?P<more>…?) -> (?P<result>\d+) {_UNDER}")
WITHOUT_ORDER = re.compile(rf"refund without an order: {EARNED.pattern}")
REFUNDED = re.compile(
    r"(?P<amount>[\d.]+) (?P<currency>[A-Z]{3}) of the order refunded: "
    rf"(?P<before>[\d.]+) [A-Z]{{3}} earned (?P<had>\d+), (?P<after>[\d.]+) [A-Z]{{3}} keeps (?P<keeps>\d+) {_UNDER}"
)
BEYOND = re.compile(r"(?P<amount>[\d.]+) (?P<currency>[A-Z]{3}) refunded beyond what was left of the order")


def check_reason(entry: Entry, programs: Mapping[int, Program]) -> None:
    """Assert that an earn's or a reversal's reason is true and leads to the entry's points."""
    if entry.kind == "earn" or entry.order_id is None:
        figures = _match(EARNED if entry.kind == "earn" else WITHOUT_ORDER, entry)
        program = _program(figures, programs)
        amount, per, times = minor(figures["amount"]), minor(figures["per"]), int(figures["times"] or 1)
        assert (program.per[figures["currency"]], program.points) == (per, times), entry
        missing = Fraction(amount * times, per) - Fraction(figures["quotient"])
        assert 0 < missing < Fraction(1, 10**6) if figures["more"] else missing == 0, entry
        assert int(figures["result"]) == abs(entry.points) == program.earns(amount, figures["currency"]), entry
    elif entry.reason.endswith("beyond what was left of the order"):
        figures = _match(BEYOND, entry)
        assert entry.points == 0, entry
    else:
        figures = _match(REFUNDED, entry)
        program = _program(figures, programs)
        before, after = minor(figures["before"]), minor(figures["after"])
        assert before - after == minor(figures["amount"]), entry
        assert program.earns(before, figures["currency"]) == int(figures["had"]), entry
        assert program.earns(after, figures["currency"]) == int(figures["keeps"]), entry
        assert entry.points == int(figures["keeps"]) - int(figures["had"]), entry
    assert (minor(figures["amount"]), figures["currency"]) == (entry.amount, entry.currency), entry


def minor(amount: str) -> int:
    """`"25.00"` -> 2500; both decimals have to be there."""
    whole, decimals = amount.split(".")
    assert len(decimals) == 2, amount
    return int(whole + decimals)


def _match(pattern: re.Pattern[str], entry: Entry) -> dict[str, str]:
    match = pattern.fullmatch(entry.reason)
    assert match, f"cannot be read: {entry.reason!r}"
    return match.groupdict()


def _program(figures: Mapping[str, str], programs: Mapping[int, Program]) -> Program:
    program = programs[int(figures["version"])]
    assert program.rounding == figures["rounding"], figures
    return program
