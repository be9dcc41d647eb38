"""f: what the kept goods of an order earn in its frame, in grains, part by part.

It is 0 where nothing is kept, and never falls when more is kept: sums with weights of 0 or more, rounding, multipliers
of 1 or more, a threshold times something not negative, the best of several, and the least of it and a cap.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.errors import PointsOutOfRange
from laurels.program.basket import ONE
from laurels.program.frame import CAMPAIGN, GROUP, TIER, Bonus, Frame, Refunded
from laurels.program.grains import GRAIN, MILLI

if TYPE_CHECKING:
    from laurels.program.program import Program

MOST_POINTS = 2**31 - 1
"""What an order may earn; where remainders are carried, fewer, so that grains fit 64 bits."""

_MOST_GRAINS = 1_800_000_000 * GRAIN

CAP = "cap"
"""The name of what falls away under the program's own caps. No bonus has it."""

Cut = tuple[tuple[str, int], ...]
"""By bonus, or `CAP` for the cap of the day: the room that an order has left, in units of its program, where others got
of it while goods were refunded that are kept again.
"""


class Worth(Struct, gc=False):
    """What is kept, and what it earns. `parts` begins with base; `cap` is what falls away under the program's caps.
    `spend` is what earns of the kept goods, in whole minor units below, where tiers count it.
    """

    parts: list[tuple[str, int]]
    grains: int
    kept: bool
    spend: int


def worth(program: "Program", frame: Frame, refunded: Refunded) -> Worth:
    """What the kept goods earn: f. Linear in the lines and in the lines of each bonus. Raises `PointsOutOfRange`."""
    goods = Goods(program, frame, refunded)
    whole = goods.points(None, 0)
    parts = [("base", whole)]
    more_of, names = program.plan.more, program.plan.names
    met: dict[tuple[tuple[int, ...], int], int] = {}  # many campaigns multiply the same lines
    for bonus in frame.bonuses:
        number, room = bonus.number, bonus.room
        more = None if bonus.kind else more_of[number]
        if more:
            key = (bonus.parts[0][1], more)
            grains = met.get(key, -1)
            if grains < 0:
                grains = met[key] = goods.points(*key)
            name = names[number]
        else:
            grains, name = worth_of_bonus(goods, bonus), bonus_name(program, bonus)
        if room is not None and grains > room:
            grains = room
        parts.append((name, grains))
        whole += grains
    spend = goods.spend() if counts_spend(program) else 0
    return in_all(program, parts, whole, frame.room, kept=any(goods.kept), spend=spend)


def narrowed(program: "Program", frame: Frame, cut: Cut) -> Frame:
    """A frame with the room that others left it. Nothing is narrowed below what an order has, so it has as much."""
    if not cut:
        return frame
    rooms, unit, room = dict(cut), unit_of(program), frame.room
    bonuses = [
        replace(bonus, room=min(bonus.room, rooms[name] * unit))
        if bonus.room is not None and (name := bonus_name(program, bonus)) in rooms
        else bonus
        for bonus in frame.bonuses
    ]
    if room is not None and CAP in rooms:
        room = min(room, rooms[CAP] * unit)
    return replace(frame, bonuses=tuple(bonuses), room=room)


def in_all(
    program: "Program", parts: list[tuple[str, int]], grains: int, limit: int | None, *, kept: bool, spend: int
) -> Worth:
    """What parts come to, that add up to so many grains, under the program's own caps; `limit` is what is left of the
    day's. Raises `PointsOutOfRange`.
    """
    if grains > (_MOST_GRAINS if program.plan.carries else MOST_POINTS * GRAIN):
        raise PointsOutOfRange
    if program.order_cap is not None and (limit is None or program.order_cap * GRAIN < limit):
        limit = program.order_cap * GRAIN
    if limit is not None and grains > limit:
        parts.append((CAP, limit - grains))
        grains = limit
    return Worth(parts, grains, kept, spend)


