"""Events to a RabbitMQ exchange or queue, each confirmed by the broker."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

import aiormq
import msgspec
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource, ChannelNotFoundEntity, PublishError

from laurels.engines.brokers.addresses import NAME, parse
from laurels.engines.brokers.rabbitmq_client import (
    AWAY,
    CLIENT_OPTIONS,
    close_connection,
    open_connection,
    raise_if_cancelled,
)
from laurels.engines.brokers.reasons import reason_of
from laurels.errors import SettingsError
from laurels.events import Event, SinkUnavailable

EXAMPLE = "amqp://user:password@host/vhost?exchange=points"
OPTIONS = frozenset({"exchange", "queue", "routing_key"})
TAKEN_WITHIN_S = 20.0
"""How long the broker may take to confirm what it is given at once, with connecting."""

_TELLING = (ChannelAccessRefused, ChannelNotFoundEntity, PublishError)
"""What says by itself what is wrong."""


class RabbitSink:
    """An exchange, or a queue by its name. The routing key is `points.earn` and the like where none is given."""

    at_once = 500

    def __init__(self, url: str) -> None:
        """Raises `SettingsError` for an address that names neither."""
        address = parse(url, EXAMPLE, CLIENT_OPTIONS | dict.fromkeys(OPTIONS, NAME))
        self._exchange = address.options.get("exchange", "")
        self._key = address.options.get("queue") or address.options.get("routing_key")
        if not self._exchange and not address.options.get("queue"):
            raise SettingsError(f"The address for events names no exchange and no queue. Write it as {EXAMPLE}")
        self._url = url
        where = "&".join(f"{name}={address.options[name]}" for name in sorted(OPTIONS & address.options.keys()))
        self.target = f"{address.scheme}://{address.hosts}/{address.place}?{where}"
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def look(self) -> None:
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                channel = self._channel or await self._connect()
                if self._exchange:
                    await channel.exchange_declare(self._exchange, passive=True)
                else:
                    await channel.queue_declare(str(self._key), passive=True)
        except (ChannelAccessRefused, ChannelLockedResource):  # it is there, and only those who may read it may look
            await self.close()
        except ChannelNotFoundEntity as error:
            await self.close()
            raise SettingsError(f"{self._missing()} Make it first, in the virtual host of its address.") from error
        except AWAY as error:
            await self.close()
            raise_if_cancelled(error)
            raise SinkUnavailable(f"RabbitMQ cannot be used now ({reason_of(error)}).") from error

    async def send(self, events: Sequence[Event]) -> None:
        confirmed: set[str] = set()
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                channel = self._channel or await self._connect()
                ended = await asyncio.gather(
                    *(self._publish_all(channel, each, confirmed) for each in _by_member(events)),
                    return_exceptions=True,
                )
            _raise_most_telling([each for each in ended if each is not None])
        except AWAY as error:
            await self.close()
            raise_if_cancelled(error)
            sent = next((place for place, event in enumerate(events) if event.id not in confirmed), len(events))
            raise SinkUnavailable(self._said(error), sent) from error

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        await close_connection(connection)

    def _said(self, error: BaseException) -> str:
        if isinstance(error, ChannelNotFoundEntity | PublishError):
            return self._missing()
        if isinstance(error, ChannelAccessRefused):
            where = f"the exchange {self._exchange}" if self._exchange else "the default exchange, and so to queues"
            return f"RabbitMQ gives the user in its address no right to write to {where}."
        return f"RabbitMQ did not take the events ({reason_of(error)})."

    def _missing(self) -> str:
        what = f"exchange {self._exchange}" if self._exchange else f"queue {self._key}"
        return f"RabbitMQ has no {what}."

    async def _connect(self) -> AbstractChannel:
        self._connection = await open_connection(self._url, OPTIONS)
        self._channel = await self._connection.channel(on_return_raises=True)
        return self._channel

    async def _publish_all(self, channel: AbstractChannel, events: Sequence[Event], confirmed: set[str]) -> None:
        """Publish a member's events one after the other: a queue that is full may refuse one and take the next."""
        for event in events:
            await self._publish(channel, event)
            confirmed.add(event.id)

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


def _raise_most_telling(errors: Sequence[BaseException]) -> None:
    """Raise one of these, if there are any. What the server refuses closes the channel, and what is sent there
    meanwhile ends with no more than that it is closed.
    """
    if errors:
        raise next((each for each in errors if isinstance(each, _TELLING)), errors[0])


def _by_member(events: Sequence[Event]) -> Iterable[list[Event]]:
    """Events of each member, in order. Of who was erased each stands alone: nobody knows whose it is."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.id if event.member_id is None else f"m {event.member_id}"].append(event)
    return found.values()
