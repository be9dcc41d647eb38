"""Orders from a Kafka topic, as a member of a consumer group.

What is done is committed as an offset a partition. Nothing needs to be in order: accepting is idempotent for ever, and
a refund waits for its order. So a partition that goes over to another consumer while a batch of it is in hand is no
matter: both take it, and it counts once.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import aiokafka
import structlog
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition

from laurels.engines.brokers.addresses import NAME, parse
from laurels.engines.brokers.kafka_client import (
    ANSWER_WITHIN_S,
    CLIENT_OPTIONS,
    connection_of,
    started,
    stopped,
    unavailable,
    within,
)
from laurels.engines.brokers.kafka_records import read_strange_names
from laurels.errors import QueueUnavailable, SettingsError
from laurels.intake import MessageBatch, ReceivedMessage

EXAMPLE = "kafka://user:password@host:9092,host2:9092/orders?group=laurels"
OPTIONS = CLIENT_OPTIONS | {"group": NAME}
GROUP = "laurels"

FETCHED_BYTES = 8 * 1024 * 1024
PARTITION_BYTES = 4 * 1024 * 1024
"""Most that one answer of a broker holds, in all and of one partition. A partition is asked for more when all that came
of it is taken; so that much a partition is in memory, whatever the topic's length.
"""

HELD_S = 60.0
"""How long a pause asks for nothing and changes nothing. Only then are partitions paused, for which the client throws
away what it has fetched of them, megabytes each, and fetches it again.
"""

KNOWN_FOR_MS = 15_000
"""How long it is believed which partitions a topic has: so late one more is read, or a topic that was made anew."""

LOOK_EVERY_S = 1.0
"""How often a paused consumer asks for nothing, so that the group sees that it lives."""

log = structlog.get_logger(__name__)


class KafkaQueue:
    """A topic of a Kafka. Connects when it is first used, and again after the brokers were away."""

    def __init__(self, url: str) -> None:
        """Raises `SettingsError` for an address that names no topic."""
        self._address = parse(url, EXAMPLE, OPTIONS)
        self.name = self._address.place
        if not self.name or "/" in self.name:
            raise SettingsError(f"The queue's address names no topic. Write it as {EXAMPLE}")
        read_strange_names()
        self._consumer: Any = None
        self._done: dict[TopicPartition, int] = {}
        self._paused = False
        self._keeping: asyncio.Task[None] | None = None

    async def look(self) -> None:
        consumer = await self._started(group=None)
        try:
            topics = await consumer.topics()
        except (KafkaError, OSError) as error:
            raise unavailable(error) from error
        finally:
            await stopped(consumer)
        if self.name not in topics:
            raise SettingsError(f"There is no topic {self.name} at this Kafka that its user may read.")

    async def receive(self, limit: int, timeout_s: float) -> MessageBatch:
        if self._paused:
            await asyncio.sleep(timeout_s)
            return MessageBatch(())
        try:
            if self._consumer is None:
                self._consumer = await self._started(group=self._address.options.get("group", GROUP))
                self._consumer.subscribe([self.name], listener=_Handover(self))
            taken = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=limit)
        except (KafkaError, OSError) as error:
            await self._drop()
            raise unavailable(error) from error
        records = [record for part in taken.values() for record in part]
        if not records:
            return MessageBatch(())
        place = {partition: part[-1].offset + 1 for partition, part in taken.items() if part}
        return MessageBatch([_message(record) for record in records], place)

    async def done(self, batch: MessageBatch) -> None:
        self._done.update(cast("Mapping[TopicPartition, int]", batch.place))
        await self.commit()

    async def commit(self) -> None:
        """Commit what is done of the partitions that are still this consumer's. Raises `QueueUnavailable`."""
        if self._consumer is None:
            self._done.clear()
            raise QueueUnavailable("The connection to Kafka was lost before offsets could be committed.")
        held = self._consumer.assignment()
        offsets = {partition: offset for partition, offset in self._done.items() if partition in held}
        self._done.clear()
        if not offsets:
            return
        try:
            await within(self._consumer.commit(offsets), ANSWER_WITHIN_S)  # it would try for ever
        except (CommitFailedError, IllegalStateError):  # the group gave the partitions away: whoever has them commits
            log.info("kafka.handed_over", topic=self.name)
        except (KafkaError, OSError, TimeoutError) as error:
            await self._drop()
            raise unavailable(error) from error

    async def pause(self) -> None:
        if self._paused:
            return
        self._paused = True
        if self._consumer is not None:
            self._keeping = asyncio.create_task(self._keep_membership(self._consumer), name="laurels-kafka-pause")

    async def resume(self) -> None:
        if not self._paused:
            return
        self._paused = False
        await self._stop_keeping()
        if self._consumer is not None:
            self._consumer.resume(*self._consumer.paused())

    async def close(self) -> None:
        await self._drop()

    async def _keep_membership(self, consumer: Any) -> None:
        """Ask for nothing in a long pause: a member that does not ask for five minutes is put out of its group."""
        await asyncio.sleep(HELD_S)
        while True:
            with suppress(KafkaError, OSError):
                consumer.pause(*consumer.assignment())
                await consumer.getmany(timeout_ms=0)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _stop_keeping(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _drop(self) -> None:
        await self._stop_keeping()
        consumer, self._consumer = self._consumer, None
        self._done.clear()
        if consumer is not None:
            await stopped(consumer)

    async def _started(self, group: str | None) -> Any:
        consumer = aiokafka.AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_bytes=FETCHED_BYTES,
            max_partition_fetch_bytes=PARTITION_BYTES,
            metadata_max_age_ms=KNOWN_FOR_MS,
            isolation_level="read_committed",  # what a producer took back was never sent
            **connection_of(self._address),
        )
        return await started(consumer, self._address)


class _Handover(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Before partitions go over to another consumer, what is done of them is committed."""

    def __init__(self, queue: KafkaQueue) -> None:
        self._queue = queue

    async def on_partitions_revoked(self, revoked: Any) -> None:
        with suppress(QueueUnavailable):
            await self._queue.commit()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Reading begins at what was committed, by whomever."""


def _message(record: Any) -> ReceivedMessage:
    return ReceivedMessage(record.value or b"", tuple(name for name, _ in record.headers) if record.headers else ())
