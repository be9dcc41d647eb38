"""`report`: the week, journals of points, and what is expected to be redeemed."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from laurels import awarding, clock
from laurels.cli.console import ConfigOption, JsonOption, StateOption, examples, out, out_json, run, say, settings_of
from laurels.cli.targets import check_target
from laurels.errors import InvalidInput, SettingsError
from laurels.model import Version
from laurels.model.times import format_instant, to_datetime
from laurels.settings import Settings
from laurels.wiring import build

app = typer.Typer(help="Report on a week, journals of points, and expected redemption.", no_args_is_help=True)

ToOption = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Write a file (.csv, .ndjson, .parquet); - is standard output."),
]
_LINES = {"day": str, "market": str, "kind": str, "entries": int, "points": int, "value": str}
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
    for name, value in found.items():
        _print(name.replace("_", " "), value)


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
            out(f"{name}: {line.points:+,} points in {line.entries:,} entries{worth}")
    say(f"after {found.after} up to {found.to}: {found.points:+,} points")
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
        out(f"{row.month}: earned {row.earned:,}, redeemed {' '.join(map(str, row.redeemed))}, expected {row.expected}")
    out(f"factors {' '.join(found.factors)}")
    how = "measured" if found.measured else "the program's expected_redeemed: fewer than 13 months are over"
    out(f"redeemed share {found.redeemed_share} ({how}), breakage {found.breakage}")
    out(f"still to come {found.still_to_come} points")


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
            out(f"{name}: {' '.join(map(str, each.values())) if isinstance(each, dict) else each}")
    else:
        out(f"{name}: {_figure(value) or 'none'}")


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _write(to: Path, columns: dict[str, Any], rows: list[tuple[Any, ...]]) -> None:
    from laurels.exchange import write_table  # noqa: PLC0415 - polars takes a while to load

    count = run(write_table(to, columns, rows))
    say(f"{count:,} rows written to {'standard output' if str(to) == '-' else to}")


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


async def _journal(settings: Settings, after: str | None, up_to: str | None) -> awarding.Journal:
    begins, ends = (
        None if token is None else Version.parse(token, name) for name, token in (("after", after), ("to", up_to))
    )
    async with build(settings, must_exist=True) as services:
        return await awarding.journal(services.ledger, services.programs, begins, ends)


async def _breakage(settings: Settings) -> awarding.Breakage:
    async with build(settings, must_exist=True) as services:
        return await awarding.breakage(services.ledger, services.programs, clock.now())
