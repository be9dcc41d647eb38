"""The program as data: read from TOML, checked, and given as frozen structs."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from laurels.errors import InvalidInput, ProgramError
from laurels.model.money import check_currency, parse_amount
from laurels.program.rounding import ROUNDINGS

DEFAULT_PROGRAM = files("laurels.program").joinpath("default.toml").read_text("utf-8")
"""The text of the default program."""


class EarningRule(Struct, frozen=True, kw_only=True):
    """`points` for every `per` of an order's total (minor units, by currency), rounded to whole points by
    `rounding`.
    """

    points: int
    per: Mapping[str, int]
    rounding: str


class Milestone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A total of points; crossing from `above` or fewer to more sends one message to that member, ever."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z")]
    above: Annotated[int, Meta(ge=0, le=2**31 - 2)]


class Program(Struct, frozen=True, kw_only=True):
    """One published version of the rules. `text` is the TOML that it was read from."""

    version: int
    name: str
    time_zone: str
    earn: EarningRule
    milestones: tuple[Milestone, ...]
    text: str

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the months of the boards begin and end."""
        return ZoneInfo(self.time_zone)


class _EarnTable(Struct, forbid_unknown_fields=True):
    points: Annotated[int, Meta(ge=1, le=1_000_000)]
    per: dict[str, str]
    rounding: str = "half-up"


class _ProgramTable(Struct, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    earn: _EarnTable
    name: Annotated[str, Meta(max_length=200)] = ""
    time_zone: str = "Europe/London"
    milestones: list[Milestone] = []


def parse_program(text: str) -> Program:
    """Read a program from TOML. Raises `ProgramError` with one line that says what is wrong and where."""
    try:
        table = msgspec.convert(tomllib.loads(text), _ProgramTable)
    except tomllib.TOMLDecodeError as error:
        raise ProgramError(f"The program is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ProgramError(f"The program is not valid: {error}") from error
    return Program(
        version=table.version,
        name=table.name,
        time_zone=_check_zone(table.time_zone),
        earn=EarningRule(
            points=table.earn.points, per=_check_per(table.earn.per), rounding=_check_rounding(table.earn.rounding)
        ),
        milestones=_check_milestones(table.milestones),
        text=text,
    )


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ProgramError(f"time_zone: {name!r} is not a time zone such as Europe/London") from error
    return name


def _check_per(per: dict[str, Any]) -> dict[str, int]:
    if not per:
        raise ProgramError('earn.per: name at least one currency, such as { GBP = "10.00" }')
    amounts = {}
    for currency, text in per.items():
        try:
            amounts[currency] = parse_amount(text, check_currency(currency, "earn.per"), f"earn.per.{currency}")
        except InvalidInput as error:
            raise ProgramError(str(error)) from error
        if amounts[currency] == 0:
            raise ProgramError(f"earn.per.{currency}: must be more than zero")
    return amounts


def _check_rounding(name: str) -> str:
    if name not in ROUNDINGS:
        raise ProgramError(f"earn.rounding: must be one of {', '.join(sorted(ROUNDINGS))}")
    return name


def _check_milestones(milestones: list[Milestone]) -> tuple[Milestone, ...]:
    names = [milestone.name for milestone in milestones]
    if len(set(names)) < len(names):
        raise ProgramError("milestones: every name may be used once")
    return tuple(milestones)
