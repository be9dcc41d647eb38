"""Builds the services, makes the shop's first customers up, and serves both while the others come in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager

from laurels.metrics_sharing import shared
from laurels.runtime.processes import stop_on_signals
from laurels.runtime.serving import serve_services
from laurels.runtime.telling import ShowProgress
from laurels.settings import Settings
from laurels.wiring import Services, build
from laurels.workbench.demo.history import History
from laurels.workbench.demo.traffic import Traffic


async def run_demo(
    settings: Settings,
    members: int,
    traffic: Traffic,
    children: Sequence[str],
    progress: ShowProgress,
    on_ready: Callable[[int], None],
) -> None:
    """Make the shop's first customers up and serve it, while the others come in, until told to stop. `on_ready` gets
    the port; `children` are the options of the child processes.
    """
    with shared():
        async with build(settings) as services:
            history = History(services, members)
            await _open(services, history, progress)
            from laurels.workbench.demo.backend import shop  # noqa: PLC0415 - the HTTP server takes a while to load

            async with _meanwhile(history.go_on(), traffic.flow(services, history)):
                await serve_services(
                    services,
                    None,
                    stop_on_signals(),
                    on_ready=on_ready,
                    children=children,
                    mounts=shop(history, traffic),
                    progress=progress,
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


async def _open(services: Services, history: History, progress: ShowProgress) -> None:
    """Make up enough to open the shop with, and put all that is there on the board."""
    with progress("making up customers", "customers") as report:
        await history.begin(report)
    with progress("projecting", "entries") as report:
        await services.projector.reach(report)
