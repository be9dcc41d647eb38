"""Taking orders from a queue: what was received is durable before the queue is told that it is done."""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from laurels import clock
from laurels.errors import LaurelsError, LedgerUnavailable, QueueUnavailable
from laurels.intake import MessageBatch, Queue, ReadBatch, Taken, Taking
from laurels.workers.loops import IDLE_PATIENCE_S, PATIENCE_S, UNWATCHED, Watch, forever, sleep

BATCH = 2048
"""Messages that share one commit, at most; a queue may give fewer at once. For each batch the thread that writes waits
for the interpreter some ten times, whatever its length.
"""

MORE_BEHIND = 512
"""After so many there may be more."""

LOOK_EVERY_S = 1.0
"""How often the depth of the inbox is asked for, unless it may be full sooner: counting it costs by its depth."""

SWITCH_EVERY_S = 0.000_1
"""How long a thread holds the interpreter that another waits for, in a process that takes in much. A batch is written
in some ten steps that do without the interpreter, and each ends with waiting for it: by Python's own 5 ms, for
longer than all of them take.
"""


READ_AT_ONCE = 50
"""Messages that are read before the loop has another turn: half a millisecond. The batch before is handed to the
ledger's thread by turns of the loop; read without one, a batch would be read before that thread began.
"""


class _InHand:
    """A batch that was received: it stays here, whatever reading it raises, or else the next one that is done would
    count for it.
    """

    def __init__(self, batch: MessageBatch) -> None:
        self.batch = batch
        self.read: ReadBatch | None = None

    async def read_by(self, taking: Taking) -> ReadBatch:
        """What it says, read the first time."""
        if self.read is None:
            messages, read = self.batch.messages, ReadBatch([], [], [])
            for start in range(0, len(messages), READ_AT_ONCE):
                read.add(taking.read(messages[start : start + READ_AT_ONCE]))
                await asyncio.sleep(0)
            self.read = read
        return self.read


class Consumer:
    """Takes batches from a queue, one after the other. Where many messages wait, the next batch is received and read
    while one is written, so that two processors are of use; it is written after that one, and at most these two batches
    are in memory, and the messages of the one before. The queue is told that a batch is done after its commit, while
    the next but one is read, or at once where nothing more is in hand: its answer takes as long as some hundred
    messages.

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
        self._hand: deque[_InHand] = deque()
        """What was received and is not committed, in order; the first one is written, or next to be."""
        self._writing: asyncio.Task[Taken] | None = None
        self._committed: MessageBatch | None = None
        """What the queue is to be told of."""
        self._ledger_is_away = False
        self._looked_at = float("-inf")
        self._room = 0

    async def step(self, stop: asyncio.Event, timeout_s: float = IDLE_PATIENCE_S) -> bool:
        """Take one batch; False where there was none. Raises `LedgerUnavailable`: what is in hand is held, and the next
        step tries it again. Raises `QueueUnavailable`: what was in hand comes again.
        """
        if not self._hand:
            await self._wait_for_room(stop)
            if not await self._receive(timeout_s):
                await self._tell()
                return False
        await self._write()
        if self._is_more_to_read() and not stop.is_set():
            await self._receive(0)
        await self._tell()
        await self._finish_one()
        return True

    async def finish(self) -> None:
        """Take what is in hand, and receive nothing. Raises as `step` does."""
        while self._hand:
            await self._write()
            await self._tell()
            await self._finish_one()
        await self._tell()

    async def _receive(self, timeout_s: float) -> bool:
        """Take a batch in hand; whether there was one."""
        try:
            batch = await self._queue.receive(BATCH, timeout_s)
        except QueueUnavailable:
            await self._drop_hand()
            raise
        if batch.messages:
            self._room -= len(batch.messages)
            self._hand.append(_InHand(batch))
            telling = asyncio.create_task(self._tell(), name="laurels-consume-done")
            try:
                with suppress(Exception):  # it is raised where the batch is to be written
                    await self._hand[-1].read_by(self._taking)
            except asyncio.CancelledError:
                with suppress(QueueUnavailable):  # then it comes again, to whoever goes on
                    await telling
                raise
            await telling
        return bool(batch.messages)

    def _is_more_to_read(self) -> bool:
        """Whether to ask for the next batch before this one is done: after a long one there may be more."""
        if len(self._hand) > 1 or self._ledger_is_away or not self._is_room_known():
            return False
        return len(self._hand[0].batch.messages) >= MORE_BEHIND

    async def _write(self) -> None:
        if self._writing is None:
            keeping = self._taking.keep(await self._hand[0].read_by(self._taking))
            self._writing = asyncio.create_task(keeping, name="laurels-consume-write")

    async def _finish_one(self) -> None:
        """Wait for what is being written. What comes after it is begun before the queue is told; where nothing does,
        the queue is told at once.
        """
        assert self._writing is not None, "it was begun"
        try:
            taken = await self._writing
        except LedgerUnavailable:
            self._ledger_is_away = True
            await self._queue.pause()
            raise
        finally:
            self._writing = None
        self._ledger_is_away = False
        self._committed = self._hand.popleft().batch
        self._count(taken)
        if self._hand and self._hand[0].read is not None:
            await self._write()
        else:
            await self._tell()

    async def _tell(self) -> None:
        """Tell the queue that what was committed is done, where it has not been told."""
        if self._committed is None:
            return
        done, self._committed = self._committed, None
        try:
            await self._queue.done(done)
        except QueueUnavailable:
            await self._drop_hand()
            raise
        await self._queue.resume()

    async def _drop_hand(self) -> None:
        """Let go of what the queue will give again. What is being written may be kept for that: it counts once."""
        self._hand.clear()
        self._committed = None
        writing, self._writing = self._writing, None
        if writing is not None:
            with suppress(LaurelsError):
                self._count(await writing)

    def _is_room_known(self) -> bool:
        return clock.elapsed() - self._looked_at < LOOK_EVERY_S and self._room >= 0

    async def _wait_for_room(self, stop: asyncio.Event) -> None:
        if self._is_room_known():
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


def share_interpreter() -> None:
    """Let the threads of a process, of which one reads and one writes, take turns more often (`SWITCH_EVERY_S`)."""
    sys.setswitchinterval(SWITCH_EVERY_S)


async def consume_forever(consumer: Consumer, stop: asyncio.Event, watch: Watch = UNWATCHED) -> None:
    """Take messages until `stop` is set; what is in hand is finished first, if the ledger takes it."""

    async def step() -> None:
        await consumer.step(stop)

    await forever("consume", step, stop, watch)
    with suppress(LedgerUnavailable, QueueUnavailable):
        await consumer.finish()


async def consume_all(consumer: Consumer, stop: asyncio.Event, idle_s: float) -> None:
    """Take messages until none has come for `idle_s` seconds. Raises `LedgerUnavailable`, `QueueUnavailable`."""
    while not stop.is_set() and await consumer.step(stop, idle_s):
        pass
    await consumer.finish()
