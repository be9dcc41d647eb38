"""One loop for each kind of background work. Each ends when it is told to, between two batches, and outlives a
ledger that is away and a leaderboard that cannot be written. What becomes of an error that nobody foresaw, its `Watch`
decides.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Protocol

import structlog

from laurels.awarding import Awarder
from laurels.checkout import Checkout
from laurels.clock import elapsed
from laurels.errors import AnotherProjector, BoardUnavailable, LaurelsError, LedgerUnavailable, QueueUnavailable
from laurels.leaderboard import Projector
from laurels.ledger import Ledger, Progress
from laurels.notify import Notifier

PATIENCE_S = 0.25
"""How long a loop waits for entries before it looks around: whether it should stop, whether the feed is still the same,
so that the board is not stale.
"""

IDLE_PATIENCE_S = 1.0
"""The same for loops that nobody reads from: what wakes them comes at once, so this bounds only how late they stop."""

RECOVER_EVERY_S = 10.0
"""How often purchases that broke off are looked for."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
"""Pauses between two tries while the ledger or the leaderboard is away; they double."""

SWEEP_EVERY_S = 60.0
"""How often it is looked who has fallen due."""

SILENT_EVERY_S, SILENT_SHARE = 3600.0, 50
"""How often a sweep looks for the silent by itself: after an hour, and after so many times as long as a look takes."""

_EVENTS = {BoardUnavailable: "board.unavailable", QueueUnavailable: "queue.unavailable"}

log = structlog.get_logger(__name__)


class Watch(Protocol):
    """Is told how a loop gets on."""

    def worked(self) -> None:
        """A step came to its end. Called after each."""
        ...

    def away(self, error: LaurelsError) -> None:
        """The ledger, the leaderboard or a queue is away; the loop tries again."""
        ...

    def failed(self, error: Exception) -> float:
        """A step raised what nobody foresaw. Gives the seconds after which the loop is to try again, or raises: then
        the loop ends.
        """
        ...


class Unwatched:
    """A `Watch` for a loop in a command or a test: an unforeseen error ends it."""

    def worked(self) -> None:
        """Nothing."""

    def away(self, error: LaurelsError) -> None:
        """Nothing."""

    def failed(self, error: Exception) -> float:
        """Raise it."""
        raise error


UNWATCHED = Unwatched()


async def award_forever(
    ledger: Ledger,
    awarder: Awarder,
    stop: asyncio.Event,
    count: Callable[[int], object] = int,
    watch: Watch = UNWATCHED,
) -> None:
    """Award documents as they are accepted, until `stop` is set; the batch under way is finished first.

    `count` is told how many were judged, for whoever keeps figures.
    """

    async def step() -> None:
        if judged := await awarder.step():
            count(judged)
        else:
            await unless_stopped(ledger.wait_for_work(IDLE_PATIENCE_S), stop)

    await forever("award", step, stop, watch)


async def project_forever(
    projector: Projector,
    stop: asyncio.Event,
    watch: Watch = UNWATCHED,
    progress: Callable[[], AbstractContextManager[Progress | None]] = nullcontext,
) -> None:
    """Keep the leaderboard at the head of the feed, until `stop` is set. While another process does, stand by: should
    it die, this one goes on where it ended. The first time, when it may be a rebuild, it tells its `progress`.
    """
    is_first = True

    async def step() -> None:
        nonlocal is_first
        try:
            with progress() if is_first else nullcontext() as report:
                is_first = False
                heads = await projector.catch_up(report, may_hold=True)
        except AnotherProjector:
            await sleep(PATIENCE_S, stop)
        else:
            await projector.source.wait_for_entries(heads, PATIENCE_S)

    await unless_stopped(forever("project", step, stop, watch), stop)


async def notify_forever(ledger: Ledger, notifier: Notifier, stop: asyncio.Event, watch: Watch = UNWATCHED) -> None:
    """Send messages as they become due, until `stop` is set; the one under way is finished first."""

    async def step() -> None:
        if not await notifier.step():
            await unless_stopped(ledger.wait_for_messages(IDLE_PATIENCE_S), stop)

    await forever("notify", step, stop, watch)


async def recover_forever(
    checkout: Checkout, tidy: Callable[[], Awaitable[object]], stop: asyncio.Event, watch: Watch = UNWATCHED
) -> None:
    """Finish purchases that broke off, and `tidy` up, now and from time to time, until `stop` is set."""

    async def step() -> None:
        await checkout.recover()
        await tidy()
        watch.worked()
        await sleep(RECOVER_EVERY_S, stop)

    await forever("recover", step, stop, watch)


async def sweep_forever(
    awarder: Awarder,
    stop: asyncio.Event,
    watch: Watch = UNWATCHED,
    tell_silent: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Write down what the clock has done to members (points that lapsed, holds that ended), now and from time to time,
    until `stop` is set. Answers do not wait for it. `tell_silent` looks through all members for those of whom no
    document tells, now and once an hour or, of many, less often; None: somebody else does.
    """
    next_look = elapsed()

    async def step() -> None:
        nonlocal next_look
        if tell_silent is not None and (began := elapsed()) >= next_look:
            await unless_stopped(tell_silent(), stop)
            next_look = elapsed() + max(SILENT_EVERY_S, SILENT_SHARE * (elapsed() - began))
        if not await awarder.sweep():
            watch.worked()
            await sleep(SWEEP_EVERY_S, stop)

    await forever("sweep", step, stop, watch)


async def unless_stopped(work: Coroutine[Any, Any, object], stop: asyncio.Event) -> None:
    """Do work that may be left off anywhere, such as a rebuild of minutes, unless `stop` is set or comes between."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def sleep(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but not through a stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def forever(name: str, step: Callable[[], Awaitable[None]], stop: asyncio.Event, watch: Watch) -> None:
    """Take one step after the other until `stop` is set. What is away is waited for, as `watch` is told."""
    pause = FIRST_PAUSE_S
    while not stop.is_set():
        try:
            await step()
        except (LedgerUnavailable, BoardUnavailable, QueueUnavailable) as error:
            event = _EVENTS.get(type(error), "ledger.unavailable")
            log.warning(event, worker=name, error=error.message, retry_in_s=pause)
            watch.away(error)
            await sleep(pause, stop)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - the watch decides, and raises it where the loop is to end
            await sleep(watch.failed(error), stop)
        else:
            watch.worked()
            pause = FIRST_PAUSE_S
