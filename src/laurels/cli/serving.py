"""`serve`, `work`, `project`, `notify`: the processes that stay."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Annotated, Any

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, progress, run, say, settings_of
from laurels.errors import SettingsError
from laurels.settings import Settings
from laurels.wiring import House, build
from laurels.workers import award_forever, notify_forever, project_forever, recover_forever

Once = Annotated[bool, typer.Option("--once", help="Do what is there now, then leave.")]


class Part(StrEnum):
    """The parts of a running Laurels."""

    HTTP = "http"
    WORK = "work"
    PROJECT = "project"
    NOTIFY = "notify"


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
    only: Annotated[Part | None, typer.Option(help="Run this part alone; the others run elsewhere.")] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Answer HTTP, award what comes in, and keep the board up to date. Stops gracefully on Ctrl-C or SIGTERM."""
    settings = settings_of(state, config, http_host=host, http_port=port, http_workers=workers)
    if settings.http_workers > 1:
        raise SettingsError("http.workers: the `memory` board lives in one process. Leave the setting at 1.")
    run(_serve(settings, only))


def work(once: Once = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Award documents as they are accepted, and finish checkouts that broke off, beside any number of other
    processes.
    """
    run(_work(settings_of(state, config), once))


def project(once: Once = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Follow the ledger's feed with this process's leaderboard.

    The `memory` board is seen by its own process alone, so there this only shows that the feed can be followed.
    """
    run(_project(settings_of(state, config), once))


def notify(once: Once = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Send mails as they become due, beside any number of other processes."""
    run(_notify(settings_of(state, config), once))


async def serve_house(house: House, only: Part | None, *, on_ready: Callable[[int], None]) -> None:
    """Run the parts of a house until the process is told to stop; then finish what was begun.

    `on_ready` is called with the port once HTTP answers. The `memory` board is projected by the process that answers
    from it.
    """
    from laurels.http import serve as serve_http  # noqa: PLC0415 - the web framework takes a while to load

    stop = stop_on_signals()
    parts: list[Coroutine[Any, Any, None]] = []
    if only in {None, Part.WORK}:
        parts.append(award_forever(house.ledger, house.awarder, stop))
        parts.append(recover_forever(house.checkout, stop))
    if only in {None, Part.PROJECT, Part.HTTP}:
        parts.append(project_forever(house.ledger, house.projector, stop))
    if only in {None, Part.NOTIFY}:
        parts.append(notify_forever(house.ledger, house.notifier, stop))
    if only in {None, Part.HTTP}:
        parts.append(serve_http(house, stop, on_ready))
    await _together(*parts)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _serve(settings: Settings, only: Part | None) -> None:
    async with build(settings) as house:
        await serve_house(house, only, on_ready=lambda port: say(f"Laurels answers at {address(settings, port)}"))
    say("Stopped: what was begun is finished, what was accepted is kept.")


async def _work(settings: Settings, once: bool) -> None:
    async with build(settings) as house:
        if once:
            out(f"{await house.awarder.drain():,} documents awarded")
        else:
            stop = stop_on_signals()
            await _together(award_forever(house.ledger, house.awarder, stop), recover_forever(house.checkout, stop))


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run parts side by side until all have ended; one that fails ends the others."""
    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(part)


async def _notify(settings: Settings, once: bool) -> None:
    async with build(settings) as house:
        if once:
            out(f"{await house.notifier.drain():,} messages tried")
        else:
            await notify_forever(house.ledger, house.notifier, stop_on_signals())


async def _project(settings: Settings, once: bool) -> None:
    async with build(settings) as house:
        with progress("projecting", "entries") as report:
            heads = await house.projector.catch_up(report)
        out(f"{house.leaderboard.name}: as of {heads.version}")
        if not once:
            await project_forever(house.ledger, house.projector, stop_on_signals())


def address(settings: Settings, port: int) -> str:
    """Where a house answers HTTP."""
    return f"http://{settings.http_host}:{port}/"
