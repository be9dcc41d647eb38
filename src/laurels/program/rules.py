"""What a program is made of, as frozen structs: matches, exclusions, rates, campaigns, groups, tiers, expiry.

Money is in minor units, multipliers in thousandths, quantities in millionths, instants in microseconds.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

LINE_FIELDS = ("sku", "category", "brand", "kind", "tag")
"""What a match may ask of a line; each also as `not_FIELD`."""

GOODS = "goods"
"""The kind of a line that says none."""

Money: TypeAlias = tuple[tuple[str, int], ...]
"""Amounts in minor units by currency, in the order of the file."""

Traits: TypeAlias = tuple[str | None, str | None, str | None, str, tuple[str, ...]]
"""What is matched of a line: sku, category, brand, kind, tags."""


class Condition(Struct, frozen=True):
    """One field of a match: true where one of the values fits, or, negated, where none does."""

    field: int
    values: frozenset[str]
    negated: bool

    def fits(self, traits: Traits) -> bool:
        """A category fits by whole segments of its path; a tag where the line has one of them; the rest as they are."""
        have = traits[self.field]
        if have is None:
            hit = False
        elif isinstance(have, tuple):
            hit = not self.values.isdisjoint(have)
        elif self.field == 1:
            hit = not self.values.isdisjoint(paths(have))
        else:
            hit = have in self.values
        return hit != self.negated


class Match(Struct, frozen=True):
    """What lines a rule is for. Every condition has to fit; without one, every line does."""

    conditions: tuple[Condition, ...] = ()

    def fits(self, traits: Traits) -> bool:
        """Whether a line is meant. Linear in the conditions and the depth of the line's category."""
        return all(condition.fits(traits) for condition in self.conditions)

    def asks(self, field: str) -> bool:
        """Whether a condition is about this field."""
        return any(LINE_FIELDS[condition.field] == field for condition in self.conditions)


class Exclusion(Struct, frozen=True):
    """Lines that never earn, in some regions or everywhere."""

    name: str
    match: Match
    regions: frozenset[str] = frozenset()


class Rate(Struct, frozen=True):
    """`points` for every `per` of what a line costs, or for every `per_quantity` millionths of its quantity."""

    name: str
    points: int
    match: Match = Match()
    per: Money = ()
    per_quantity: int | None = None


class Caps(Struct, frozen=True):
    """The most points that a member gets of one bonus: in a day, a month, a year of the program's zone, and ever."""

    day: int | None = None
    month: int | None = None
    year: int | None = None
    ever: int | None = None


class Where(Struct, frozen=True, kw_only=True):
    """What is asked of the order and the member, once, when the order is awarded. Empty or None: nothing is asked."""

    channel: frozenset[str] = frozenset()
    source: frozenset[str] = frozenset()
    region: frozenset[str] = frozenset()
    store: frozenset[str] = frozenset()
    coupon: frozenset[str] = frozenset()
    payment: frozenset[str] = frozenset()
    tier: frozenset[str] = frozenset()
    segment: frozenset[str] = frozenset()
    nth_order: int | None = None
    every_nth_order: int | None = None
    birthday_within_days: int | None = None
    total_max: Money = ()
    referred: bool | None = None
    member_for_days: int | None = None


class Campaign(Struct, frozen=True, kw_only=True):
    """A bonus beside the base. `starts` and `ends` are instants; the end is not in it."""

    name: str
    starts: int | None = None
    ends: int | None = None
    days: frozenset[int] = frozenset()
    hours: tuple[int, int] | None = None
    where: Where = Where()
    match: Match = Match()
    multiply: int | None = None
    points: int | None = None
    per_unit: int | None = None
    spend_min: Money = ()
    units_min: int = 0
    order_cap: int | None = None
    caps: Caps | None = None
    budget: int | None = None
    group: str | None = None
    priority: int = 100
    holdout: int = 0


class Group(Struct, frozen=True, kw_only=True):
    """Campaigns of which the best counts, for the whole order or line by line."""

    name: str
    scope: Literal["order", "line"] = "order"
    caps: Caps | None = None
    budget: int | None = None


class Level(Struct, frozen=True):
    """A tier: what has to be reached (points, or minor units where `spend` counts), and by what base is multiplied."""

    name: str
    reach: int
    multiply: int = 1000


class Tiers(Struct, frozen=True, kw_only=True):
    """The tiers, lowest first, and what counts towards them over which period."""

    levels: tuple[Level, ...]
    counts: Literal["base", "points", "spend"] = "base"
    period: Literal["year", "rolling-12"] = "year"
    grace_months: int = 0
    soft_landing: bool = False

    def index(self, name: str | None) -> int:
        """The place of a tier by name; -1 where there is none of that name."""
        return next((place for place, level in enumerate(self.levels) if level.name == name), -1)


class Expiry(Struct, frozen=True, kw_only=True):
    """When points lapse. `date` is (month, day); `remind_days` is how many days before a reminder is sent."""

    kind: Literal["never", "after-months", "fixed-date", "inactivity"] = "never"
    months: int = 0
    end_of_month: bool = False
    date: tuple[int, int] = (12, 31)
    at_least_months: int = 0
    remind_days: tuple[int, ...] = ()


class Rounding(Struct, frozen=True):
    """How values become whole points, and of what: the order, each rate, or each line."""

    to: Literal["half-up", "floor", "carry"] = "half-up"
    at: Literal["order", "rate", "line"] = "order"


def paths(category: str) -> list[str]:
    """A category and all that hold it: `baby/formula/1` -> `baby/formula/1`, `baby/formula`, `baby`."""
    found = [category]
    while (cut := category.rfind("/")) >= 0:
        category = category[:cut]
        found.append(category)
    return found
