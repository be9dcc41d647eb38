"""What every queue must do, as tests. An engine keeps the port's promises when a subclass of this passes.

    class TestMyQueue(QueueContract):
        @pytest.fixture
        async def broker(self, tmp_path: Path) -> AsyncIterator[BrokerSide]:
            async with my_broker(tmp_path) as broker:
                yield broker

The tests are asyncio coroutines, run by anyio's pytest plugin: let a fixture `anyio_backend` give "asyncio".
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from laurels.errors import QueueUnavailable
from laurels.intake import MessageBatch, Queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

IN_TIME_S = 90.0
"""What a broker should do soon fails the test after this long."""

MOMENT_S = 0.5


class BrokerSide(Protocol):
    """The broker's side of a queue: an empty one, made for the test."""

    redelivers_after_s: float
    """How long what is not done stays hidden after its taker has gone."""

    def queue(self) -> Queue:
        """Give a new reader of the queue."""
        ...

    async def send(self, bodies: Sequence[bytes]) -> None:
        """Send messages, which stay when this returns; each has a header `x-shop`."""
        ...

    async def go_away(self) -> None:
        """Answer nobody any more."""
        ...

    async def come_back(self) -> None:
        """Answer again, with all that was sent and is not done."""
        ...


class QueueContract:
    """Subclass it, override the fixture `broker`, and let pytest collect the subclass."""

    pytestmark = pytest.mark.anyio
    keeps_messages = True
    """Whether the broker has its messages after it went away and came back."""

    @pytest.fixture
    def broker(self) -> BrokerSide:
        """Give the broker's side. To be overridden."""
        raise NotImplementedError

    async def test_what_is_sent_is_received_byte_for_byte(self, broker: BrokerSide) -> None:
        """With the names of its headers, in batches no larger than asked for."""
        bodies = [f'{{"order_id": "A{n}", "name": "Zoë ☘"}}'.encode() for n in range(25)]
        async with _reader(broker) as queue:
            await queue.look()
            await broker.send(bodies)
            batches = await _receive(queue, len(bodies), limit=10)
            assert max(len(batch.messages) for batch in batches) <= 10
            assert Counter(_bodies(batches)) == Counter(bodies)
            assert {message.headers for batch in batches for message in batch.messages} == {("x-shop",)}

    async def test_an_empty_queue_gives_an_empty_batch(self, broker: BrokerSide) -> None:
        """After the time that one waits."""
        async with _reader(broker) as queue:
            assert await queue.receive(10, MOMENT_S) == MessageBatch(())

    async def test_what_is_done_never_comes_again(self, broker: BrokerSide) -> None:
        """Done up to a batch: those before it too, those after it not."""
        await broker.send([b"%d" % n for n in range(30)])
        async with _reader(broker) as queue:
            batches = await _receive(queue, 30, limit=10)
            for batch in batches[:-1]:
                await queue.done(batch)
        left = [message.body for message in batches[-1].messages]
        await asyncio.sleep(broker.redelivers_after_s)
        async with _reader(broker) as queue:
            again = await _receive(queue, len(left))
            assert Counter(_bodies(again)) == Counter(left)
            await queue.done(again[-1])
            for batch in again[:-1]:
                await queue.done(batch)

    async def test_what_is_not_done_comes_again_to_the_next(self, broker: BrokerSide) -> None:
        """Whoever held it is gone."""
        await broker.send([b"a", b"b", b"c"])
        async with _reader(broker) as queue:
            await _receive(queue, 3)
        await asyncio.sleep(broker.redelivers_after_s)
        async with _reader(broker) as queue:
            assert Counter(_bodies(await _receive(queue, 3))) == Counter([b"a", b"b", b"c"])

    async def test_two_readers_take_all_between_them(self, broker: BrokerSide) -> None:
        """Each message is received by one of them, or by both; none by nobody."""
        bodies = [b"%d" % n for n in range(200)]
        async with _reader(broker) as one, _reader(broker) as other:
            await asyncio.gather(one.receive(10, MOMENT_S), other.receive(10, MOMENT_S))
            await broker.send(bodies)
            seen: set[bytes] = set()

            async def take(queue: Queue) -> None:
                while len(seen) < len(bodies):
                    batch = await queue.receive(50, MOMENT_S)
                    if batch.messages:
                        await queue.done(batch)
                        seen.update(message.body for message in batch.messages)

            await asyncio.wait_for(asyncio.gather(take(one), take(other)), IN_TIME_S)
            assert seen == set(bodies)

    async def test_a_pause_takes_nothing_and_loses_nothing(self, broker: BrokerSide) -> None:
        """What is in hand stays in hand, can still be done, and the rest comes after the pause, once each."""
        await broker.send([b"before"])
        async with _reader(broker) as queue:
            [held] = await _receive(queue, 1)
            await queue.pause()
            await queue.pause()
            await broker.send([b"meanwhile"])
            assert (await queue.receive(10, MOMENT_S)).messages == ()
            await queue.done(held)
            await queue.resume()
            await queue.resume()
            later = await _receive(queue, 1)
            assert _bodies(later) == [b"meanwhile"]
            await queue.done(later[0])
            assert (await queue.receive(10, MOMENT_S)).messages == ()

    async def test_a_broker_that_was_away_is_found_again(self, broker: BrokerSide) -> None:
        """Errors say so while it is away; nothing that was not done is lost."""
        async with _reader(broker) as queue:
            await broker.send([b"1", b"2"])
            batches = await _receive(queue, 2)
            await broker.go_away()
            with pytest.raises(QueueUnavailable):
                await asyncio.wait_for(_fail(queue, batches[-1]), IN_TIME_S)
            await broker.come_back()
            await asyncio.sleep(broker.redelivers_after_s)
            if not self.keeps_messages:
                await broker.send([b"1", b"2"])
            assert set(_bodies(await _receive(queue, 2, patient=True))) == {b"1", b"2"}

    async def test_a_broker_that_is_away_is_named_when_it_is_looked_at(self, broker: BrokerSide) -> None:
        """In one line."""
        await broker.go_away()
        async with _reader(broker) as queue:
            with pytest.raises(QueueUnavailable) as raised:
                await asyncio.wait_for(queue.look(), IN_TIME_S)
            assert "\n" not in raised.value.message
        await broker.come_back()


@asynccontextmanager
async def _reader(broker: BrokerSide) -> "AsyncIterator[Queue]":
    queue = broker.queue()
    try:
        yield queue
    finally:
        await queue.close()


async def _receive(queue: Queue, count: int, *, limit: int = 100, patient: bool = False) -> list[MessageBatch]:
    """Batches with so many messages in all; with `patient`, errors of a broker that comes back are waited out."""
    batches: list[MessageBatch] = []

    async def collect() -> None:
        while sum(len(batch.messages) for batch in batches) < count:
            try:
                batch = await queue.receive(limit, MOMENT_S)
            except QueueUnavailable:
                if not patient:
                    raise
                batches.clear()
                await asyncio.sleep(MOMENT_S)
                continue
            if batch.messages:
                batches.append(batch)

    await asyncio.wait_for(collect(), IN_TIME_S)
    return batches


async def _fail(queue: Queue, batch: MessageBatch) -> None:
    """Use a queue until it raises."""
    while True:
        await queue.done(batch)
        await queue.receive(10, MOMENT_S)


def _bodies(batches: Sequence[MessageBatch]) -> list[bytes]:
    return [message.body for batch in batches for message in batch.messages]
