"""Orders from a RabbitMQ queue, by AMQP 0-9-1.

Messages are fetched ahead, at most `PREFETCH`, and lie here until they are asked for; the broker sends no more until
some are acknowledged, so memory does not grow with the queue. Acknowledging is for all up to a place at once.

Nothing is handed back (no nack, no requeue): a quorum queue counts that as a delivery, and drops a message after its
limit, 20 where a RabbitMQ from 4.0 on was told nothing else. A pause cancels the consumer and keeps what is here.
"""

import asyncio
from collections import deque
from typing import cast

from aiormq import Channel
from aiormq.abc import AbstractConnection, DeliveredMessage

from laurels.engines.brokers.addresses import NAME, parse
from laurels.engines.brokers.rabbitmq_client import (
    ANSWER_WITHIN_S,
    AWAY,
    CLIENT_OPTIONS,
    CONNECTED_WITHIN_S,
    close_connection,
    open_connection,
    raise_if_cancelled,
)
from laurels.engines.brokers.rabbitmq_queues import QueueState, advise, look_at
from laurels.engines.brokers.reasons import reason_of
from laurels.errors import QueueUnavailable, SettingsError
from laurels.intake import MessageBatch, ReceivedMessage

EXAMPLE = "amqp://user:password@host/vhost?queue=orders"
OPTIONS = CLIENT_OPTIONS | {"queue": NAME}

PREFETCH = 1536
"""Messages that the broker sends ahead: three batches, so that one comes in while one is read and one is written."""

AT_ONCE = 512
"""Messages of a batch: were it all that was sent ahead, the broker would send nothing more until it is written."""

AT_ONCE_BYTES = 4 * 1024 * 1024
"""Bodies of a batch, beside the one that fills it: large messages make short batches, since two batches are in memory
with all that is read out of them.
"""

FEW = 512
"""So few have to lie here before a consumer that was cancelled begins anew: the broker counts `PREFETCH` for each
consumer from nothing, whatever was sent to the one before.
"""


