"""`serve`, `work`, `project`, `notify`: the processes that stay."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, progress, run, say, settings_of
from laurels.cli.processes import keep_running, stop_on_signals
from laurels.errors import AnotherProjector, BoardUnavailable, LedgerUnavailable, SettingsError
from laurels.metrics_sharing import is_shared, shared
from laurels.settings import Settings
from laurels.wiring import House, build, is_board_shared
from laurels.workers import award_forever, notify_forever, project_forever, recover_forever, unless_stopped

if TYPE_CHECKING:
    from laurels.http import Beside

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
    """Answer HTTP, award what comes in, keep the board up to date, send mails. Ctrl-C or SIGTERM stops it gracefully.

    Awarding and mails run in processes of their own, and so do the other HTTP workers where there are several; they are
    started again should they die.
    """
    settings = settings_of(state, config, http_host=host, http_port=port, http_workers=workers)
    if settings.http_workers > 1 and not is_board_shared(settings):
        raise SettingsError("http.workers: the `memory` board lives in one process. Leave the setting at 1.")
    run(run_serve(settings, only, passed_on(state, config)))


def work(
    once: Once = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Award documents as they are accepted, and finish purchases that broke off, beside any number of processes."""
    run(run_work(settings_of(state, config), once=once))


def notify(
    once: Once = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Send mails as they become due, beside any number of other processes."""
    run(run_notify(settings_of(state, config), once=once))


def project(
    once: Once = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Keep the leaderboard up to date; where another process does, stand by and take over should it die.

    The `memory` board is seen by its own process alone, so there this only shows that the feed can be followed.
    """
    run(run_project(settings_of(state, config), once=once))


async def serve_house(
    house: House,
    only: Part | None,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[int], None],
    children: Sequence[str] = (),
    beside: "Beside | None" = None,
    share_port: bool = False,
) -> None:
    """Run a house until `stop` is set; then finish what was begun. `on_ready` gets the port once HTTP answers. What is
    `beside` the API is answered with it. `share_port`: another process began to listen at this port.

    Without `only`, HTTP runs here, awarding and mails as children that are given the options `children`. With one
    worker the projection runs here too; with more of them, in a child of its own, and so do the other workers. Enter
    `shared` around it, so that all of them count together.
    """
    from laurels import http  # noqa: PLC0415 - the web framework takes a while to load

    several = house.settings.http_workers > 1

    async with asyncio.TaskGroup() as tasks:

        def begin(port: int) -> None:
            for _ in range(1, house.settings.http_workers):
                tasks.create_task(keep_running(_worker(house.settings, port, children), stop))
            on_ready(port)

        if only in {None, Part.HTTP}:
            tasks.create_task(http.serve(house, stop, begin, beside or http.Beside(), share_port=share_port or several))
        if _projects_here(house.settings, only):
            tasks.create_task(_project_forever(house, stop))
        if only is Part.WORK:
            tasks.create_task(_work_forever(house, stop))
        if only is Part.NOTIFY:
            tasks.create_task(notify_forever(house.ledger, house.notifier, stop))
        if only is None:
            tasks.create_task(keep_running(["work", *children], stop))
            tasks.create_task(keep_running(["notify", *children], stop))
            if several:
                tasks.create_task(keep_running(["project", *children], stop))


def address(settings: Settings, port: int) -> str:
    """Where a house answers HTTP."""
    return f"http://{settings.http_host}:{port}/"


async def run_serve(
    settings: Settings,
    only: Part | None,
    children: Sequence[str] = (),
    *,
    share_port: bool = False,
    leash: bool = False,
) -> None:
    """`serve`. Here and below: a `leash` makes the process leave when its standard input closes."""

    def tell(port: int) -> None:
        if not leash:
            say(f"Laurels answers at {address(settings, port)}")

    with shared() if only is None or settings.http_workers > 1 else nullcontext():
        async with build(settings) as house:
            await serve_house(
                house, only, stop_on_signals(leash=leash), on_ready=tell, children=children, share_port=share_port
            )
    if not leash:
        say("Stopped: what was begun is finished, what was accepted is kept.")


def _projects_here(settings: Settings, only: Part | None) -> bool:
    """Whether the process that runs this part keeps the board up to date: one that lives in its process has to be."""
    if only is None:
        return settings.http_workers == 1
    return only is Part.PROJECT or (only is Part.HTTP and not is_board_shared(settings))


def _worker(settings: Settings, port: int, children: Sequence[str]) -> list[str]:
    """The command of another process that answers HTTP at this port."""
    return ["serve", "--host", settings.http_host, "--port", str(port), *children]


def passed_on(state: Path | None, config: Path | None) -> list[str]:
    """The options that the children are given; the environment they inherit."""
    options = {"--state": state, "--config": config}
    return [text for name, value in options.items() if value is not None for text in (name, str(value))]


async def run_work(settings: Settings, *, once: bool = False, leash: bool = False) -> None:
    """`work`."""
    async with build(settings) as house:
        if once:
            out(f"{await house.awarder.drain():,} documents awarded")
        else:
            await _work_forever(house, stop_on_signals(leash=leash))


async def _work_forever(house: House, stop: asyncio.Event) -> None:
    """Award and recover until told to stop; counted where somebody adds up what the processes count."""
    count: Callable[[int], object] = int
    if is_shared():
        from laurels.metrics import AWARDED  # noqa: PLC0415 - prometheus-client takes a while to load

        count = AWARDED.inc
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(award_forever(house.ledger, house.awarder, stop, count))
        tasks.create_task(recover_forever(house.checkout, stop))


async def run_notify(settings: Settings, *, once: bool = False, leash: bool = False) -> None:
    """`notify`."""
    async with build(settings) as house:
        if once:
            out(f"{await house.notifier.drain():,} messages tried")
        else:
            await notify_forever(house.ledger, house.notifier, stop_on_signals(leash=leash))


async def run_project(settings: Settings, *, once: bool = False, leash: bool = False) -> None:
    """`project`."""
    async with build(settings) as house:
        if once:
            with progress("projecting", "entries") as report:
                heads = await house.projector.reach(report)
            out(f"{house.leaderboard.name}: as of {heads.version}")
        else:
            await _project_forever(house, stop_on_signals(leash=leash))


async def _project_forever(house: House, stop: asyncio.Event) -> None:
    """Project until told to stop; the first time, when it may be a rebuild, with progress."""
    # What hinders it is the loop's to deal with.
    with (
        suppress(AnotherProjector, BoardUnavailable, LedgerUnavailable),
        progress("projecting", "entries") as report,
    ):
        await unless_stopped(house.projector.catch_up(report), stop)
    await project_forever(house.ledger, house.projector, stop)
