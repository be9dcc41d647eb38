"""Taking orders from a queue: what was received is durable before the queue is told that it is done."""

import asyncio
from collections.abc import Awaitable, Callable

from laurels import clock
from laurels.errors import LedgerUnavailable
from laurels.intake import MessageBatch, Queue, Taken, Taking
from laurels.workers.loops import IDLE_PATIENCE_S, PATIENCE_S, UNWATCHED, Watch, forever, sleep

BATCH = 500
"""Messages that share one commit."""

LOOK_EVERY_S = 1.0
"""How often the depth of the inbox is asked for, unless it may be full sooner: counting it costs by its depth."""


class Consumer:
    """Takes batches from a queue, one after the other.

    While the ledger is away, or its inbox is full, nothing is asked of the queue, and what is in hand stays in hand: a
    message that is handed back counts as delivered, and brokers drop what was delivered too often.
    """

    def __init__(
        self,
        queue: Queue,
        taking: Taking,
        depth: Callable[[], Awaitable[int]],
        most_waiting: int,
        count: Callable[[Taken], object] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._taking = taking
        self._depth = depth
        self._most_waiting = most_waiting
        self._count = count
        self._held: MessageBatch | None = None
        self._looked_at = float("-inf")
        self._room = 0

    async def step(self, stop: asyncio.Event, timeout_s: float = IDLE_PATIENCE_S) -> bool:
        """Take one batch; False where there was none. Raises `LedgerUnavailable`: the batch is held, and the next step
        tries it again. Raises `QueueUnavailable`: what was in hand comes again.
        """
        if self._held is None:
            await self._wait_for_room(stop)
            batch = await self._queue.receive(BATCH, timeout_s)
            if not batch.messages:
                return False
            self._held = batch
        try:
            taken = await self._taking.take(self._held.messages)
        except LedgerUnavailable:
            await self._queue.pause()
            raise
        batch, self._held = self._held, None
        self._room -= len(batch.messages)
        await self._queue.done(batch)
        await self._queue.resume()
        self._count(taken)
        return True

    async def _wait_for_room(self, stop: asyncio.Event) -> None:
        if clock.elapsed() - self._looked_at < LOOK_EVERY_S and self._room >= 0:
            return
        try:
            while (depth := await self._depth()) > self._most_waiting and not stop.is_set():
                await self._queue.pause()
                await sleep(PATIENCE_S, stop)
        except LedgerUnavailable:
            await self._queue.pause()
            raise
        await self._queue.resume()
        self._looked_at = clock.elapsed()
        self._room = self._most_waiting - depth


async def consume_forever(consumer: Consumer, stop: asyncio.Event, watch: Watch = UNWATCHED) -> None:
    """Take messages until `stop` is set; the batch in hand is finished first, if the ledger takes it."""

    async def step() -> None:
        await consumer.step(stop)

    await forever("consume", step, stop, watch)


async def consume_all(consumer: Consumer, stop: asyncio.Event, idle_s: float) -> None:
    """Take messages until none has come for `idle_s` seconds. Raises `LedgerUnavailable`, `QueueUnavailable`."""
    while not stop.is_set() and await consumer.step(stop, idle_s):
        pass
