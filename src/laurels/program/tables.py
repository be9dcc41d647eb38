"""The program as it is written: one struct a table of the TOML, with the limits of every value.

Unknown keys are refused here, and values of the wrong type or size; what hangs together is checked in `checking`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from laurels.model.documents import Channel
from laurels.model.lines import LineKind

UNSEEN = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"
"""What no name may have: controls, and what turns the direction of writing."""

Name = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=rf"^(?!\s)[^{UNSEEN}]+(?<!\s)\Z",
        description="a text in quotes of 1 to 64 characters that are seen, without blanks around it",
    ),
]
Text = Annotated[str, Meta(min_length=1, max_length=128)]
Values = Annotated[list[Text], Meta(min_length=1, max_length=500)]
Kinds = Annotated[list[LineKind], Meta(min_length=1)]
ProgramPoints = Annotated[int, Meta(ge=1, le=1_000_000)]
CapPoints = Annotated[int, Meta(ge=1, le=100_000_000)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
DayCount = Annotated[int, Meta(ge=0, le=3660)]
MonthCount = Annotated[int, Meta(ge=1, le=120)]
LocalTime = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?\Z",
        description='a local time in quotes and without an offset, such as "2026-12-05T00:00"',
    ),
]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d\Z", description='a day in quotes, such as "2027-02-01"')]
Hour = Annotated[
    str,
    Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d\Z|^24:00\Z", description='a time of day in quotes, such as "17:30"'),
]
Multiplier = Annotated[str, Meta(description='a decimal in quotes from 1 on, such as "2" or "1.5"')]
Decimal = Annotated[str, Meta(description='a decimal in quotes, such as "10.00"')]
Decimals = dict[str, Decimal]


class Milestone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A total of points; crossing from `above` or fewer to more sends one message to that member, ever."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z",
            description='a text in quotes of a-z, 0-9 and -, such as "100-points"',
        ),
    ]
    above: Annotated[int, Meta(ge=0, le=2**31 - 2)]


class StrictTable(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the program; keys that it does not know are refused."""


class EarnTable(StrictTable, kw_only=True):
    """The short form: one rate for everything."""

    points: ProgramPoints
    per: Decimals
    rounding: str | None = None


class MatchTable(StrictTable, kw_only=True):
    """Conditions on a line; `not_` turns one round."""

    sku: Values | None = None
    category: Values | None = None
    brand: Values | None = None
    kind: Kinds | None = None
    tag: Values | None = None
    not_sku: Values | None = None
    not_category: Values | None = None
    not_brand: Values | None = None
    not_kind: Kinds | None = None
    not_tag: Values | None = None


class ExcludeTable(MatchTable, kw_only=True):
    """What never earns."""

    name: Name
    region: Values | None = None


class BasisTable(StrictTable, kw_only=True):
    """What of an order earns."""

    tax: Literal["included", "excluded"] = "included"
    exclude_payments: Annotated[list[Text], Meta(max_length=500)] = []
    exclude: Annotated[list[ExcludeTable], Meta(max_length=64)] = []
    not_payable: Annotated[list[ExcludeTable], Meta(max_length=64)] = []


class RateTable(StrictTable, kw_only=True):
    """A rate."""

    name: Name
    points: ProgramPoints
    match: MatchTable = field(default_factory=MatchTable)
    per: Decimals | None = None
    per_quantity: Decimal | None = None


class RoundingTable(StrictTable, kw_only=True):
    """How values become whole points."""

    to: Literal["half-up", "floor", "carry"] = "half-up"
    at: Literal["order", "rate", "line"] = "order"


class CapsTable(StrictTable, kw_only=True):
    """Caps of one bonus for one member."""

    day: CapPoints | None = None
    month: CapPoints | None = None
    year: CapPoints | None = None
    ever: CapPoints | None = None


class GroupTable(StrictTable, kw_only=True):
    """An exclusive group."""

    name: Name
    scope: Literal["order", "line"] = "order"
    caps: CapsTable | None = None
    budget: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class WhereTable(StrictTable, kw_only=True):
    """Conditions on the order and the member."""

    channel: Annotated[list[Channel], Meta(min_length=1)] | None = None
    source: Values | None = None
    region: Values | None = None
    store: Values | None = None
    coupon: Values | None = None
    payment: Values | None = None
    tier: Values | None = None
    segment: Values | None = None
    nth_order: Count | None = None
    every_nth_order: Count | None = None
    birthday_within_days: Annotated[int, Meta(ge=0, le=182)] | None = None
    total_max: Decimals | None = None
    referred: bool | None = None
    member_for_days: DayCount | None = None


