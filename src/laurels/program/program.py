"""The program as data: read from TOML, checked, and given as frozen structs."""

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from laurels.errors import InvalidInput, ProgramError
from laurels.model.money import check_currency, parse_decimal
from laurels.model.times import from_datetime
from laurels.program.building import (
    build_campaigns,
    build_exclusions,
    build_expiry,
    build_groups,
    build_money,
    build_rates,
    build_tiers,
    check_years,
)
from laurels.program.checking import check_rules
from laurels.program.extensions import Extension, build_extensions, extended
from laurels.program.mistakes import shown, word_mistake
from laurels.program.plan import Plan
from laurels.program.rounding import ROUNDINGS
from laurels.program.rules import Campaign, Exclusion, Expiry, Group, Money, Rate, Rounding, Tiers
from laurels.program.tables import EarnTable, Milestone, ProgramTable, read_table
from laurels.program.toml import BYTE_ORDER_MARK, load_toml

DEFAULT_PROGRAM = files("laurels.program").joinpath("default.toml").read_text("utf-8")
"""The text of the default program."""


class EarningRule(Struct, frozen=True, kw_only=True):
    """`points` for every `per` of an order's total (minor units, by currency), rounded to whole points by
    `rounding`.
    """

    points: int
    per: Mapping[str, int]
    rounding: str


