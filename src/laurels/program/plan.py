"""A program made ready for judging: lines are sorted into classes once, and campaigns are looked up by the moment.

A line's class is its rate and the campaigns that it matches. It follows from category, brand, kind, tags and, where a
rule asks for it, the SKU and the order's region; so a shop's lines fall into few classes, and each is found once.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import lcm
from typing import TYPE_CHECKING

from laurels.program.frame import campaign_head
from laurels.program.grains import GRAIN, MILLI
from laurels.program.rules import LINE_FIELDS, Campaign, Caps, Exclusion, Group, Rate, Traits, Where

if TYPE_CHECKING:
    from laurels_core import Bonuses

    from laurels.program.basket import BasketLine
    from laurels.program.program import Program

NO_RATE = -1
"""In a frame: a line that no rate fits."""

DISCOUNT = -2
"""In a frame: a discount on the whole order."""

_EXCLUDED = -3
_MOST_CLASSES = 1 << 16
_MOST_DAYS = 1 << 10

Class = tuple[int, tuple[int, ...]]
"""A line's rate, or why it has none, and which of the campaigns' matches fit it, by number: many ask for the same."""


Used = tuple[tuple[str, str], int]
"""What counts the use of a cap (the bonus and the period), and the cap in grains."""

Run = tuple[int, int, bool, int | None, bool, int | None, bytes]
"""A running campaign: its number, its match's, whether it asks for more than its window and its lines, its group's,
whether it has caps or a budget; the same number for all that multiply the same lines by the same, None where it asks or
gives more than that; and how its bonus begins in a frame.
"""


def excluded(number: int) -> int:
    """How a frame says that a line is left out by exclusion `number`; and the other way round."""
    return _EXCLUDED - number


class Plan:
    """Made once for a version and kept with it; what it remembers of lines is bounded."""

    def __init__(self, program: "Program") -> None:
        self.version = program.version
        self.zone = program.zone
        self.rates = program.rates or (Rate("all", program.earn.points, per=tuple(program.earn.per.items())),)
        self.to = program.earn.rounding
        self.carries = self.to == "carry"
        self.campaigns = program.campaigns
        self.tiers = program.tiers
        self.exclude = program.exclude
        self.caps: dict[str, Caps] = {}
        self.budgets: dict[str, int] = {}
        bonuses: tuple[Campaign | Group, ...] = (*program.campaigns, *program.groups)
        for bonus in bonuses:
            if bonus.caps is not None:
                self.caps[bonus.name] = bonus.caps
            if bonus.budget is not None:
                self.budgets[bonus.name] = bonus.budget
        self.limited_names = self.caps.keys() | self.budgets.keys()
        groups = {group.name: number for number, group in enumerate(program.groups)}
        self.group_of = tuple(groups[c.group] if c.group is not None else None for c in program.campaigns)
        self.plain = self._is_plain(program)
        rules: tuple[Exclusion | Rate | Campaign, ...] = (*self.exclude, *self.rates, *self.campaigns)
        matches = [rule.match for rule in rules]
        self.by_sku = any(match.asks(LINE_FIELDS[0]) for match in matches)
        self.by_region = any(exclusion.regions for exclusion in self.exclude)
        self._classes: dict[tuple[object, ...], Class] = {}
        self._capped: dict[str, dict[str, tuple[Used, ...]]] = {}
        self._units: dict[str, tuple[tuple[int | None, ...], int]] = {}
        self._matches = tuple({campaign.match: None for campaign in self.campaigns})
        self.names = tuple(campaign.name for campaign in self.campaigns)
        self.asks_people = any(_asks_people(campaign) for campaign in self.campaigns)
        self.more = tuple(_more(campaign) for campaign in self.campaigns)
        self._alike: dict[tuple[int, int], int] = {}
        runs = tuple(self._run(number, campaign) for number, campaign in enumerate(self.campaigns))
        self.of_core: dict[str, Bonuses | None] = {}
        """The same for the native core, by currency (`native`); None: it cannot."""
        self._edges, running = _segments(self.campaigns)
        self.stretches = [tuple(runs[number] for number in numbers) for numbers in running]

    def classes(self, lines: Sequence["BasketLine"], region: str | None) -> tuple[list[int], list[tuple[int, ...]]]:
        """Each line's rate, and each line's matches. Constant for a line whose like was met before."""
        known, by_sku = self._classes, self.by_sku
        region = region if self.by_region else None
        rates: list[int] = []
        hits: list[tuple[int, ...]] = []
        for line in lines:
            if line.unit_price < 0:
                rates.append(DISCOUNT)
                hits.append(())
                continue
            key = (line.category, line.brand, line.kind, line.tags, line.sku if by_sku else None, region)
            found = known.get(key) or self._learn(key, line, region)
            rates.append(found[0])
            hits.append(found[1])
        return rates, hits

    def capped_on(self, day: str) -> Mapping[str, tuple[Used, ...]]:
        """What counts the use of each bonus's caps on a day, and each cap in grains. Remembered."""
        found = self._capped.get(day)
        if found is None:
            if len(self._capped) >= _MOST_DAYS:
                self._capped.clear()
            found = self._capped[day] = {name: _capped(caps, name, day) for name, caps in self.caps.items()}
        return found

    def running(self, at: int) -> "tuple[Run, ...]":
        """The campaigns in whose window an instant lies. Logarithmic in the number of campaigns."""
        return self.stretches[self.stretch(at)]

    def stretch(self, at: int) -> int:
        """Which of the stretches of time, in each of which the same campaigns run, an instant lies in."""
        return bisect_right(self._edges, at)

    def units(self, currency: str) -> tuple[tuple[int | None, ...], int]:
        """What one minor unit (or a millionth of the quantity) is worth by each rate, over one common denominator, in
        points; None where a rate does not name the currency.
        """
        found = self._units.get(currency)
        if found is None:
            pers = [rate.per_quantity or dict(rate.per).get(currency) for rate in self.rates]
            whole = lcm(*(per for per in pers if per))
            units = tuple(
                rate.points * whole // per if per else None for rate, per in zip(self.rates, pers, strict=True)
            )
            found = self._units[currency] = units, whole
        return found

    def _run(self, number: int, campaign: Campaign) -> "Run":
        limited = campaign.name in self.limited_names
        match, more = self._matches.index(campaign.match), self.more[number]
        alike = self._alike.setdefault((match, more), len(self._alike)) if more else None
        return number, match, _asks(campaign), self.group_of[number], limited, alike, campaign_head(number)

    def _learn(self, key: tuple[object, ...], line: "BasketLine", region: str | None) -> Class:
        if len(self._classes) >= _MOST_CLASSES:
            self._classes.clear()
        found = self._classes[key] = self.class_of(line, region)
        return found

    def class_of(self, line: "BasketLine", region: str | None) -> Class:
        """A line's class, worked out. Linear in rules."""
        traits: Traits = (line.sku, line.category, line.brand, line.kind, line.tags)
        for number, exclusion in enumerate(self.exclude):
            if exclusion.match.fits(traits) and (not exclusion.regions or region in exclusion.regions):
                return excluded(number), ()
        for number, rate in enumerate(self.rates):
            if rate.match.fits(traits):
                return number, tuple(n for n, match in enumerate(self._matches) if match.fits(traits))
        return NO_RATE, ()

    def _is_plain(self, program: "Program") -> bool:
        return (
            len(self.rates) == 1
            and not self.rates[0].match.conditions
            and self.rates[0].per_quantity is None
            and program.at == "order"
            and not self.carries
            and program.tax == "included"
            and not (program.exclude or program.exclude_payments or program.campaigns)
            and program.order_cap is None
            and program.day_cap is None
            and (program.tiers is None or all(level.multiply == MILLI for level in program.tiers.levels))
        )