class RabbitQueue:
    """A queue of a RabbitMQ. Connects when it is first used, and again after the broker was away."""

    def __init__(self, url: str, *, checked: bool = True) -> None:
        """Raises `SettingsError` for an address that names no queue. Where it is not `checked`, a queue is taken from
        whatever it would do with what comes back.
        """
        address = parse(url, EXAMPLE, OPTIONS)
        self.name = address.options.get("queue", "")
        if not self.name:
            raise SettingsError(f"The queue's address names no queue. Write it as {EXAMPLE}")
        self._url, self._hosts = url, address.hosts
        self._checked = checked
        self._connection: AbstractConnection | None = None
        self._channel: Channel | None = None
        self._tag: str | None = None
        self._paused = False
        self._waiting: deque[DeliveredMessage] = deque()
        self._arrived = asyncio.Event()
        self._lost = asyncio.Event()

    async def look(self) -> QueueState:
        """What the queue is, with advice in the log. Raises `SettingsError` for one that is not there or would drop
        orders, in one line.
        """
        connection: AbstractConnection | None = None
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                connection = await open_connection(self._url)
                found = await look_at(connection, self.name, checked=self._checked)
                advise(self.name, found)
                return found
        except AWAY as error:
            raise _unavailable(error, f"No RabbitMQ answers at {self._hosts}") from error
        finally:
            await close_connection(connection)

    async def receive(self, limit: int, timeout_s: float) -> MessageBatch:
        if self._channel is None:
            await self._connect()
        if not self._waiting:
            self._arrived.clear()
            await _first_of(self._arrived, self._lost, timeout_s)
        if self._lost.is_set():
            await self._disconnect()
            raise QueueUnavailable("The connection to RabbitMQ was lost.")
        if self._is_sent_away():
            await self._disconnect()
            raise QueueUnavailable(f"RabbitMQ gives nothing more of the queue {self.name}: was it deleted?")
        taken = self._take(min(limit, AT_ONCE))
        await self._consume_again()
        if not taken:
            return MessageBatch(())
        assert self._channel is not None
        return MessageBatch([_message(each) for each in taken], (self._channel, taken[-1].delivery_tag))

    def _take(self, limit: int) -> list[DeliveredMessage]:
        """The next messages of those that lie here, up to a count and to `AT_ONCE_BYTES`."""
        taken, size = list[DeliveredMessage](), 0
        while self._waiting and len(taken) < limit and size < AT_ONCE_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].body)
        return taken

    async def done(self, batch: MessageBatch) -> None:
        channel, tag = cast("tuple[Channel, int]", batch.place)
        if channel is not self._channel:
            raise QueueUnavailable("The connection to RabbitMQ was lost before messages could be acknowledged.")
        try:
            await channel.basic_ack(tag, multiple=True)
        except AWAY as error:
            await self._disconnect()
            raise _unavailable(error) from error

    async def pause(self) -> None:
        self._paused = True
        if self._channel is not None and self._tag is not None:
            tag, self._tag = self._tag, None
            try:
                await self._channel.basic_cancel(tag, timeout=ANSWER_WITHIN_S)
            except AWAY as error:  # the broker takes back what nobody holds; the next `receive` says so
                raise_if_cancelled(error)
                self._lost.set()

    async def resume(self) -> None:
        self._paused = False
        await self._consume_again()

    async def close(self) -> None:
        await self._disconnect()

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                await self._open()
        except AWAY as error:
            await self._disconnect()
            raise _unavailable(error) from error
        except SettingsError:
            await self._disconnect()
            raise

    async def _open(self) -> None:
        self._connection = await open_connection(self._url)
        await look_at(self._connection, self.name, checked=self._checked)
        channel = cast("Channel", await self._connection.channel())
        await channel.basic_qos(prefetch_count=PREFETCH)
        self._lost = asyncio.Event()
        channel.closing.add_done_callback(self._closed)
        self._channel = channel
        if not self._paused:
            await self._consume(channel)

    def _is_sent_away(self) -> bool:
        """Whether the broker has ended the consumer, as it does when the queue is deleted: then nothing would ever come
        again, also where it is made anew.
        """
        return self._channel is not None and self._tag is not None and self._tag not in self._channel.consumers

    def _closed(self, closing: "asyncio.Future[object]") -> None:
        if not closing.cancelled():
            closing.exception()  # looked at, so that nobody complains that it was not
        self._lost.set()

    async def _consume_again(self) -> None:
        """Be sent messages again after a pause, once few are left of those from before."""
        if self._paused or self._channel is None or self._tag is not None or len(self._waiting) > FEW:
            return
        try:
            await self._consume(self._channel)
        except AWAY as error:
            raise_if_cancelled(error)
            self._lost.set()

    async def _consume(self, channel: Channel) -> None:
        waiting, arrived = self._waiting, self._arrived

        async def deliver(message: DeliveredMessage) -> None:
            waiting.append(message)
            arrived.set()

        answer = await channel.basic_consume(self.name, deliver, timeout=ANSWER_WITHIN_S)
        self._tag = answer.consumer_tag

    async def _disconnect(self) -> None:
        connection, self._connection, self._channel, self._tag = self._connection, None, None, None
        self._waiting = deque()
        await close_connection(connection)


async def _first_of(arrived: asyncio.Event, lost: asyncio.Event, timeout_s: float) -> None:
    waits = {asyncio.create_task(arrived.wait()), asyncio.create_task(lost.wait())}
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


def _message(delivered: DeliveredMessage) -> ReceivedMessage:
    return ReceivedMessage(delivered.body, tuple(delivered.header.properties.headers or ()))


def _unavailable(error: BaseException, said: str = "RabbitMQ cannot be used now") -> QueueUnavailable:
    raise_if_cancelled(error)
    return QueueUnavailable(f"{said} ({reason_of(error)}).")
