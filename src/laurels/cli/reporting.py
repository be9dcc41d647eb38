"""`report`: the week, orders and statements of a time, journals of points, and what is expected to be redeemed."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from laurels import awarding, clock
from laurels.cli.console import (
    ConfigOption,
    JsonOption,
    StateOption,
    counted,
    examples,
    out,
    out_json,
    run,
    say,
    settings_of,
)
from laurels.cli.targets import check_target
from laurels.errors import InvalidInput, SettingsError
from laurels.ledger.rollups import PER_ALL, Basis, Grouping
from laurels.model import Version
from laurels.model.times import format_instant, to_datetime
from laurels.rollups import (
    Movement,
    OrdersOf,
    amount_in,
    format_period,
    movement,
    not_counted,
    orders_of,
    parse_day,
)
from laurels.settings import Settings
from laurels.wiring import build

app = typer.Typer(
    help="Report on a week, orders, statements and journals of points, and expected redemption.", no_args_is_help=True
)

ToOption = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Write a file (.csv, .ndjson, .parquet); - is standard output."),
]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="DAY", help="The first day, by the program's clock, such as 2026-11-01.")
]
UntilOption = Annotated[str, typer.Option("--until", metavar="DAY", help="The day after the last.")]
_LINES = {"day": str, "market": str, "kind": str, "entries": int, "points": int, "value": str}
_WEEK = {
    "late": "late orders, by days",
    "points": "points by kind",
    "parts": "points of orders by part",
    "actors": "corrections by who made them",
    "bound": "orders cut by a cap",
    "nothing": "orders that earned nothing",
    "refunded_often": "members with more than five refunds",
    "largest": "largest moves",
    "owing": "members below zero",
    "lapsing": "points that lapse within days",
    "tiers": "members by tier",
    "carried": "remainders carried",
    "quarantined": "in quarantine, by cause",
    "burn": "redeemed for each point earned, ever",
    "days_to_first_redemption": "days to the first redemption",
    "programs": "done with programs",
}
"""What the figures of a week are called, where their names do not say it."""
_FIRST, _LAST = "2000-01-01", "9999-12-31"
_COHORTS = {"month": str, "earned": int, "age": int, "redeemed": int}


@app.command(epilog=examples("laurels report week", "laurels report week --of 2026-11-02 --json"))
def week(
    of: Annotated[str | None, typer.Option("--of", help="A day of the week; left out: the week before.")] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what happened in a week, Monday to Sunday by the program's clock, and how members stand now."""
    found = msgspec.to_builtins(run(_week(settings_of(state, config), of)))
    found["liability"]["at"] = format_instant(found["liability"]["at"])
    if as_json:
        out_json(found)
        return
    out(f"from {found.pop('starts')} to {found.pop('ends')}")
    found["spend"] = {currency: amount_in(currency, amount) for currency, amount in found["spend"].items()}
    for name, value in found.items():
        _print(_WEEK.get(name, name), value)


