"""An order line by line: what each line's net is, what is left of it, and what it earns by; and what may be paid with
points.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount
from laurels.program.basket import WHOLE, Basket, nets, weights
from laurels.program.details import LONGEST
from laurels.program.frame import Frame, Refunded
from laurels.program.grains import format_grains
from laurels.program.plan import DISCOUNT, NO_RATE, excluded
from laurels.program.worth import worth

if TYPE_CHECKING:
    from laurels.program.program import Program


class LineOf(Struct, frozen=True):
    """A line of an order, counted from 1 as it was sent. Amounts are in minor units; `left` is cut, since what is kept
    of a line may have a part of one. `rate` is None where it earns nothing, and `why` says why.
    """

    line: int
    net: int
    left: int
    rate: str | None
    why: str | None = None


def lines_of(program: "Program", frame: Frame, refunded: Refunded) -> tuple[LineOf, ...]:
    """Every line of an order, as it is kept now."""
    kept, over = refunded.kept(frame)
    found = []
    for line, net in enumerate(frame.net):
        number = frame.rate[line] if frame.rate else 0
        rate = program.plan.rates[number].name if number >= 0 else None
        found.append(LineOf(line + 1, net, kept[line] // over, rate, _why(program, number)))
    return tuple(found)


def explain(program: "Program", frame: Frame, refunded: Refunded) -> list[str]:
    """What the kept goods of an order earn, a text for each line and for each part; each at most 1,000 characters."""
    said = []
    for line in lines_of(program, frame, refunded):
        left = format_amount(line.left, frame.currency)
        said.append(f"line {line.line}: {left} {frame.currency} {line.rate or line.why}")
    value = worth(program, frame, refunded)
    said += [f"{name} {format_grains(grains)}" for name, grains in value.parts]
    tier = f", {program.tiers.levels[frame.tier].name}" if program.tiers is not None and frame.tier >= 0 else ""
    said.append(f"in all {format_grains(value.grains)} (version {program.version}{tier})")
    return [text[:LONGEST] for text in said]


def payable(program: "Program", basket: Basket) -> int:
    """How much of an order, in minor units, may be paid with points: its lines but for those that `basis.not_payable`
    names. What a redemption pays for is the till's to keep to.
    """
    lines = basket.lines or (WHOLE,)
    total = 0
    for line, net in zip(lines, nets(basket.total, weights(lines), basket.currency), strict=True):
        traits = (line.sku, line.category, line.brand, line.kind, line.tags)
        if not any(
            rule.match.fits(traits) and (not rule.regions or basket.region in rule.regions)
            for rule in program.not_payable
        ):
            total += net
    return total


def payable_points(program: "Program", basket: Basket) -> int | None:
    """The same in whole points by the program's `value`, rounded down; None where it names no value of the currency."""
    value = dict(program.value).get(basket.currency)
    if not value:
        return None
    millionths: int = 10 ** (6 - DECIMALS[basket.currency])
    return payable(program, basket) * millionths // value


def _why(program: "Program", number: int) -> str | None:
    if number >= 0:
        return None
    if number == DISCOUNT:
        return "a discount on the order"
    return "no rate" if number == NO_RATE else f"{program.exclude[excluded(number)].name} earns nothing"
