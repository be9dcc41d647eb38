"""`serve`, `work`, `project`, `notify`: the roles of the table, in this process and in child processes."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from laurels.errors import SettingsError
from laurels.metrics_sharing import is_counting, shared
from laurels.role_status import RoleBoard, RoleState
from laurels.runtime.advising import log_advice
from laurels.runtime.apart import run_apart
from laurels.runtime.boardless import tell_boardless
from laurels.runtime.processes import ChildEvent, keep_running, stop_on_signals
from laurels.runtime.role import Role, Running, run_roles
from laurels.runtime.roles import CONSUME, HTTP, NOTIFY, PROJECT, PUBLISH, WORK, need_board, roles_of, wanted
from laurels.runtime.telling import ShowProgress, lines, say
from laurels.settings import Settings
from laurels.wiring import Services, build, is_board_shared
from laurels.wiring.brokers import check_address

if TYPE_CHECKING:
    from laurels.http import Mounts

log = structlog.get_logger(__name__)


async def serve_services(
    services: Services,
    only: str | None,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[int], None],
    children: Sequence[str] = (),
    mounts: "Mounts | None" = None,
    share_port: bool = False,
    progress: ShowProgress = lines,
) -> None:
    """Run the services until `stop` is set; then finish what was begun. `on_ready` gets the port once HTTP answers.
    The `mounts` are answered beside the API. `share_port`: another process began to listen at this port.

    Without `only`, HTTP runs here, awarding and messages as children that are given the options `children`. With one
    worker the projection runs here too; with more of them, in a child of its own, and so do the other workers. Enter
    `shared` around it, so that all of them count together.
    """
    workers = services.settings.http.workers
    processes = _children(services.settings) if only is None else []
    async with asyncio.TaskGroup() as tasks:
        has_begun = False

        def begin(port: int) -> None:
            nonlocal has_begun
            if has_begun:  # HTTP failed and answers again; its children never ended
                return
            has_begun = True
            for _ in range(1, workers):
                command = _worker(services.settings, port, children)
                tasks.create_task(keep_running(command, stop, partial(_tell, services.roles, HTTP)))
            on_ready(port)

        running = Running(services, stop, progress, begin, mounts, share_port=share_port or workers > 1)
        for process in processes:
            tasks.create_task(keep_running([process, *children], stop, partial(_tell, services.roles, process)))
        if only == HTTP and not share_port:  # which comes of a parent, that has the board followed
            tasks.create_task(tell_boardless(services, stop))
        run = run_roles if only in (None, HTTP) else run_apart
        tasks.create_task(run(_roles_here(services.settings, only), running))


def address(settings: Settings, port: int) -> str:
    """Where HTTP is answered."""
    return f"http://{settings.http.host}:{port}/"


async def run_serve(
    settings: Settings,
    only: str | None,
    children: Sequence[str] = (),
    *,
    share_port: bool = False,
    with_parent: bool = False,
    progress: ShowProgress = lines,
) -> None:
    """`serve`. Here and below: `with_parent` makes the process leave when its standard input closes.

    Raises `SettingsError` where several workers would each have a board, or a port for metrics, of their own, and for
    addresses of queues and events that nobody could go to: a child with them would die again and again.
    """
    if settings.http.workers > 1 and not is_board_shared(settings):
        raise SettingsError("http.workers: the `memory` board lives in one process. Leave the setting at 1.")
    if settings.http.workers > 1 and settings.http.metrics_port == 0:
        raise SettingsError(
            "http.metrics_port is 0, and http.workers more than 1: each would take another free port, and tell there "
            "what all of them count. Name a port."
        )
    if only is None:
        _check_children(settings)

    def tell(port: int) -> None:
        if not with_parent:
            say(f"Laurels answers at {address(settings, port)}")

    is_several = only is None or (only == HTTP and settings.http.workers > 1)
    with shared() if is_several else nullcontext():
        async with build(settings, needs_board=need_board(_roles_here(settings, only))) as services:
            if not with_parent:
                await log_advice(services.ledger)
            with _sharing_tokens(settings):
                await serve_services(
                    services,
                    only,
                    stop_on_signals(with_parent=with_parent),
                    on_ready=tell,
                    children=children,
                    share_port=share_port,
                    progress=progress,
                )
    if not with_parent:
        say("Stopped: what was begun is finished, what was accepted is kept.")


def _check_children(settings: Settings) -> None:
    if settings.consume.url is not None:
        check_address("consume.url", settings.consume.url, ("sqs", "aiobotocore"))
    for url in settings.events.urls:
        check_address("events.urls", url, ("webhooks", "standardwebhooks"))


async def run_process(
    settings: Settings, process: str, *, with_parent: bool = False, progress: ShowProgress = lines
) -> None:
    """Run the roles of one process until told to stop: `work`, `project`, `notify`. What only follows a ledger makes
    none, but beside a parent that is about to.
    """
    roles = roles_of(process)
    must_exist = process != WORK and not with_parent
    async with build(settings, must_exist=must_exist, needs_board=need_board(roles)) as services:
        if not with_parent:
            await log_advice(services.ledger)
        running = Running(services, stop_on_signals(with_parent=with_parent), progress)
        await run_apart(roles, running)


async def run_once(settings: Settings, process: str, *, progress: ShowProgress = lines) -> str:
    """Do what is there now for a process; what was done, in words."""
    async with build(settings, must_exist=process != WORK, needs_board=need_board(roles_of(process))) as services:
        if process == WORK:
            return f"{await services.awarder.drain():,} documents awarded"
        if process == NOTIFY:
            return f"{await services.notifier.drain():,} messages tried"
        with progress("projecting", "entries") as report:
            heads = await services.projector.reach(report)
        return f"{services.leaderboard.name}: as of {heads.version}"


def passed_on(state: Path | None, config: Path | None) -> list[str]:
    """The options that the children are given; the environment they inherit."""
    options = {"--state": state, "--config": config}
    return [text for name, value in options.items() if value is not None for text in (name, str(value))]


def _sharing_tokens(settings: Settings) -> AbstractContextManager[None]:
    """Workers share what they have checked; one alone has nobody to share it with."""
    if settings.http.workers == 1:
        return nullcontext()
    from laurels.http import shared_tokens  # noqa: PLC0415 - what counts has to be settled before

    return shared_tokens()


def _children(settings: Settings) -> list[str]:
    """The processes that `serve` starts beside its own."""
    always = [WORK, NOTIFY, *([PROJECT] if settings.http.workers > 1 else [])]
    return always + [process for process in (CONSUME, PUBLISH) if wanted(roles_of(process), settings)]


def _roles_here(settings: Settings, only: str | None) -> tuple[Role, ...]:
    """The roles of this process: a board that lives in one process is kept up to date by the one that reads it."""
    if only is None:
        return roles_of(HTTP) + (roles_of(PROJECT) if settings.http.workers == 1 else ())
    own = roles_of(only)
    return own + (roles_of(PROJECT) if only == HTTP and not is_board_shared(settings) else ())


def _worker(settings: Settings, port: int, children: Sequence[str]) -> list[str]:
    """The command of another process that answers HTTP at this port."""
    return ["serve", "--host", settings.http.host, "--port", str(port), *children]


def _tell(board: RoleBoard, process: str, event: ChildEvent) -> None:
    """Note that a child was started, or died."""
    is_up = event == "started"
    for role in roles_of(process):
        board.tell(role.name, RoleState.RUNNING if is_up else RoleState.DOWN, restarted=not is_up)
    if not is_up and is_counting():
        from laurels.metrics import PROCESS_RESTARTS  # noqa: PLC0415 - prometheus-client takes a while to load

        PROCESS_RESTARTS.labels(process).inc()
