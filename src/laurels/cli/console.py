"""What the commands share: where text goes, progress, the options that most of them have, and the house they work
in.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

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
from rich.text import Text

from laurels import clock
from laurels.cli.visible import visible, visible_json
from laurels.logs import log_faults, log_to_stderr
from laurels.settings import Settings, load
from laurels.wiring import House, build

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0

YOUNG_OBJECTS = 20_000
"""Containers made and not freed before Python looks for rings among them: some megabytes at most."""

StateOption = Annotated[
    Path | None, typer.Option("--state", help="Where the embedded engines live.", show_default="./laurels-data")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML).", show_default="./laurels.toml if there is one")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, nothing else.")]
BoardOption = Annotated[str, typer.Option("--board", help="all-time, month, or month:YYYY-MM.")]

_stdout = Console(highlight=False, soft_wrap=True)
_stderr = Console(stderr=True, highlight=False)


def out(*what: Any) -> None:
    """Print a result: text, or anything that Rich can draw."""
    _stdout.print(*(visible(each) if isinstance(each, str) else each for each in what), markup=False)


def out_json(what: Any) -> None:
    """Print a result as JSON."""
    sys.stdout.write(visible_json(msgspec.json.format(msgspec.json.encode(what), indent=2).decode()) + "\n")


def say(text: str) -> None:
    """Tell what is going on, on standard error."""
    _stderr.print(visible(text), markup=False)


def complain(text: str) -> None:
    """Say in one line what could not be done, on standard error."""
    _stderr.print(
        f"laurels: {visible(' '.join(text.split()))}",
        markup=False,
        soft_wrap=True,
        style="red" if _stderr.is_terminal else None,
    )


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "Examples:\n\n" + "\n\n".join(lines)


def settings_of(state: Path | None, config: Path | None, **flags: Any) -> Settings:
    """Settings from flags, environment and file. Flags are named like settings with `_` for `.`'s place: http_port."""
    named = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load({"state": state, **named}, config=config)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part. Ctrl-C leaves it, and says so: Typer would leave without a word."""
    log_to_stderr()
    _look_for_rings_rarely()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            log_faults(runner.get_loop())
            return runner.run(work)
    except KeyboardInterrupt:
        complain("Interrupted. What was acknowledged is kept; run the command again to go on.")
        raise typer.Exit(130) from None


def _look_for_rings_rarely() -> None:
    """Keep Python's search for objects that hold each other off the requests.

    It begins anew whenever 700 more objects stand than fell, as they do while 64 requests wait for one commit, and goes
    through whatever lives ever so often: 8 % of the processor's time of accepting orders. What is loaded by now stays
    anyway, so it is left out.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fast event loop where the system has it; None: Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - not made for Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


@asynccontextmanager
async def projected_house(settings: Settings) -> AsyncIterator[House]:
    """The house with its leaderboard at the head of the feed, showing progress where that takes a while. Where another
    process keeps the leaderboard up to date, it is left to that one.
    """
    async with build(settings) as house:
        with progress("projecting", "entries") as report:
            await house.projector.reach(report)
        yield house


async def settle(house: House) -> None:
    """Award until nothing is left in the inbox, then bring the board to the head of the feed."""
    while await house.ledger.inbox_depth():
        await house.awarder.drain()
    with progress("projecting", "entries") as report:
        await house.projector.reach(report)


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
        yield _lines(doing, of)
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


def _lines(doing: str, of: str) -> Callable[[int, int], None]:
    last = clock.elapsed()

    def report(done: int, total: int) -> None:
        nonlocal last
        if clock.elapsed() - last >= SECONDS_BETWEEN_LINES:
            last = clock.elapsed()
            say(f"{doing}: {done:,} of {total:,} {of}")

    return report
