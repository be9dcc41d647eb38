"""`demo`: a made-up shop on this machine."""

import os
from pathlib import Path
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, examples, out, progress, run, say, settings_of
from laurels.runtime.serving import address, passed_on
from laurels.settings import Settings
from laurels.workbench.demo.accounts import PROGRAM
from laurels.workbench.demo.run import run_demo
from laurels.workbench.demo.traffic import Traffic

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
    # The process that sends mails inherits the environment, and takes the shop's name from it.
    os.environ.setdefault("LAURELS_NOTIFY_FROM", SENDER)
    os.environ.setdefault("LAURELS_BOARDS_SMALLEST", "1")  # customers that are made up have nothing to hide
    os.environ.setdefault("LAURELS_PROGRAM_FILE", str(PROGRAM))
    settings = settings_of(state, config, http_port=port)
    children = passed_on(state, config)
    traffic = Traffic(orders_per_second)
    run(run_demo(settings, members, traffic, children, progress, lambda port: _show_address(settings, port)))


def _show_address(settings: Settings, port: int) -> None:
    out(f"\nThe shop is open:\n  {address(settings, port)}\nOn a big screen:\n  {address(settings, port)}board\n")
    say("Ctrl-C stops; `make clean` throws the made-up shop away.")
