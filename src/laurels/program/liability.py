"""What the shop owes in points: by state at an instant, what of it is expected to be redeemed, and how it is deferred.

Fractions throughout; whoever prints them rounds once, half-up. Nothing here changes a member's points.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct

from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount
from laurels.program.lots import touch
from laurels.program.state import ProgramState

if TYPE_CHECKING:
    from laurels.program.program import Program


class Outstanding(Struct, frozen=True):
    """Points by state: pending, active, held (a part of active), and apart what members owe. `total` is the sum of all
    entries, but for points between two members.
    """

    pending: int = 0
    active: int = 0
    held: int = 0
    owed: int = 0

    @property
    def total(self) -> int:
        """What is outstanding, less what is owed."""
        return self.pending + self.active - self.owed

    def __add__(self, other: "Outstanding") -> "Outstanding":
        return Outstanding(
            self.pending + other.pending, self.active + other.active, self.held + other.held, self.owed + other.owed
        )


class Ladder(Struct, frozen=True):
    """An expectation that an auditor can do again by hand: the factor from each age to the next, what each cohort will
    have redeemed in the end, and the share of everything earned.
    """

    factors: tuple[Fraction, ...]
    ultimate: tuple[Fraction, ...]
    redeemed_share: Fraction
    still_to_come: Fraction

    @property
    def breakage(self) -> Fraction:
        """The share that will never be redeemed."""
        return 1 - self.redeemed_share


class Deferral(Struct, frozen=True):
    """Revenue of sales that gave points (IFRS 15: a material right), in whole minor units of what was put in."""

    deferred: int
    revenue: tuple[int, ...]
    left: int


def outstanding(program: "Program", member: ProgramState, at: int) -> Outstanding:
    """One member at an instant, whether or not a sweep ran; members are added up."""
    now, _ = touch(member, at, program)
    active = now.active
    return Outstanding(now.waiting, max(0, active), now.held, max(0, -active))


def chain_ladder(earned: Sequence[int], redeemed: Sequence[Sequence[int]], tail: Fraction = Fraction(1)) -> Ladder:
    """Expected redemption of cohorts, oldest first: what each earned, and had redeemed by the ages 1, 2, …, each figure
    holding the one before. Factors are weighted by volume; `tail` leads from the last age to the longest expiry.
    No cohort redeems more than it earned. An age at which nobody had redeemed anything moves nothing.
    """
    ages = max(len(row) for row in redeemed)
    factors = []
    for age in range(ages - 1):
        both = [row for row in redeemed if len(row) > age + 1]
        before = sum(row[age] for row in both)
        factors.append(Fraction(sum(row[age + 1] for row in both), before) if before else Fraction(1))
    ultimate = []
    for total, row in zip(earned, redeemed, strict=True):
        expected = Fraction(row[-1])
        for factor in factors[len(row) - 1 :]:
            expected *= factor
        ultimate.append(min(expected * tail, Fraction(total)))
    everything = sum(earned)
    share = sum(ultimate, Fraction()) / everything if everything else Fraction(0)
    return Ladder(tuple(factors), tuple(ultimate), share, sum(ultimate, Fraction()) - sum(row[-1] for row in redeemed))


def defer(sales: Fraction, value: Fraction, expected: Sequence[Fraction], redeemed: Sequence[int]) -> Deferral:
    """Share sales between goods and points by stand-alone prices, and recognise revenue as points are redeemed: after
    each period, the share redeemed so far of what is now expected in all; a new expectation catches up at once.
    """
    price = expected[0] * value
    deferred = sales * price / (sales + price) if sales + price else Fraction(0)
    revenue, done = [], Fraction(0)
    for so_far, in_all in zip(redeemed, expected, strict=True):
        due = deferred * min(Fraction(1), Fraction(so_far) / in_all) if in_all else deferred
        revenue.append(half_up(due) - half_up(done))
        done = due
    return Deferral(half_up(deferred), tuple(revenue), half_up(deferred) - sum(revenue))


def add_up(members: Iterable[Outstanding]) -> Outstanding:
    """The sum over members."""
    return sum(members, Outstanding())


def half_up(value: Fraction) -> int:
    """The nearest whole number; a half goes up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def in_money(millionths: Fraction, currency: str) -> str:
    """Millionths of major units as a decimal string of them, rounded once to minor units, half-up."""
    return format_amount(half_up(millionths * 10 ** DECIMALS[currency] / 1_000_000), currency)
