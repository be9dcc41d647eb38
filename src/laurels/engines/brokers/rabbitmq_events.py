"""Events to a RabbitMQ exchange or queue, each confirmed by the broker."""

import asyncio
from collections.abc import Sequence

import aiormq
import msgspec
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity, PublishError

from laurels.engines.brokers.addresses import parse
from laurels.engines.brokers.rabbitmq_client import (
    AWAY,
    CERTIFICATES,
    close_connection,
    open_connection,
    raise_if_cancelled,
)
from laurels.errors import SettingsError
from laurels.events import Event, SinkUnavailable

EXAMPLE = "amqp://user:password@host/vhost?exchange=points"
OPTIONS = frozenset({"exchange", "queue", "routing_key"})
TAKEN_WITHIN_S = 20.0
"""How long the broker may take to confirm what it is given at once, with connecting."""


class RabbitSink:
    """An exchange, or a queue by its name. The routing key is `points.earn` and the like where none is given."""

    at_once = 500

    def __init__(self, url: str) -> None:
        """Raises `SettingsError` for an address that names neither."""
        address = parse(url, EXAMPLE, OPTIONS | CERTIFICATES | {"heartbeat", "auth"})
        self._exchange = address.options.get("exchange", "")
        self._key = address.options.get("queue") or address.options.get("routing_key")
        if not self._exchange and not address.options.get("queue"):
            raise SettingsError(f"The address for events names no exchange and no queue. Write it as {EXAMPLE}")
        self._url = url
        where = "&".join(f"{name}={address.options[name]}" for name in sorted(OPTIONS & address.options.keys()))
        self.target = f"{address.scheme}://{address.hosts}/{address.place}?{where}"
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def send(self, events: Sequence[Event]) -> None:
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                channel = self._channel or await self._connect()
                await asyncio.gather(*(self._publish(channel, event) for event in events))
        except AWAY as error:
            await self.close()
            raise_if_cancelled(error)
            raise SinkUnavailable(self._said(error)) from error

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        await close_connection(connection)

    def _said(self, error: BaseException) -> str:
        if isinstance(error, ChannelNotFoundEntity):
            return f"RabbitMQ has no exchange {self._exchange}."
        if isinstance(error, PublishError):
            return f"RabbitMQ has no queue {self._key}."
        return f"RabbitMQ did not take the events ({type(error).__name__})."

    async def _connect(self) -> AbstractChannel:
        self._connection = await open_connection(self._url, OPTIONS)
        self._channel = await self._connection.channel(on_return_raises=True)
        return self._channel

    async def _publish(self, channel: AbstractChannel, event: Event) -> None:
        await channel.basic_publish(
            msgspec.json.encode(event),
            exchange=self._exchange,
            routing_key=self._key or f"points.{event.kind}",
            # An exchange that nobody listens to is the shop's matter; a queue that is not there is a mistake.
            mandatory=not self._exchange,
            properties=aiormq.spec.Basic.Properties(
                content_type="application/json",
                delivery_mode=2,
                message_id=f"{event.epoch}.{event.id}",
                message_type=f"points.{event.kind}",
            ),
        )