def counts_spend(program: "Program") -> bool:
    """Whether tiers count what is spent, not points."""
    return program.tiers is not None and program.tiers.counts == "spend"


def bonus_name(program: "Program", bonus: Bonus) -> str:
    """The name of a bonus's part."""
    if bonus.kind == CAMPAIGN:
        return program.campaigns[bonus.number].name
    if bonus.kind == GROUP:
        return program.groups[bonus.number].name
    assert bonus.kind == TIER, "there is no other kind"
    assert program.tiers is not None, "a tier's bonus needs tiers"
    return f"tier {program.tiers.levels[bonus.number].name}"


def unit_of(program: "Program") -> int:
    """Grains in the unit that worth is counted and written down in: a point, or, where remainders are carried, one."""
    return 1 if program.plan.carries else GRAIN


class Goods:
    """What is kept of an order, and what it is worth line by line: whole numerators over one denominator. Worth is
    counted in `unit`s: whole points, or, where remainders are carried, grains.
    """

    def __init__(self, program: "Program", frame: Frame, refunded: Refunded) -> None:
        plan = program.plan
        self.program = program
        self.frame = frame
        self.carries = plan.carries
        self.unit = unit_of(program)
        self._half = plan.to == "half-up"
        self.kept, self._kept_over = refunded.kept(frame)
        self._rate = frame.rate
        self._by_line = program.at == "line"
        self._by_rate = program.at == "rate"
        self._simply = not (self.carries or self._by_line or self._by_rate)
        units, over = plan.units(frame.currency)
        if frame.taxed or (plan.rates[0].per_quantity if not frame.rate else self._any_quantity(program)):
            self._exactly(program)
            return
        if frame.rate:
            self.value = [
                amount * units[rate] if rate >= 0 else 0  # type: ignore[operator]  # a frame's rates name its currency
                for amount, rate in zip(self.kept, frame.rate, strict=True)
            ]
        else:
            unit = units[0]
            assert unit is not None, "a frame's rates name its currency"
            self.value = [amount * unit for amount in self.kept]
        self.over = over * self._kept_over
        if frame.paid is not None:
            earning, paid = frame.paid
            self.value = [each * earning for each in self.value]
            self.over *= paid

    def _any_quantity(self, program: "Program") -> bool:
        return any(rate >= 0 and program.plan.rates[rate].per_quantity for rate in self._rate)

    def _exactly(self, program: "Program") -> None:
        """The slow way, in fractions: where shares differ from line to line."""
        frame, values = self.frame, []
        for line, amount in enumerate(self.kept):
            number = frame.rate[line] if frame.rate else 0
            if number < 0 or not frame.net[line]:
                values.append(Fraction(0))
                continue
            rate = program.plan.rates[number]
            if rate.per_quantity is not None:
                share = Fraction(amount, self._kept_over * frame.net[line])
                value = share * frame.quantity_of(line) * rate.points / rate.per_quantity
            else:
                value = Fraction(amount * rate.points, self._kept_over * dict(rate.per)[frame.currency])
            values.append(value * self._earning(line))
        self.over = lcm(*(value.denominator for value in values))
        self.value = [value.numerator * (self.over // value.denominator) for value in values]

    def _earning(self, line: int) -> Fraction:
        """The share of a line that earns: tax and payments."""
        frame = self.frame
        share = Fraction(frame.taxed[line]) if frame.taxed else Fraction(1)
        return share * Fraction(*frame.paid) if frame.paid is not None else share

    def points(self, lines: Sequence[int] | None, more: int) -> int:
        """Grains of the value of some lines (None: all), times `more` thousandths, or once where that is 0. Where
        remainders are carried, exact; else rounded first and then multiplied, so that triple is three times the points
        that are seen.
        """
        return self.count(lines, more) * self.unit

    def count(self, lines: Sequence[int] | None, more: int) -> int:
        """The same in `unit`s."""
        value = self.value
        here = value if lines is None else [value[line] for line in lines]
        if self._simply:
            return self._whole(sum(here), more)
        if self.carries:
            if more:
                return sum(here) * more * GRAIN // (self.over * MILLI)
            return sum(here) * GRAIN // self.over
        if self._by_line:
            return sum([self._whole(each, more) for each in here])
        if self._by_rate and self._rate:
            buckets: dict[int, int] = {}
            for line in range(len(value)) if lines is None else lines:
                rate = self._rate[line]
                buckets[rate] = buckets.get(rate, 0) + value[line]
            return sum([self._whole(each, more) for each in buckets.values()])
        return self._whole(sum(here), more)  # by rate, of an order that has one

    def _whole(self, value: int, more: int) -> int:
        over = self.over
        if self._half:
            points = (2 * value + over) // (2 * over)
            return (2 * points * more + MILLI) // (2 * MILLI) if more else points
        points = value // over
        return points * more // MILLI if more else points

    def spends(self, lines: Sequence[int], least: int) -> bool:
        """Whether what earns of some lines is at least so many minor units."""
        if self.frame.taxed:
            amounts = [Fraction(self.kept[line], self._kept_over) * self._earning(line) for line in lines]
            return sum(amounts) >= least
        amount = sum([self.kept[line] for line in lines])
        earning, paid = self.frame.paid or (1, 1)
        return amount * earning >= least * self._kept_over * paid

    def spend(self) -> int:
        """What earns of everything that is kept, in whole minor units below."""
        frame = self.frame
        lines = [line for line in range(len(self.kept)) if not frame.rate or frame.rate[line] >= 0]
        if frame.taxed:
            exact = sum(
                (Fraction(self.kept[line], self._kept_over) * self._earning(line) for line in lines), Fraction()
            )
            return exact.numerator // exact.denominator
        earning, paid = frame.paid or (1, 1)
        return sum([self.kept[line] for line in lines]) * earning // (self._kept_over * paid)

    def units(self, lines: Sequence[int]) -> int:
        """Whole units that are kept, each line rounded up: a goodwill penny costs no unit."""
        found = 0
        for line in lines:
            if net := self.frame.net[line]:
                found -= -self.frame.quantity_of(line) * self.kept[line] // (ONE * self._kept_over * net)
        return found


def worth_of_bonus(goods: Goods, bonus: Bonus) -> int:
    """Grains of a bonus, without its limit."""
    program = goods.program
    if bonus.kind == TIER:
        assert program.tiers is not None, "a tier's bonus needs tiers"
        return goods.points(bonus.parts[0][1], program.tiers.levels[bonus.number].multiply - MILLI)
    if bonus.kind == GROUP and program.groups[bonus.number].scope == "line":
        return sum(
            goods.points(lines, more)
            for number, lines in bonus.parts
            if (more := (program.campaigns[number].multiply or MILLI) - MILLI)
        )
    if len(bonus.parts) == 1:
        return worth_of_campaign(goods, *bonus.parts[0])
    return max(worth_of_campaign(goods, number, lines) for number, lines in bonus.parts)


def worth_of_campaign(goods: Goods, number: int, lines: tuple[int, ...]) -> int:
    """Grains of a campaign for some lines, without its limit."""
    campaign = goods.program.campaigns[number]
    if campaign.spend_min:
        least = dict(campaign.spend_min).get(goods.frame.currency)
        if least is None or not goods.spends(lines, least):
            return 0
    units = goods.units(lines) if campaign.units_min or campaign.per_unit is not None else 0
    if units < campaign.units_min:
        return 0
    grains = 0
    if campaign.multiply is not None and campaign.multiply != MILLI:
        grains = goods.points(lines, campaign.multiply - MILLI)
    if campaign.points is not None or campaign.per_unit is not None:
        if not any(goods.kept[line] for line in lines):
            return 0
        grains += ((campaign.points or 0) + (campaign.per_unit or 0) * units) * GRAIN
    if campaign.order_cap is not None and grains > campaign.order_cap * GRAIN:
        return campaign.order_cap * GRAIN
    return grains