def _more(campaign: Campaign) -> int | None:
    """By how many thousandths more a campaign multiplies, where that is all it does; None where it asks or gives more
    than that.
    """
    other = (campaign.points, campaign.per_unit, campaign.order_cap)
    if campaign.multiply is None or campaign.spend_min or campaign.units_min or other != (None, None, None):
        return None
    return campaign.multiply - MILLI


def _capped(caps: Caps, name: str, day: str) -> tuple[Used, ...]:
    periods = ((day, caps.day), (day[:7], caps.month), (day[:4], caps.year), ("ever", caps.ever))
    return tuple(((name, period), cap * GRAIN) for period, cap in periods if cap is not None)


def _asks(campaign: Campaign) -> bool:
    """Whether a campaign asks for more than its window and its lines."""
    return bool(campaign.where != Where() or campaign.days or campaign.hours or campaign.holdout)


def _asks_people(campaign: Campaign) -> bool:
    """Whether a campaign asks what the shop has said of a member, when it was enrolled, or whether it is held out."""
    where = campaign.where
    said = (where.birthday_within_days, where.member_for_days, where.referred)
    return bool(campaign.holdout or where.segment) or said != (None, None, None)


def _segments(campaigns: tuple[Campaign, ...]) -> tuple[list[int], list[tuple[int, ...]]]:
    """The instants at which the running campaigns change, and which run before each and after the last."""
    edges = sorted({edge for campaign in campaigns for edge in (campaign.starts, campaign.ends) if edge is not None})
    running = [
        tuple(
            number
            for number, campaign in enumerate(campaigns)
            if (campaign.starts is None or (at is not None and campaign.starts <= at))
            and (campaign.ends is None or at is None or at < campaign.ends)
        )
        for at in (None, *edges)
    ]
    return edges, running
