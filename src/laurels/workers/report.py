"""Keeping what reports are read from: the roll-ups at the head of the feed, and what falls due."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from laurels.clock import elapsed
from laurels.ledger import Ledger
from laurels.model import Mark
from laurels.rollups import RollingUp
from laurels.workers.loops import IDLE_PATIENCE_S, UNWATCHED, Watch, forever, sleep, unless_stopped

STAND_BY_S = 5.0
"""How long one waits after another process was quicker."""

PACE_S = 1.0
"""How long after the beginning of a step the next one begins, where it left nothing: a step takes a transaction in each
shard that has grown, so what comes one by one is counted together. Who reads a report sees it that much later.
"""

LOOK_EVERY_S, LOOK_SHARE = 60.0, 50
"""How often it is looked what falls due: after a minute, and after so many times as long as a look takes."""

IDLE_LOOK_EVERY_S = 86_400.0
"""The same where nothing comes: time passes, and versions come into force, all the same."""


async def report_forever(
    ledger: Ledger,
    rolling_up: RollingUp,
    look_at_due: Callable[[], Awaitable[float]],
    stop: asyncio.Event,
    watch: Watch = UNWATCHED,
) -> None:
    """Count entries as they come, and look at what falls due now and then, until `stop` is set. `look_at_due` gives
    the seconds that it took.
    """
    next_look = next_idle_look = elapsed()
    looked_at: Mapping[int, Mark] | None = None

    async def step() -> None:
        nonlocal next_look, next_idle_look, looked_at
        began = elapsed()
        heads = await ledger.heads()
        moved = await rolling_up.step()
        if moved is None:
            await sleep(STAND_BY_S, stop)
        elif not rolling_up.has_more:
            if elapsed() >= (next_idle_look if looked_at == heads.marks else next_look):
                took_s = await look_at_due()
                looked_at, next_look = heads.marks, elapsed() + max(LOOK_EVERY_S, LOOK_SHARE * took_s)
                next_idle_look = max(next_look, elapsed() + IDLE_LOOK_EVERY_S)
            if moved:
                await sleep(max(0.0, began + PACE_S - elapsed()), stop)
            else:
                await unless_stopped(ledger.wait_for_entries(heads, IDLE_PATIENCE_S), stop)

    await unless_stopped(forever("report", step, stop, watch), stop)
