"""Running jobs."""

import asyncio
from collections.abc import Awaitable, Callable

from laurels.workers.loops import IDLE_PATIENCE_S, UNWATCHED, Watch, forever, sleep, unless_stopped


async def jobs_forever(run_next: Callable[[], Awaitable[bool]], stop: asyncio.Event, watch: Watch = UNWATCHED) -> None:
    """Run one job after the other until `stop` is set. One that is broken off is gone on with once its lease has
    ended, here or in another process.
    """

    async def step() -> None:
        if not await run_next():
            await sleep(IDLE_PATIENCE_S, stop)

    await unless_stopped(forever("jobs", step, stop, watch), stop)