class Program(Struct, frozen=True, kw_only=True, dict=True):
    """One published version of the rules. `text` is the TOML that it was read from.

    `earn` is the rate of plain goods; where it is the only one and nothing else changes an order's points, the program
    is `plain`. `from_at` is the instant from which it holds, None: since ever.
    """

    version: int
    name: str
    time_zone: str
    earn: EarningRule
    milestones: tuple[Milestone, ...]
    text: str
    from_at: int | None = None
    value: Money = ()
    expected_redeemed: int = 1_000_000
    tax: str = "included"
    exclude_payments: frozenset[str] = frozenset()
    exclude: tuple[Exclusion, ...] = ()
    not_payable: tuple[Exclusion, ...] = ()
    rates: tuple[Rate, ...] = ()
    at: str = "order"
    groups: tuple[Group, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    order_cap: int | None = None
    day_cap: int | None = None
    pending_days: int = 0
    expiry: Expiry = Expiry()
    extensions: tuple[Extension, ...] = ()
    restore_days: int = 14
    tiers: Tiers | None = None
    refund_days: int | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which days and months begin and end."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def plan(self) -> Plan:
        """The program made ready for judging; made once."""
        return Plan(self)

    @property
    def plain(self) -> bool:
        """Whether an order's points follow from its total alone: one rate of money, nothing excluded, no bonus, no cap,
        nothing carried.
        """
        return self.plan.plain

    @cached_property
    def simple(self) -> bool:
        """Whether it is plain, and its points neither wait nor lapse, and there are no tiers: then no frame has to be
        kept of its orders, since all of it follows from the order.
        """
        dated = self.pending_days or self.expiry.kind != "never" or self.extensions
        return self.plain and not dated and self.tiers is None

    def extended(self, expires: int) -> int:
        """When points lapse that would at an instant, by what was extended."""
        return extended(self.extensions, expires) if self.extensions else expires


def parse_program(text: str) -> Program:
    """Read a program from TOML. Raises `ProgramError` with one line that says what is wrong and where."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    loaded = load_toml(text)
    try:
        table = read_table(loaded)
    except msgspec.ValidationError as error:
        raise ProgramError(word_mistake(error, loaded)) from error
    return _build(table, text)


def _build(table: ProgramTable, text: str) -> Program:
    _check_zone(table.time_zone)
    if table.starts is not None and table.starts.tzinfo is None:
        raise ProgramError("from: must be a time with an offset such as 2026-12-01T00:00:00Z")
    rounding = _rounding(table)
    rates = _short(table.earn) if table.earn is not None else build_rates(table.rates)
    if not rates:
        raise ProgramError('rates: name at least one, or say [earn] points = 1, per = { GBP = "10.00" }')
    program = Program(
        version=table.version,
        name=table.name,
        time_zone=table.time_zone,
        earn=_goods(rates, rounding),
        milestones=_check_milestones(table.milestones),
        text=text,
        from_at=None if table.starts is None else check_years(from_datetime(table.starts), "from"),
        value=_values(table.value or {}),
        expected_redeemed=_share(table.expected_redeemed),
        tax=table.basis.tax,
        exclude_payments=frozenset(table.basis.exclude_payments),
        exclude=build_exclusions(table.basis.exclude, "basis.exclude"),
        not_payable=build_exclusions(table.basis.not_payable, "basis.not_payable"),
        rates=rates,
        at=rounding.at,
        groups=build_groups(table.groups),
        campaigns=build_campaigns(table.campaigns, ZoneInfo(table.time_zone)),
        order_cap=table.caps.order,
        day_cap=table.caps.day,
        pending_days=table.pending.days if table.pending is not None else 0,
        expiry=build_expiry(table.expiry),
        extensions=build_extensions(table.extensions, ZoneInfo(table.time_zone)),
        restore_days=table.restore.days if table.restore is not None else 14,
        tiers=build_tiers(table.tiers),
        refund_days=table.refunds.within_days if table.refunds is not None else None,
    )
    check_rules(program, rounding)
    return program


def _short(table: EarnTable) -> tuple[Rate, ...]:
    if not table.per:
        raise ProgramError('earn.per: name at least one currency, such as { GBP = "10.00" }')
    return (Rate("all", table.points, per=build_money(table.per, "earn.per")),)


def _goods(rates: tuple[Rate, ...], rounding: Rounding) -> EarningRule:
    """The rate of goods without attributes; of no currency where that is by quantity, or there is none."""
    rate = next((rate for rate in rates if rate.match.fits((None, None, None, "goods", ()))), None)
    return EarningRule(
        points=rate.points if rate is not None else 1,
        per=dict(rate.per) if rate is not None else {},
        rounding=rounding.to,
    )


def _rounding(table: ProgramTable) -> Rounding:
    if table.earn is None:
        return Rounding(table.rounding.to, table.rounding.at) if table.rounding is not None else Rounding()
    if table.rates:
        raise ProgramError("earn: say earn or rates, not both")
    if table.earn.rounding is None:
        return Rounding(table.rounding.to, table.rounding.at) if table.rounding is not None else Rounding()
    if table.rounding is not None:
        raise ProgramError("earn.rounding: say earn.rounding or [rounding], not both")
    allowed = (*ROUNDINGS, "carry")
    if table.earn.rounding not in allowed:
        raise ProgramError(f"earn.rounding: must be one of {', '.join(sorted(allowed))}")
    return Rounding(table.earn.rounding)  # type: ignore[arg-type]


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ProgramError(f"time_zone: {shown(name)} is not a time zone such as Europe/London") from error


def _values(table: Mapping[str, str]) -> Money:
    """What a point is worth, in millionths of a major unit by currency."""
    worth = []
    try:
        for currency, text in table.items():
            worth.append((check_currency(currency, "value"), parse_decimal(text, 6, f"value.{currency}")))
    except InvalidInput as error:
        raise ProgramError(str(error)) from error
    return tuple(worth)


def _share(text: str | None) -> int:
    """A share from 0 to 1 in millionths; 1 where none is said."""
    if text is None:
        return 1_000_000
    try:
        share = parse_decimal(text, 6, "expected_redeemed")
    except InvalidInput as error:
        raise ProgramError(str(error)) from error
    if share > 1_000_000:  # noqa: PLR2004
        raise ProgramError("expected_redeemed: must lie between 0 and 1")
    return share


def _check_milestones(milestones: list[Milestone]) -> tuple[Milestone, ...]:
    names = [milestone.name for milestone in milestones]
    if len(set(names)) < len(names):
        raise ProgramError("milestones: every name may be used once")
    return tuple(milestones)
