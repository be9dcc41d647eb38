"""`export`: standings as the board has them, entries as the ledger has them."""

from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from laurels.awarding import Programs
from laurels.cli.console import (
    BoardOption,
    ConfigOption,
    StateOption,
    counted,
    examples,
    progress,
    run,
    say,
    settings_of,
)
from laurels.cli.export_filters import ExportFilter, further_columns
from laurels.cli.targets import check_target
from laurels.dashboard import ProxyNames
from laurels.errors import SettingsError, UnknownMember
from laurels.ledger import Ledger
from laurels.model import Entry, EntryKind, Mark
from laurels.runtime.upkeep import projected_services
from laurels.settings import Settings
from laurels.wiring import build
from laurels.wiring.naming import open_names

CHUNK = 2000


class What(StrEnum):
    """What can be exported."""

    STANDINGS = "standings"
    ENTRIES = "entries"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "export",
        epilog=examples(
            "laurels export standings --to standings.csv",
            "laurels export standings --to october.parquet --board month:2026-10",
            "laurels export entries --to entries.csv",
            "laurels export entries --to ann.ndjson.gz --member ann --since 2026-10-01 --columns amount",
        ),
    )(export)


def export(
    what: Annotated[What, typer.Argument(help="standings: the board, in order. entries: the ledger, in order.")],
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            metavar="FILE",
            help="The file to write: .csv, .ndjson or .parquet, and .gz behind it; - is standard output.",
        ),
    ],
    board: BoardOption = "all-time",
    member: Annotated[list[str] | None, typer.Option(help="Only this member's rows. Repeatable.")] = None,
    kind: Annotated[
        list[EntryKind] | None, typer.Option(help="Only entries of this kind. Repeatable.", case_sensitive=False)
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only entries that occurred then or later: 2026-10-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only entries that occurred before.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            help="Further columns. Entries: amount, currency, channel, actor, note, loyalty_id. Standings: name.",
        ),
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, ndjson or parquet, where the ending does not tell.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Write standings or entries to a file, which appears complete or not at all."""
    settings = settings_of(state, config)
    check_target(to, settings)
    further = _further(what, columns)
    members = frozenset(member or ())
    if what is What.STANDINGS:
        if kind or since or until:
            raise SettingsError("--kind, --since and --until have no effect on standings.")
        count = run(_standings(settings, to, board, members, names=bool(further), format_name=format_))
    else:
        if board != "all-time":
            raise SettingsError("--board has no effect on entries.")
        wanted = ExportFilter(members, frozenset(kind or ()), since, until)
        count = run(_entries(settings, to, wanted, further, format_name=format_))
    say(f"{counted(count, 'row')} written to {'standard output' if str(to) == '-' else to}")


def _further(what: What, columns: str | None) -> tuple[str, ...]:
    """The further columns by name. Raises `SettingsError` for one that there is not."""
    from laurels.exchange import FURTHER_COLUMNS  # noqa: PLC0415 - polars takes a while to load

    further = () if columns is None else tuple(columns.split(","))
    known = ("name",) if what is What.STANDINGS else tuple(FURTHER_COLUMNS)
    for column in further:
        if column not in known:
            raise SettingsError(f"There is no further column {column} of {what}. Known: {', '.join(known)}.")
        if further.count(column) > 1:
            raise SettingsError(f"--columns {columns}: {column} is given twice.")
    return further


async def _standings(
    settings: Settings, to: Path, board: str, members: frozenset[str], *, names: bool, format_name: str | None
) -> int:
    from laurels.exchange import write_standings  # noqa: PLC0415 - polars takes a while to load

    async with projected_services(settings, progress) as services:
        await _check_known(services.ledger, members)
        chunks = services.leaderboard.standings(services.boards.resolve(board, services.now()))
        proxies = await open_names(settings) if names else None
        rows = _rows(services.ledger, chunks, members, proxies)
        return await write_standings(to, rows, names=names, format_name=format_name)


async def _check_known(ledger: Ledger, members: frozenset[str]) -> None:
    """Raise `UnknownMember`: a slip in an id would give an empty file."""
    for member_id in sorted(members):
        if await ledger.member(member_id) is None:
            raise UnknownMember(f"There is no member {member_id}.")


async def _rows(
    ledger: Ledger,
    chunks: AsyncIterator[list[tuple[str, int, int, int]]],
    members: frozenset[str],
    names: ProxyNames | None,
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The rows of these members (of all, where there are none), with their proxy names where they are wanted."""
    async for chunk in chunks:
        rows: list[tuple[Any, ...]] = [row for row in chunk if not members or row[0] in members]
        if names is None:
            yield rows
            continue
        found = [await ledger.member(row[0]) for row in rows]
        yield [
            (*row, None if member is None else names.name(member.name_number))
            for row, member in zip(rows, found, strict=True)
        ]


async def _entries(
    settings: Settings, to: Path, wanted: ExportFilter, columns: tuple[str, ...], *, format_name: str | None
) -> int:
    from laurels.exchange import write_entries  # noqa: PLC0415 - polars takes a while to load

    async with build(settings, must_exist=True) as services:
        ledger = services.ledger
        await _check_known(ledger, wanted.members)
        chosen = wanted.filter(services.programs.current.zone)
        chunks = _feed(ledger, services.programs, chosen)

        async def further(entry: Entry) -> dict[str, Any]:
            return await further_columns(ledger, entry, columns)

        return await write_entries(
            to, chunks, columns=columns, further=further if columns else None, format_name=format_name
        )


async def _feed(ledger: Ledger, programs: Programs, chosen: Callable[[Entry], bool]) -> AsyncIterator[list[Entry]]:
    heads = await ledger.heads()
    for shard, head in sorted(heads.marks.items()):
        mark = Mark()
        while mark.position < head.position:
            entries = await ledger.feed(shard, mark, min(CHUNK, head.position - mark.position))
            mark = Mark(entries[-1].position, entries[-1].hash)
            yield await programs.worded([entry for entry in entries if chosen(entry)], ledger)
