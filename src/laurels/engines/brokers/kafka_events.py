"""Events to a Kafka topic, keyed by the member, so that a member's events are in one partition, in order."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import aiokafka
import msgspec
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from laurels.engines.brokers.addresses import parse
from laurels.engines.brokers.kafka_client import CLIENT_OPTIONS, abandoned, connection_of, started, stopped
from laurels.engines.brokers.reasons import reason_of
from laurels.errors import QueueUnavailable, SettingsError
from laurels.events import Event, SinkUnavailable

EXAMPLE = "kafka://host:9092/points"

TAKEN_WITHIN_S = 30.0
"""How long the brokers may take to confirm what they are given at once, with connecting; the client tries longer."""

TOPIC_WITHIN_S = 5.0
"""How long the brokers may take to make a topic that is not there, where they do; the client asks and asks."""


class TopicMissing(SinkUnavailable):
    """Kafka answers, and has no such topic for this user."""


class KafkaSink:
    """A topic. The producer is idempotent, and waits for all replicas in sync."""

    at_once = 500

    def __init__(self, url: str) -> None:
        """Raises `SettingsError` for an address that names no topic."""
        self._address = parse(url, EXAMPLE, CLIENT_OPTIONS)
        if not self._address.place or "/" in self._address.place:
            raise SettingsError(f"The address for events names no topic. Write it as {EXAMPLE}")
        self.target = f"kafka://{self._address.hosts}/{self._address.place}"
        self._producer: Any = None
        # It writes ten lines a second of a topic that is missing.
        logging.getLogger("aiokafka.cluster").setLevel(logging.CRITICAL)

    async def look(self) -> None:
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                self._producer = self._producer or await self._started()
        except TopicMissing as error:
            raise SettingsError(error.message) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise SinkUnavailable(f"Kafka cannot be used now ({reason_of(error)}).") from error

    async def send(self, events: Sequence[Event]) -> None:
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                await self._send(events)
        except TopicAuthorizationFailedError as error:
            await self._abandon()
            raise SinkUnavailable(self._missing()) from error
        except (KafkaError, OSError, TimeoutError) as error:
            await self._abandon()
            raise SinkUnavailable(f"Kafka did not take the events ({reason_of(error)}).") from error

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await stopped(producer)

    async def _abandon(self) -> None:
        """Send nothing more of what was given up: it is given again, and would come twice, the second time too late."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandoned(producer)

    async def _send(self, events: Sequence[Event]) -> None:
        if self._producer is None:
            self._producer = await self._started()
        sent = [
            await self._producer.send(
                self._address.place,
                msgspec.json.encode(event),
                key=(event.member_id or "").encode(),
                headers=[("id", f"{event.epoch}.{event.id}".encode()), ("type", f"points.{event.kind}".encode())],
            )
            for event in events
        ]
        await asyncio.gather(*sent)

    async def _started(self) -> Any:
        producer = aiokafka.AIOKafkaProducer(acks="all", enable_idempotence=True, **connection_of(self._address))
        try:
            await started(producer, self._address)
        except QueueUnavailable as error:
            raise SinkUnavailable(error.message) from error
        try:
            async with asyncio.timeout(TOPIC_WITHIN_S):
                await producer.partitions_for(self._address.place)
        except BaseException as error:
            await abandoned(producer)
            if isinstance(error, TimeoutError | TopicAuthorizationFailedError):
                raise TopicMissing(self._missing()) from error
            raise
        return producer

    def _missing(self) -> str:
        return f"Kafka has no topic {self._address.place} that its user may write to."
