"""`serve`, `work`, `project`, `notify`: the processes that stay."""

from enum import StrEnum
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, progress, run, settings_of
from laurels.runtime.roles import CHOICES, NOTIFY, PROJECT, WORK
from laurels.runtime.serving import passed_on, run_once, run_process, run_serve
from laurels.settings import Settings

Once = Annotated[bool, typer.Option("--once", help="Do what is there now, then leave.")]

Only = StrEnum("Only", {name.upper(): name for name in CHOICES})  # type: ignore[misc]  # the table's names
"""The processes, and the roles one by one."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples("laurels serve", "laurels serve --host 127.0.0.1 --port 8080", "laurels serve --only http")
    )(serve)
    app.command(epilog=examples("laurels work", "laurels work --once"))(work)
    app.command(epilog=examples("laurels notify", "laurels notify --once"))(notify)
    app.command(epilog=examples("laurels project", "laurels project --once"))(project)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8000")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer HTTP.", show_default="1")] = None,
    only: Annotated[Only | None, typer.Option(help="Run this alone; the others run elsewhere.")] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Answer HTTP, award what comes in, keep the board up to date, send mails. Ctrl-C, SIGTERM or a terminal that is
    closed (SIGHUP) stops it gracefully.

    Awarding and mails run in processes of their own, and so do the other HTTP workers where there are several; they are
    started again should they die.
    """
    settings = settings_of(state, config, http_host=host, http_port=port, http_workers=workers)
    run(run_serve(settings, only, passed_on(state, config), progress=progress))


def work(once: Once = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Award documents as they are accepted, and finish purchases that broke off, beside any number of processes."""
    _run(settings_of(state, config), WORK, once)


def notify(once: Once = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Send mails as they become due, beside any number of other processes."""
    _run(settings_of(state, config), NOTIFY, once)


def project(once: Once = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Keep the leaderboard up to date; where another process does, stand by and take over should it die.

    The `memory` board is seen by its own process alone, so there this only shows that the feed can be followed.
    """
    _run(settings_of(state, config), PROJECT, once)


def _run(settings: Settings, process: str, once: bool) -> None:
    if once:
        out(run(run_once(settings, process, progress=progress)))
    else:
        run(run_process(settings, process, progress=progress))
