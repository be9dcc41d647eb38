"""What the commands share: where text goes, progress, the options that most of them have."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from laurels.runtime.process import run, settings_of
from laurels.runtime.telling import complain, is_unicode, lines, say
from laurels.runtime.visible import ascii_json, visible, visible_json

__all__ = [
    "MOST_NUMBER",
    "BoardOption",
    "ConfigOption",
    "JsonOption",
    "NumberArgument",
    "StateOption",
    "complain",
    "examples",
    "out",
    "out_json",
    "progress",
    "run",
    "say",
    "settings_of",
    "table",
]

StateOption = Annotated[
    Path | None, typer.Option("--state", help="Where the embedded engines live.", show_default="./laurels-data")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML).", show_default="./laurels.toml if there is one")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, nothing else.")]
MOST_NUMBER = 2**63 - 1
"""The greatest number that a ledger can hold, so that a greater one is refused as what it is."""
NumberArgument = Annotated[int, typer.Argument(help="The number that `list` shows.", min=1, max=MOST_NUMBER)]
BoardOption = Annotated[str, typer.Option("--board", help="all-time, month, or month:YYYY-MM.")]

WIDE = 100_000
"""Columns of what is no terminal: there, a table cut to 80 of them would lose the ends of ids."""


def _width() -> int | None:
    return None if "COLUMNS" in os.environ or sys.stdout.isatty() else WIDE


# An id such as :dog: is an id, not a picture of one.
_stdout = Console(highlight=False, emoji=False, soft_wrap=True, width=_width())
_stderr = Console(stderr=True, highlight=False, emoji=False)


def out(*what: Any) -> None:
    """Print a result: text, or anything that Rich can draw."""
    _stdout.print(*(visible(each) if isinstance(each, str) else each for each in what), markup=False)


def out_json(what: Any) -> None:
    """Print a result as JSON."""
    text = visible_json(msgspec.json.format(msgspec.json.encode(what), indent=2).decode())
    sys.stdout.write((text if is_unicode(sys.stdout) else ascii_json(text)) + "\n")


def counted(count: int, one: str, many: str | None = None) -> str:
    """Such as 1 row, 1,200 rows."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def table(*columns: str) -> Table:
    """An empty table with these columns, in which nothing is cut off: what is too long goes on in the next line."""
    made = Table()
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "Examples:\n\n" + "\n\n".join(lines)


class _Rate(ProgressColumn):
    """How many are done each second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress(doing: str, of: str) -> Iterator[Callable[[int, int], None]]:
    """Progress on standard error; gives the function that moves it to (done, total).

    A terminal gets a bar with rate and remaining time, a log file a line every ten seconds.
    """
    if not _stderr.is_terminal:
        with lines(doing, of) as report:
            yield report
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(of),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=_stderr,
    )
    with bar:
        task = bar.add_task(doing, total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total > 0)
