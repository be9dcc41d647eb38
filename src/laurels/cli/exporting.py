"""`export`: standings as the board has them, entries as the ledger has them."""

from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from laurels.awarding import Programs
from laurels.cli.console import (
    BoardOption,
    ConfigOption,
    StateOption,
    examples,
    progress,
    run,
    say,
    settings_of,
)
from laurels.ledger import Ledger
from laurels.model import Entry, Mark
from laurels.runtime.upkeep import projected_services
from laurels.settings import Settings
from laurels.wiring import build

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
        ),
    )(export)


def export(
    what: Annotated[What, typer.Argument(help="standings: the board, in order. entries: the ledger, in order.")],
    to: Annotated[Path, typer.Option("--to", help="The file to write; .csv or .parquet.")],
    board: BoardOption = "all-time",
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Write standings or entries to a file, which appears complete or not at all."""
    settings = settings_of(state, config)
    count = run(_standings(settings, to, board) if what is What.STANDINGS else _entries(settings, to))
    say(f"{count:,} rows written to {to}")


async def _standings(settings: Settings, to: Path, board: str) -> int:
    from laurels.cli.files import write_standings  # noqa: PLC0415 - polars takes a while to load

    async with projected_services(settings, progress) as services:
        return await write_standings(to, services.leaderboard.standings(services.boards.resolve(board, services.now())))


async def _entries(settings: Settings, to: Path) -> int:
    from laurels.cli.files import write_entries  # noqa: PLC0415 - polars takes a while to load

    async with build(settings) as services:
        return await write_entries(to, _feed(services.ledger, services.programs))


async def _feed(ledger: Ledger, programs: Programs) -> AsyncIterator[list[Entry]]:
    heads = await ledger.heads()
    for shard, head in sorted(heads.marks.items()):
        mark = Mark()
        while mark.position < head.position:
            entries = await ledger.feed(shard, mark, min(CHUNK, head.position - mark.position))
            yield await programs.worded(entries, ledger)
            mark = Mark(entries[-1].position, entries[-1].hash)
