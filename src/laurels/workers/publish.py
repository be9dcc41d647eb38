"""Publishing events: each target at its own pace, so that a slow, dead or refusing one holds up no other."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress

import structlog

from laurels.errors import LaurelsError, LedgerUnavailable, SettingsError
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
    """Send events to every target until `stop` is set. A target that wants none any more is left alone; one that
    refuses is told, and tried again. Raises `SettingsError` where none takes anything: there is nothing to do then but
    to set that right.
    """
    looks = [asyncio.create_task(publisher.look(), name=f"laurels-look {publisher.target}") for publisher in publishers]
    wrong: set[str] = set()
    try:
        await unless_stopped(_raise_if_all_refuse(looks), stop)
        async with asyncio.TaskGroup() as tasks:
            for publisher, look in zip(publishers, looks, strict=True):
                one = _OfSeveral(watch, publisher.target, wrong)
                tasks.create_task(
                    _publish(ledger, publisher, look, stop, one), name=f"laurels-publish {publisher.target}"
                )
    finally:
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


class _OfSeveral(Watch):
    """Watches one target: the role works where nothing is `wrong` with any of them."""

    def __init__(self, watch: Watch, target: str, wrong: set[str]) -> None:
        self._watch, self._target, self._wrong = watch, target, wrong

    def worked(self) -> None:
        self._wrong.discard(self._target)
        if not self._wrong:
            self._watch.worked()

    def away(self, error: LaurelsError) -> None:
        self._wrong.add(self._target)
        self._watch.away(error)

    def failed(self, error: Exception) -> float:
        self._wrong.add(self._target)
        return self._watch.failed(error)


async def _raise_if_all_refuse(looks: Sequence[asyncio.Task[None]]) -> None:
    """Wait until one target does not refuse. Raises `SettingsError` where all do."""
    refusal: SettingsError | None = None
    for look in asyncio.as_completed(looks):
        try:
            await look
        except SettingsError as error:
            refusal = refusal or error
        except Exception:  # noqa: BLE001 - it is raised again where its target is published to
            return
        else:
            return
    if refusal is not None:
        raise refusal


async def _publish(
    ledger: Ledger, publisher: Publisher, look: asyncio.Task[None] | None, stop: asyncio.Event, watch: Watch
) -> None:
    """Send to one target, once a `look`, which has begun, came to something."""
    pause, stands_by, is_looked_at = FIRST_PAUSE_S, False, False
    while not stop.is_set():
        try:
            if not is_looked_at:
                first, look = look, None
                await unless_stopped(_awaited(first or publisher.look()), stop)
                is_looked_at = True
                continue
            is_ours = await _step(ledger, publisher, stop)
        except SinkClosed as error:
            log.warning("events.closed", target=publisher.target, error=error.message)
            watch.away(error)
            with suppress(LedgerUnavailable):
                await publisher.close()  # so that another process can begin it anew at once
            await stop.wait()
        except SettingsError as error:
            log.error("events.refused", target=publisher.target, error=error.message)  # noqa: TRY400 - no fault of ours
            await sleep(watch.failed(error), stop)
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


async def _awaited(work: Awaitable[None]) -> None:
    await work


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