class CampaignTable(StrictTable, kw_only=True):
    """A campaign."""

    name: Name
    starts: LocalTime | None = field(default=None, name="from")
    until: LocalTime | None = None
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Meta(min_length=1)] | None = None
    hours: tuple[Hour, Hour] | None = None
    where: WhereTable = field(default_factory=WhereTable)
    match: MatchTable = field(default_factory=MatchTable)
    multiply: Multiplier | None = None
    points: ProgramPoints | None = None
    per_unit: ProgramPoints | None = None
    spend_min: Decimals | None = None
    units_min: Count | None = None
    order_cap: CapPoints | None = None
    caps: CapsTable | None = None
    budget: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    group: str | None = None
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    holdout: (
        Annotated[
            str,
            Meta(pattern=r"^(0|[1-9]\d?)(\.\d{1,2})?%\Z", description='a share below 100 % in quotes, such as "5%"'),
        ]
        | None
    ) = None


class ProgramCapsTable(StrictTable, kw_only=True):
    """Caps over everything that an order, or a member's day, earns."""

    order: CapPoints | None = None
    day: CapPoints | None = None


class PendingTable(StrictTable, kw_only=True):
    """How long points wait before they can be spent."""

    days: DayCount


class ExpiryTable(StrictTable, kw_only=True):
    """When points lapse."""

    kind: Literal["never", "after-months", "fixed-date", "inactivity"]
    months: MonthCount | None = None
    round: Literal["end-of-month"] | None = None
    date: (
        Annotated[str, Meta(pattern=r"^\d\d-\d\d\Z", description='a day of the year in quotes, such as "12-31"')] | None
    ) = None
    at_least_months: Annotated[int, Meta(ge=0, le=120)] | None = None
    remind_days: Annotated[tuple[Annotated[int, Meta(ge=1, le=365)], ...], Meta(max_length=4)] = ()


class ExtensionTable(StrictTable, kw_only=True):
    """Points that lapse on days, from the first of two up to the second, and when they lapse instead."""

    expiring: tuple[Day, Day]
    until: Day


class RestoreTable(StrictTable, kw_only=True):
    """How much life points keep while they are spent."""

    days: DayCount


class LevelTable(StrictTable, kw_only=True):
    """A tier."""

    name: Name
    reach: Annotated[int, Meta(ge=0, le=10**15)]
    multiply: Multiplier | None = None


class TiersTable(StrictTable, kw_only=True):
    """The tiers."""

    levels: Annotated[list[LevelTable], Meta(max_length=16)] = []
    counts: Literal["base", "points", "spend"] = "base"
    period: Literal["year", "rolling-12"] = "year"
    grace_months: Annotated[int, Meta(ge=0, le=12)] = 0
    soft_landing: bool = False


class RefundsTable(StrictTable, kw_only=True):
    """How long refunds are taken."""

    within_days: Annotated[int, Meta(ge=1, le=36600)]


class ProgramTable(StrictTable, kw_only=True):
    """A whole program."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    name: Annotated[str, Meta(max_length=200)] = ""
    starts: datetime | None = field(default=None, name="from")
    time_zone: str = "Europe/London"
    earn: EarnTable | None = None
    value: Decimals | None = None
    expected_redeemed: Decimal | None = None
    basis: BasisTable = field(default_factory=BasisTable)
    rates: Annotated[list[RateTable], Meta(max_length=64)] = []
    rounding: RoundingTable | None = None
    groups: Annotated[list[GroupTable], Meta(max_length=64)] = []
    campaigns: Annotated[list[CampaignTable], Meta(max_length=200)] = []
    caps: ProgramCapsTable = field(default_factory=ProgramCapsTable)
    pending: PendingTable | None = None
    expiry: ExpiryTable | None = None
    extensions: Annotated[list[ExtensionTable], Meta(max_length=100)] = []
    restore: RestoreTable | None = None
    tiers: TiersTable | None = None
    refunds: RefundsTable | None = None
    milestones: Annotated[list[Milestone], Meta(max_length=200)] = []


def read_table(loaded: dict[str, Any]) -> ProgramTable:
    """What TOML gave, as structs. Raises `msgspec.ValidationError`."""
    return msgspec.convert(loaded, ProgramTable)
