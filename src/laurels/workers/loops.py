"""One loop for each kind of background work. Each ends when it is told to, between two batches, and outlives a
ledger that is away and a leaderboard that cannot be written.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from laurels.awarding import Awarder
from laurels.checkout import Checkout
from laurels.errors import BoardUnavailable, LedgerUnavailable
from laurels.leaderboard import Projector
from laurels.ledger import Ledger
from laurels.notify import Notifier

PATIENCE_S = 0.25
"""How long a loop waits for news before it looks around: whether it should stop, whether the feed is still the same."""

RECOVER_EVERY_S = 10.0
"""How often purchases that broke off are looked for."""

LONGEST_PAUSE_S = 5.0
"""The longest pause between two tries while the ledger or the leaderboard is away."""

log = structlog.get_logger(__name__)


async def award_forever(
    ledger: Ledger, awarder: Awarder, stop: asyncio.Event, count: Callable[[int], object] = int
) -> None:
    """Award documents as they are accepted, until `stop` is set; the batch under way is finished first.

    `count` is told how many were judged, for whoever keeps figures.
    """

    async def step() -> None:
        if judged := await awarder.step():
            count(judged)
        else:
            await ledger.wait_for_work(PATIENCE_S)

    await _forever("award", step, stop)


async def project_forever(ledger: Ledger, projector: Projector, stop: asyncio.Event) -> None:
    """Keep the leaderboard at the head of the feed, until `stop` is set."""

    async def step() -> None:
        heads = await projector.catch_up()
        await ledger.wait_for_news(heads, PATIENCE_S)

    await _forever("project", step, stop)


async def notify_forever(ledger: Ledger, notifier: Notifier, stop: asyncio.Event) -> None:
    """Send messages as they become due, until `stop` is set; the one under way is finished first."""

    async def step() -> None:
        if not await notifier.step():
            await ledger.wait_for_messages(PATIENCE_S)

    await _forever("notify", step, stop)


async def recover_forever(checkout: Checkout, stop: asyncio.Event) -> None:
    """Finish purchases that broke off, now and from time to time, until `stop` is set."""

    async def step() -> None:
        await checkout.recover()
        await _sleep(RECOVER_EVERY_S, stop)

    await _forever("recover", step, stop)


async def _forever(name: str, step: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    pause = PATIENCE_S
    while not stop.is_set():
        try:
            await step()
            pause = PATIENCE_S
        except (LedgerUnavailable, BoardUnavailable) as error:
            event = "board.unavailable" if isinstance(error, BoardUnavailable) else "ledger.unavailable"
            log.warning(event, worker=name, error=error.message, retry_in_s=pause)
            await _sleep(pause, stop)
            pause = min(2 * pause, LONGEST_PAUSE_S)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
