"""The command: builds the house, makes the shop's first customers up, and serves both while the others come in."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, examples, out, progress, run, say, settings_of
from laurels.cli.demo.history import History
from laurels.cli.demo.traffic import Traffic
from laurels.cli.processes import stop_on_signals
from laurels.cli.serving import address, passed_on, serve_house
from laurels.metrics_sharing import shared
from laurels.settings import Settings
from laurels.wiring import House, build

STATE = Path("demo-data")
SENDER = "Corner Shop <points@corner-shop.example>"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("laurels demo", "laurels demo --port 9000 --orders-per-second 20"))(demo)


def demo(
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8000")
    ] = None,
    orders_per_second: Annotated[float, typer.Option(min=0.1, max=500, help="Orders of the other customers.")] = 5,
    members: Annotated[int, typer.Option(min=1000, max=1_000_000, help="Customers, at the first start.")] = 100_000,
    state: Annotated[Path, typer.Option(help="Thrown away by `make clean`.")] = STATE,
    config: ConfigOption = None,
) -> None:
    """Serve a made-up shop on this machine, to buy in and to watch the rankings move; prints the page's address."""
    # The processes beside this one inherit the environment; the one that sends mails takes the shop's name from it.
    os.environ.setdefault("LAURELS_NOTIFY_FROM", SENDER)
    os.environ.setdefault("LAURELS_BOARDS_SMALLEST", "1")  # customers that are made up have nothing to hide
    os.environ.setdefault("LAURELS_BOARDS_SMALLEST", "1")  # made-up customers have nothing to hide
    settings = settings_of(state, config, http_port=port)
    run(_demo(settings, members, Traffic(orders_per_second), passed_on(state, config)))


async def _demo(settings: Settings, members: int, traffic: Traffic, children: Sequence[str]) -> None:
    with shared():
        async with build(settings) as house:
            history = History(house, members)
            await _open(house, history)
            from laurels.cli.demo.shop import shop  # noqa: PLC0415 - the web framework takes a while to load

            async with _meanwhile(history.go_on(), traffic.flow(house, history)):
                await serve_house(
                    house,
                    None,
                    stop_on_signals(),
                    on_ready=lambda port: _show_address(settings, port),
                    children=children,
                    beside=shop(history, traffic),
                )


@asynccontextmanager
async def _meanwhile(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let work go on until the end of the block."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _open(house: House, history: History) -> None:
    """Make up enough to open the shop with, and put all that is there on the board."""
    with progress("making up customers", "customers") as report:
        await history.begin(report)
    with progress("projecting", "entries") as report:
        await house.projector.reach(report)


def _show_address(settings: Settings, port: int) -> None:
    out(f"\nThe shop is open:\n  {address(settings, port)}\nOn a big screen:\n  {address(settings, port)}board\n")
    say("Ctrl-C stops; `make clean` throws the made-up shop away.")
