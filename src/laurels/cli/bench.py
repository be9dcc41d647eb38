"""`bench`: runs the benches one after the other, prints a table, keeps JSON lines."""

import random
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from laurels.cli.console import (
    ConfigOption,
    JsonOption,
    StateOption,
    examples,
    out,
    out_json,
    progress,
    run,
    settings_of,
)
from laurels.cli.targets import check_target
from laurels.errors import SettingsError
from laurels.workbench.bench.circumstances import Circumstances, circumstances
from laurels.workbench.bench.figures import BENCHES, BenchName, Figure
from laurels.workbench.bench.run import measure

MILLISECOND_US = 1_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "laurels bench",
            "laurels bench dashboards --members 1000000 --seconds 20",
            "laurels bench --to bench.jsonl",
        )
    )(bench)


def bench(
    what: Annotated[list[BenchName] | None, typer.Argument(help="What to measure.", show_default="all")] = None,
    seconds: Annotated[float, typer.Option(min=0.01, max=3600, help="For each.")] = 5,
    members: Annotated[int, typer.Option(min=1, max=100_000_000, help="Members of the shop that is made up.")] = 10_000,
    seed: Annotated[
        int | None, typer.Option(help="The same orders for the same seed.", show_default="a new one")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Add a line of JSON for each figure to this file.")] = None,
    overwrite_board: Annotated[
        bool, typer.Option("--overwrite-board", help="Throw away the board that leaderboard.url names.")
    ] = False,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Measure dashboards, accepts, awards and freshness on this machine, in one process and without HTTP.

    Works on a shop of its own, made beside the state directory, on the same disk, and thrown away at the end. What is
    measured and its bound take turns: on a busy machine their ratio tells more than either.
    """
    settings = settings_of(state, config)
    if to is not None:
        if not to.absolute().parent.is_dir():
            raise SettingsError(f"--to {to}: there is no such folder.")
        check_target(to, settings)
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    under = circumstances()
    chosen = [one for one in BENCHES if not what or one in what]
    figures, engines = run(measure(settings, chosen, seconds, members, seed, progress, overwrite_board=overwrite_board))
    lines = [_line(figure, under, engines, members, seed) for figure in figures]
    if to is not None:
        with to.open("ab") as file:
            file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
    if json:
        out_json(lines)
    else:
        _print(figures, under, engines, members, seed)


def _line(figure: Figure, under: Circumstances, engines: dict[str, str], members: int, seed: int) -> dict[str, Any]:
    """One figure with all that belongs to it."""
    of_figure: dict[str, Any] = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in msgspec.to_builtins(figure).items()
    }
    of_machine: dict[str, Any] = msgspec.to_builtins(under)
    return of_figure | engines | {"members": members, "seed": seed} | of_machine


def _print(figures: list[Figure], under: Circumstances, engines: dict[str, str], members: int, seed: int) -> None:
    memory = "" if under.memory_bytes is None else f", {under.memory_bytes / 2**30:,.0f} GiB"
    load = "" if under.load is None else f", load {under.load[0]:.1f} before"
    out(f"{under.cpu}, {under.cores} cores{memory}, {under.kernel}{load}")
    out(f"Laurels {under.laurels} ({under.commit or 'commit unknown'}), Python {under.python}, apsw {under.apsw}")
    out(f"{under.date}, {engines['ledger']} and {engines['leaderboard']}, {members:,} members, seed {seed}\n")
    table = Table()
    table.add_column("what", no_wrap=True)
    for name in ("a second", "CPU each", "p50", "p99", "bound", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for figure in figures:
        table.add_row(
            figure.bench,
            f"{figure.per_s:,.0f}",
            "" if figure.cpu_us is None else _duration(figure.cpu_us),
            _duration(figure.p50_us),
            _duration(figure.p99_us),
            "" if figure.bound_per_s is None else f"{figure.bound_per_s:,.0f}",
            "" if figure.bound_per_s is None else f"{figure.per_s / figure.bound_per_s:.2f}",
        )
    out(table)
    for figure in figures:
        bound = f"; bound: {figure.bound}, a second" if figure.bound else ""
        out(Text(f"{figure.bench}: {figure.about}{bound}", "dim"))


def _duration(us: float) -> str:
    return f"{us:,.1f} us" if us < MILLISECOND_US else f"{us / MILLISECOND_US:,.1f} ms"
