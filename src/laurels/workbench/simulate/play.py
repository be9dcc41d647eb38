"""Playing a day: everything is sent when it is due, whatever the answers take, and again until it is answered."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

import structlog
from msgspec import Struct, field

from laurels import clock
from laurels.errors import LedgerUnavailable
from laurels.model import Order
from laurels.workbench.simulate.day import DAY_S, Delivery, DeliveryKind
from laurels.workbench.simulate.expected import ExpectedLedger
from laurels.workbench.simulate.target import Target
from laurels.workers import sleep

IN_FLIGHT = 256
"""Deliveries under way at once. Where the shop is slower than the day, the day waits, and says how far it is behind."""

PAUSE_S = 0.5
"""Before something is sent again that nobody answered."""

log = structlog.get_logger(__name__)


class Played(Struct):
    """What was sent, by kind of document (a repeat counts as one), in how long, and how late at the worst."""

    sent: Counter[DeliveryKind] = field(default_factory=Counter)
    orders: int = 0
    refunds: int = 0
    seconds: float = 0.0
    behind_s: float = 0.0
    sent_again: int = 0
    stopped: bool = False


async def play(
    target: Target,
    day: Iterable[Delivery],
    expected: ExpectedLedger,
    *,
    seconds: float,
    stop: asyncio.Event,
    report: Callable[[int], None],
) -> Played:
    """Send a day within `seconds`, until `stop` is set; what is under way is finished. `report` gets the orders sent
    so far.
    """
    played = Played()
    gate = asyncio.Semaphore(IN_FLIGHT)
    start = clock.elapsed()

    async def deliver(delivery: Delivery) -> None:
        try:
            await _deliver(target, delivery, expected, played, stop)
        finally:
            gate.release()

    async with asyncio.TaskGroup() as under_way:
        for delivery in day:
            ahead_s = start + delivery.at_s / DAY_S * seconds - clock.elapsed()
            if ahead_s > 0:
                await sleep(ahead_s, stop)
            await gate.acquire()
            if stop.is_set():
                break
            played.behind_s = max(played.behind_s, -ahead_s)
            played.sent[delivery.kind] += len(delivery.documents)
            if delivery.kind is not DeliveryKind.REPEAT:
                new_orders = sum(isinstance(document, Order) for document in delivery.documents)
                played.orders += new_orders
                played.refunds += len(delivery.documents) - new_orders
            expected.send(delivery.documents)
            under_way.create_task(deliver(delivery))
            report(played.orders)
    played.seconds = clock.elapsed() - start
    played.stopped = stop.is_set()
    return played


async def _deliver(
    target: Target, delivery: Delivery, expected: ExpectedLedger, played: Played, stop: asyncio.Event
) -> None:
    """Send until there is an answer; after a stop, nothing is sent again."""
    while True:
        try:
            answers = await target.send(delivery.documents)
        except LedgerUnavailable as error:
            if stop.is_set():
                return
            log.warning("simulate.not_answered", error=error.message, again_in_s=PAUSE_S)
            played.sent_again += 1
            await sleep(PAUSE_S, stop)
        else:
            expected.answer(delivery.documents, answers)
            return
