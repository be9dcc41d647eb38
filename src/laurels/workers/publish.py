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

LONGEST_ASKED_S = 3600.0
"""How long a target may ask to be left alone for; more is taken for this."""

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
    pause, stands_by = FIRST_PAUSE_S, False
    while not stop.is_set():
        try:
            is_ours = await _step(ledger, publisher, stop)
        except SinkClosed as error:
            log.warning("events.closed", target=publisher.target, error=error.message)
            return
        except (SinkUnavailable, LedgerUnavailable) as error:
            if isinstance(error, SinkUnavailable) and error.sent:
                pause = FIRST_PAUSE_S
            asked = min(error.wait_s, LONGEST_ASKED_S) if isinstance(error, SinkUnavailable) else 0
            wait = max(pause, asked)
            log.warning("events.unavailable", target=publisher.target, error=error.message, retry_in_s=wait)
            watch.away(error)
            await sleep(wait, stop)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - the watch decides, and raises it where the loop is to end
            await sleep(watch.failed(error), stop)
        else:
            if not (is_ours or stands_by):
                log.info("events.stands_by", target=publisher.target)
            pause, stands_by = FIRST_PAUSE_S, not is_ours
            watch.worked()


async def _step(ledger: Ledger, publisher: Publisher, stop: asyncio.Event) -> bool:
    """Send what is next, or wait for it; False where another process sends to the target."""
    heads = await ledger.heads()
    moved = await publisher.step()
    if moved is None:
        await sleep(STAND_BY_S, stop)
        return False
    if not moved:
        await unless_stopped(ledger.wait_for_entries(heads, IDLE_PATIENCE_S), stop)
    return True
