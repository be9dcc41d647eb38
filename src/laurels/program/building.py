"""From the tables of the TOML to the structs that are judged by. Each part is checked as it is built; a refusal names
the path and, where there is one, the name: `campaigns[2] (half): multiply must be 1 or more`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

from laurels.errors import InvalidInput, ProgramError
from laurels.model.money import check_currency, parse_amount, parse_decimal
from laurels.model.times import from_datetime
from laurels.program.grains import MILLI
from laurels.program.local_time import days_in, instant_of
from laurels.program.rules import (
    LINE_FIELDS,
    Campaign,
    Caps,
    Condition,
    Exclusion,
    Expiry,
    Group,
    Level,
    Match,
    Money,
    Rate,
    Tiers,
    Where,
)
from laurels.program.tables import (
    CampaignTable,
    CapsTable,
    ExcludeTable,
    ExpiryTable,
    GroupTable,
    MatchTable,
    RateTable,
    TiersTable,
    WhereTable,
)

FIRST, LAST = (from_datetime(datetime(year, 1, 1, tzinfo=UTC)) for year in (1900, 9000))

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MAX_MULTIPLY = 100_000
_SETS = ("channel", "source", "region", "store", "coupon", "payment", "tier", "segment")


def refuse(path: str, name: str | None, message: str) -> ProgramError:
    """The error for one line of the program."""
    return ProgramError(f"{path} ({name}): {message}" if name else f"{path}: {message}")


def seen_as(name: str) -> str:
    """A name as people see it, who cannot tell apart by which characters an accent is written."""
    return normalize("NFC", name)


def build_money(table: Mapping[str, str], path: str, *, zero: bool = False) -> Money:
    """Amounts by currency, more than zero unless `zero`. Raises `ProgramError`."""
    amounts = []
    for currency, text in table.items():
        try:
            amount = parse_amount(text, check_currency(currency, path), f"{path}.{currency}")
        except InvalidInput as error:
            raise ProgramError(str(error)) from error
        if not amount and not zero:
            raise ProgramError(f"{path}.{currency}: must be more than zero")
        amounts.append((currency, amount))
    return tuple(amounts)


def build_match(table: MatchTable, path: str, name: str | None = None) -> Match:
    """The conditions of a match."""
    conditions = []
    for place, field in enumerate(LINE_FIELDS):
        for negated, key in ((False, field), (True, f"not_{field}")):
            values = getattr(table, key)
            if values is None:
                continue
            if field == "category" and any("" in value.split("/") for value in values):
                raise refuse(path, name, f"{key}: a category is segments joined by /, such as baby/formula")
            conditions.append(Condition(place, frozenset(map(str, values)), negated))
    return Match(tuple(conditions))


def build_exclusions(tables: Iterable[ExcludeTable], path: str) -> tuple[Exclusion, ...]:
    """What never earns, or cannot be paid for with points."""
    found = []
    for number, table in enumerate(tables):
        at = f"{path}[{number}]"
        match = build_match(table, at, table.name)
        if not match.conditions and not table.region:
            raise refuse(at, table.name, "say what is meant by sku, category, brand, kind, tag or region")
        found.append(Exclusion(table.name, match, frozenset(table.region or ())))
    _once(found, path)
    return tuple(found)


def build_rates(tables: Iterable[RateTable]) -> tuple[Rate, ...]:
    """The rates; the first that fits a line is its rate, so none may follow one that fits everything."""
    found: list[Rate] = []
    for number, table in enumerate(tables):
        at = f"rates[{number}]"
        if found and not found[-1].match.conditions:
            raise refuse(at, table.name, f"never used: the rate {found[-1].name} before it fits everything")
        if (table.per is None) == (table.per_quantity is None):
            raise refuse(at, table.name, 'say per, such as { GBP = "1.00" }, or per_quantity, such as "2"')
        per: Money = ()
        quantity = None
        if table.per is not None:
            per = build_money(table.per, f"{at}.per")
            if not per:
                raise refuse(at, table.name, 'per: name at least one currency, such as { GBP = "10.00" }')
        else:
            quantity = _decimal(table.per_quantity or "", 6, f"{at}.per_quantity", table.name)
            if not quantity:
                raise refuse(at, table.name, "per_quantity: must be more than zero")
        found.append(Rate(table.name, table.points, build_match(table.match, f"{at}.match", table.name), per, quantity))
    _once(found, "rates")
    return tuple(found)


def build_groups(tables: Iterable[GroupTable]) -> tuple[Group, ...]:
    """The exclusive groups."""
    found = [
        Group(
            name=table.name,
            scope=table.scope,
            caps=_caps(table.caps, f"groups[{number}]", table.name),
            budget=table.budget,
        )
        for number, table in enumerate(tables)
    ]
    _once(found, "groups")
    return tuple(found)


def build_campaigns(tables: Iterable[CampaignTable], zone: ZoneInfo) -> tuple[Campaign, ...]:
    """The campaigns."""
    found = tuple(_campaign(table, f"campaigns[{number}]", zone) for number, table in enumerate(tables))
    _once(found, "campaigns")
    return found


def _campaign(table: CampaignTable, at: str, zone: ZoneInfo) -> Campaign:
    name = table.name
    starts, ends = (
        _instant(text, f"{at}.{key}", name, zone) for key, text in (("from", table.starts), ("until", table.until))
    )
    if starts is not None and ends is not None and ends <= starts:
        raise refuse(at, name, "until must be later than from")
    hours = None
    if table.hours is not None:
        hours = (_minutes(table.hours[0]), _minutes(table.hours[1]))
        if hours[0] >= hours[1]:
            raise refuse(at, name, "hours: the second must be later than the first; hours do not cross midnight")
    if table.multiply is None and table.points is None and table.per_unit is None:
        raise refuse(at, name, "say what it gives: multiply, points or per_unit")
    return Campaign(
        name=name,
        starts=starts,
        ends=ends,
        days=frozenset(_DAYS.index(day) for day in table.days or ()),
        hours=hours,
        where=_where(table.where, f"{at}.where"),
        match=build_match(table.match, f"{at}.match", name),
        multiply=build_multiply(table.multiply, at, name),
        points=table.points,
        per_unit=table.per_unit,
        spend_min=build_money(table.spend_min or {}, f"{at}.spend_min"),
        units_min=table.units_min or 0,
        order_cap=table.order_cap,
        caps=_caps(table.caps, at, name),
        budget=table.budget,
        group=table.group,
        priority=table.priority,
        holdout=_decimal(table.holdout.removesuffix("%"), 2, f"{at}.holdout", name) if table.holdout else 0,
    )


def build_multiply(text: str | None, at: str, name: str) -> int | None:
    """A multiplier in thousandths."""
    if text is None:
        return None
    thousandths = _decimal(text, 3, f"{at}.multiply", name)
    if thousandths < MILLI:
        raise refuse(at, name, "multiply must be 1 or more; what earns less has a rate of its own")
    if thousandths > _MAX_MULTIPLY:
        raise refuse(at, name, "multiply must be 100 or less")
    return thousandths


def build_tiers(table: TiersTable | None) -> Tiers | None:
    """The tiers. Raises `ProgramError`."""
    if table is None:
        return None
    if not table.levels:
        what = "soft_landing needs levels" if table.soft_landing else "name at least one of levels"
        raise ProgramError(f"tiers: {what}")
    levels: list[Level] = []
    for number, level in enumerate(table.levels):
        at = f"tiers.levels[{number}]"
        if levels and level.reach <= levels[-1].reach:
            raise refuse(at, level.name, f"reach must be more than that of {levels[-1].name} before it")
        levels.append(Level(level.name, level.reach, build_multiply(level.multiply, at, level.name) or 1000))
    _once(levels, "tiers.levels")
    return Tiers(
        levels=tuple(levels),
        counts=table.counts,
        period=table.period,
        grace_months=table.grace_months,
        soft_landing=table.soft_landing,
    )


def build_expiry(table: ExpiryTable | None) -> Expiry:
    """When points lapse. Raises `ProgramError`, also for keys that the kind has no use for."""
    if table is None:
        return Expiry()
    allowed = {"after-months": {"months", "round"}, "fixed-date": {"date", "at_least_months"}, "inactivity": {"months"}}
    for key in ("months", "round", "date", "at_least_months"):
        if getattr(table, key) is not None and key not in allowed.get(table.kind, set()):
            raise ProgramError(f"expiry.{key}: has no meaning where kind is {table.kind}")
    if table.remind_days and table.kind == "never":
        raise ProgramError("expiry.remind_days: has no meaning where kind is never")
    if len(set(table.remind_days)) != len(table.remind_days):
        raise ProgramError("expiry.remind_days: names a day twice")
    if table.kind in {"after-months", "inactivity"} and table.months is None:
        raise ProgramError("expiry.months: say after how many months")
    date = (12, 31)
    if table.kind == "fixed-date":
        if table.date is None:
            raise ProgramError("expiry.date: say the last day, such as 12-31")
        date = (int(table.date[:2]), int(table.date[3:]))
        if not 1 <= date[0] <= 12 or not 1 <= date[1] <= days_in(2027, date[0]):  # noqa: PLR2004
            raise ProgramError(f"expiry.date: {table.date} is not a day of every year, such as 12-31")
    return Expiry(
        kind=table.kind,
        months=table.months or 0,
        end_of_month=table.round is not None,
        date=date,
        at_least_months=table.at_least_months or 0,
        remind_days=table.remind_days,
    )


def _where(table: WhereTable, at: str) -> Where:
    sets: dict[str, Any] = {key: frozenset(map(str, getattr(table, key) or ())) for key in _SETS}
    return Where(
        **sets,
        nth_order=table.nth_order,
        every_nth_order=table.every_nth_order,
        birthday_within_days=table.birthday_within_days,
        total_max=build_money(table.total_max or {}, f"{at}.total_max"),
        referred=table.referred,
        member_for_days=table.member_for_days,
    )


def _caps(table: CapsTable | None, at: str, name: str) -> Caps | None:
    if table is None:
        return None
    if (table.day, table.month, table.year, table.ever) == (None, None, None, None):
        raise refuse(f"{at}.caps", name, "say day, month, year or ever")
    return Caps(table.day, table.month, table.year, table.ever)


def _instant(text: str | None, at: str, name: str, zone: ZoneInfo) -> int | None:
    if text is None:
        return None
    try:
        return check_years(instant_of(text, zone), at, name)
    except (ValueError, OverflowError) as error:
        raise refuse(at, name, str(error)) from error


def check_years(at: int, path: str, name: str | None = None) -> int:
    """Give an instant back that a calendar has in every zone; raise `ProgramError` for others."""
    if not FIRST <= at < LAST:
        raise refuse(path, name, "must lie between the years 1900 and 9000")
    return at


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _decimal(text: str, decimals: int, at: str, name: str) -> int:
    try:
        return parse_decimal(text, decimals, at)
    except InvalidInput as error:
        raise refuse(at, name, re.sub(r"^.*?: ", "", str(error))) from error


def _once(named: Iterable[Any], path: str) -> None:
    seen: set[str] = set()
    for number, each in enumerate(named):
        if seen_as(each.name) in seen:
            raise refuse(f"{path}[{number}]", each.name, "the name is used twice")
        seen.add(seen_as(each.name))