@app.command(
    epilog=examples("laurels report journal", "laurels report journal --after 1.0-4711 --up-to 1.0-9000 --to week.csv")
)
def journal(
    after: Annotated[str | None, typer.Option(help="The version where the journal before ended.")] = None,
    up_to: Annotated[str | None, typer.Option(help="The version where it ends; left out: the feed's end.")] = None,
    to: ToOption = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Draw up a journal of points between two versions. The next one begins where it ends: so they tile."""
    settings = _settings_to_write(to, state, config, as_json=as_json)
    found = run(_journal(settings, after, up_to))
    if as_json:
        out_json(msgspec.to_builtins(found))
        return
    lines = [tuple(msgspec.structs.asdict(line)[name] for name in _LINES) for line in found.lines]
    if to is not None:
        _write(to, _LINES, lines)
    else:
        for line in found.lines:
            worth = f", worth {line.value}" if line.value else ""
            name = f"{line.day} {line.market or '-'} {line.kind}"
            out(f"{name}: {line.points:+,} points in {counted(line.entries, 'entry', 'entries')}{worth}")
    begins = "from the beginning" if after is None else f"after {found.after}"
    say(f"{begins} up to {found.to}: {found.points:+,} points")
    for shard, digest in found.hashes.items():
        say(f"shard {shard} ends with {digest}")


@app.command(epilog=examples("laurels report breakage", "laurels report breakage --to triangle.parquet"))
def breakage(
    to: ToOption = None, as_json: JsonOption = False, state: StateOption = None, config: ConfigOption = None
) -> None:
    """Give the triangle of redemption by month of earning, its factors, and what is expected to be redeemed."""
    settings = _settings_to_write(to, state, config, as_json=as_json)
    found = run(_breakage(settings))
    if as_json:
        out_json(msgspec.to_builtins(found))
        return
    if to is not None:
        rows = [
            (row.month, row.earned, age, redeemed)
            for row in found.cohorts
            for age, redeemed in enumerate(row.redeemed, 1)
        ]
        _write(to, _COHORTS, rows)
        return
    for row in found.cohorts:
        out(f"{row.month}: earned {row.earned:,}, redeemed {until_still(row.redeemed)}, expected {row.expected}")
    out(f"factors {until_still(found.factors)}")
    how = "measured" if found.measured else "the program's expected_redeemed: fewer than 13 months are over"
    out(f"redeemed share {found.redeemed_share} ({how}), breakage {found.breakage}")
    out(f"still to come {found.still_to_come} points")


@app.command(
    epilog=examples("laurels report orders", "laurels report orders --since 2026-11-01 --until 2026-12-01 --json")
)
def orders(
    since: SinceOption = _FIRST,
    until: UntilOption = _LAST,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what was ordered, by the day of the order: net of refunds, and a changed order once. Reads sums by day."""
    behind, found = run(_orders(settings_of(state, config), *_days(since, until)))
    if as_json:
        out_json({"lines": msgspec.to_builtins(found), "behind": behind})
        return
    if not found:
        out("No orders are counted yet." if behind else "There are no orders.")
    for line in found:
        spend = f" of {line.spend} {line.market}" if line.spend else ""
        out(f"{counted(line.orders, 'order')}{spend}, {line.points:+,} points")
    _say_behind(behind)


@app.command(
    epilog=examples("laurels report statement", "laurels report statement --since 2026-11-01 --until 2026-12-01 --json")
)
def statement(
    since: SinceOption = _FIRST,
    until: UntilOption = _LAST,
    basis: Annotated[Basis, typer.Option(help="By the day of recording, or by the day it happened.")] = Basis.RECORDED,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Give the points there were, what came and went, and those there are: it adds up. Reads sums by day."""
    behind, found = run(_movement(settings_of(state, config), basis, *_days(since, until)))
    if as_json:
        lines = [
            msgspec.to_builtins(each)
            | {
                "period": format_period(each.period) or None,
                "amount": amount_in(each.market, each.amount) if each.amount else None,
            }
            for each in found.lines
        ]
        out_json({**msgspec.to_builtins(found), "lines": lines, "behind": behind})
        return
    out(f"opening: {_by_market(found.opening)}")
    for line in found.lines:
        out(f"{line.kind} {line.market or '-'}: {line.points:+,} points in {counted(line.entries, 'entry', 'entries')}")
    out(f"closing: {_by_market(found.closing)}")
    _say_behind(behind)


def until_still(figures: Sequence[int | str]) -> str:
    """Figures by age on one line, up to the last that moves: `5 7 …` where all that follow are 7 too."""
    end = len(figures)
    while end > 1 and figures[end - 1] == figures[end - 2]:
        end -= 1
    return " ".join(map(str, figures[:end])) + (" …" if end < len(figures) else "")


def _days(since: str, until: str) -> tuple[int, int]:
    """A time as numbers of days. Raises `InvalidInput`."""
    days = parse_day(since, "--since"), parse_day(until, "--until")
    if days[0] > days[1]:
        raise InvalidInput.of("--until", "must not come before --since")
    return days


def _by_market(points: dict[str, int]) -> str:
    return ", ".join(f"{market or '-'} {each:,}" for market, each in points.items()) or "none"


def _say_behind(entries: int) -> None:
    if entries:
        say(f"{entries:,} entries are yet to be counted: `laurels serve` does so while it runs. Then ask again.")


def _settings_to_write(to: Path | None, state: Path | None, config: Path | None, *, as_json: bool) -> Settings:
    """The settings, once it is clear where results go."""
    if to is not None and as_json:
        raise SettingsError("--to has no effect beside --json: give one of them.")
    settings = settings_of(state, config)
    if to is not None:
        check_target(to, settings)
    return settings


def _print(name: str, value: Any) -> None:
    if isinstance(value, dict):
        said = ", ".join(f"{key} {_figure(each)}" for key, each in value.items() if not isinstance(each, list | dict))
        out(f"{name}: {said or 'none'}")
    elif isinstance(value, list):
        for each in value:
            parts = each.values() if isinstance(each, dict) else [each]
            out(f"{name}: {' '.join(str(part) for part in parts if part is not None)}")
    else:
        out(f"{name}: {_figure(value) or 'none'}")


def _figure(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _write(to: Path, columns: dict[str, Any], rows: list[tuple[Any, ...]]) -> None:
    from laurels.exchange import write_table  # noqa: PLC0415 - polars takes a while to load

    count = run(write_table(to, columns, rows))
    say(f"{counted(count, 'row')} written to {'standard output' if str(to) == '-' else to}")


async def _week(settings: Settings, of: str | None) -> awarding.WeeklyReport:
    async with build(settings, must_exist=True) as services:
        now, zone = services.now(), services.programs.current.zone
        if of is None:
            day = to_datetime(now).astimezone(zone).date() - timedelta(days=7)
        else:
            try:
                day = date.fromisoformat(of)
            except ValueError as error:
                raise SettingsError(f"--of: {of} is not a day such as 2026-11-02.") from error
        try:
            starts, ends = awarding.week_of(day, zone)
        except InvalidInput as error:
            raise SettingsError(f"--of: {day} {error.errors[0].message}.") from error
        return await awarding.weekly_report(services.ledger, services.programs, starts, ends, now)


async def _orders(settings: Settings, since: int, until: int) -> tuple[int, list[OrdersOf]]:
    async with build(settings, must_exist=True) as services:
        return await not_counted(services.ledger), await orders_of(services.ledger, since, until)


async def _movement(settings: Settings, basis: Basis, since: int, until: int) -> tuple[int, Movement]:
    async with build(settings, must_exist=True) as services:
        behind = await not_counted(services.ledger)  # first: what is counted meanwhile is told twice, and not never
        return behind, await movement(services.ledger, basis, since, until, Grouping(per=PER_ALL))


async def _journal(settings: Settings, after: str | None, up_to: str | None) -> awarding.Journal:
    begins, ends = (
        None if token is None else Version.parse(token, name) for name, token in (("after", after), ("to", up_to))
    )
    async with build(settings, must_exist=True) as services:
        return await awarding.journal(services.ledger, services.programs, begins, ends)


async def _breakage(settings: Settings) -> awarding.Breakage:
    async with build(settings, must_exist=True) as services:
        return await awarding.breakage(services.ledger, services.programs, clock.now())
