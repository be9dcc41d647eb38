"""Reading a queue: what the role `consume` works with, and `laurels consume`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from laurels.errors import SettingsError
from laurels.intake import Taken, Taking
from laurels.metrics_sharing import is_counting
from laurels.runtime.processes import stop_on_signals
from laurels.settings import Settings
from laurels.wiring import Services, build, open_queue
from laurels.workers import Consumer, consume_all, share_interpreter

log = structlog.get_logger(__name__)

EMPTY_AFTER_S = 3.0
"""A queue that gives nothing for so long is empty."""


@asynccontextmanager
async def opened_consumer(
    services: Services, count: Callable[[Taken], object] | None = None
) -> AsyncIterator[Consumer]:
    """What takes messages from the queue that the settings name, which has been looked at. Raises `SettingsError`,
    `QueueUnavailable`.
    """
    settings = services.settings.consume
    if settings.url is None:
        raise SettingsError("There is no queue to take orders from: laurels consume URL, or set consume.url.")
    share_interpreter()
    queue = open_queue(settings.url, checked=settings.checked)
    try:
        await queue.look()
        log.info("queue.read", queue=queue.name)
        yield Consumer(
            queue,
            Taking(services.intake, services.ledger, services.now, queue.name),
            services.ledger.inbox_depth,
            settings.inbox_limit,
            count or _counter(),
        )
    finally:
        await queue.close()


async def take_dead_letters(settings: Settings) -> Taken:
    """`laurels consume --dead-letters`: take what lies in a queue, then leave; what became of it."""
    totals: list[Taken] = []
    async with build(settings) as services, opened_consumer(services, totals.append) as consumer:
        await consume_all(consumer, stop_on_signals(), EMPTY_AFTER_S)
    return Taken(
        accepted=sum(each.accepted for each in totals),
        repeated=sum(each.repeated for each in totals),
        refused=sum(each.refused for each in totals),
    )


def _tell_refused(taken: Taken) -> None:
    """Log what went to quarantine, without anybody's data."""
    if taken.refused:
        log.warning("messages.quarantined", count=taken.refused, advice="laurels quarantine list")


def _counter() -> Callable[[Taken], object]:
    if not is_counting():
        return _tell_refused
    from laurels.metrics import CONSUMED  # noqa: PLC0415 - prometheus-client takes a while to load

    def count(taken: Taken) -> None:
        _tell_refused(taken)
        CONSUMED.labels("accepted").inc(taken.accepted)
        CONSUMED.labels("repeated").inc(taken.repeated)
        CONSUMED.labels("refused").inc(taken.refused)

    return count
