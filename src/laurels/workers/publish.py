"""Publishing events: each target at its own pace, so that a slow or dead one holds up no other."""

import asyncio
from collections.abc import Sequence

import structlog

from laurels.errors import LedgerUnavailable
from laurels.events import Publisher, SinkClosed, SinkUnavailable
from laurels.ledger import Ledger
from laurels.workers.loops import IDLE_PATIENCE_S, UNWATCHED, Watch, sleep, unless_stopped

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 300.0
"""Pauses before a target that takes nothing is tried again; they double."""

STAND_BY_S = 5.0
"""How often one looks whether the process that sends to a target is still there."""

log = structlog.get_logger(__name__)


async def publish_forever(
    ledger: Ledger, publishers: Sequence[Publisher], stop: asyncio.Event, watch: Watch = UNWATCHED
) -> None:
    """Send events to every target until `stop` is set. A target that wants none any more is left alone."""
    async with asyncio.TaskGroup() as tasks:
        for publisher in publishers:
            tasks.create_task(_publish(ledger, publisher, stop, watch), name=f"laurels-publish {publisher.target}")


async def _publish(ledger: Ledger, publisher: Publisher, stop: asyncio.Event, watch: Watch) -> None:
    pause = FIRST_PAUSE_S
    while not stop.is_set():
        try:
            await _step(ledger, publisher, stop)
        except SinkClosed as error:
            log.warning("events.closed", target=publisher.target, error=error.message)
            return
        except (SinkUnavailable, LedgerUnavailable) as error:
            if isinstance(error, SinkUnavailable) and error.sent:
                pause = FIRST_PAUSE_S
            log.warning("events.unavailable", target=publisher.target, error=error.message, retry_in_s=pause)
            watch.away(error)
            await sleep(pause, stop)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - the watch decides, and raises it where the loop is to end
            await sleep(watch.failed(error), stop)
        else:
            pause = FIRST_PAUSE_S
            watch.worked()


async def _step(ledger: Ledger, publisher: Publisher, stop: asyncio.Event) -> None:
    heads = await ledger.heads()
    moved = await publisher.step()
    if moved is None:
        await sleep(STAND_BY_S, stop)
    elif not moved:
        await unless_stopped(ledger.wait_for_entries(heads, IDLE_PATIENCE_S), stop)
