"""What a RabbitMQ queue is: found out by AMQP alone, since not everybody has the management plugin.

A queue that is there can be declared again only as it is: the broker refuses another declaration, and its refusal names
one argument and the value that it has. Declared again with that, and again, the queue is known. None is made by this:
that it is there is asked first.
"""

import re
from typing import Any

import structlog
from aiormq.abc import AbstractConnection
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)
from msgspec import Struct

from laurels.engines.brokers.rabbitmq_client import ANSWER_WITHIN_S
from laurels.errors import SettingsError

_DIFFERS = re.compile(
    r"inequivalent arg '(?P<name>[^']+)' for queue .*(?:but current is|current value is) "
    r"(?:the value )?(?P<value>none|'(?P<text>.*)')(?: of type '(?P<type>\w+)')?",
    re.DOTALL,
)
_TEXT = "longstr"
_MOST_ARGUMENTS = 40
LIMIT_FROM_4_0 = 20
_FIRST_WITH_LIMIT = 4
_LENGTHS = frozenset({"x-max-length", "x-max-length-bytes"})

log = structlog.get_logger(__name__)


class QueueState(Struct, frozen=True):
    """A queue: `delivery_limit` None: messages come again for ever; `dead_letters`: what is dropped goes elsewhere.
    `is_known`: the user may look at it.
    """

    is_quorum: bool
    delivery_limit: int | None
    dead_letters: bool
    is_known: bool = True


async def look_at(connection: AbstractConnection, queue: str, *, checked: bool) -> QueueState:
    """What a queue is. Raises `SettingsError` where it is not there, and, if it is `checked`, where it would drop
    orders.
    """
    await _check_there(connection, queue)
    try:
        arguments, flags = await _declared(connection, queue)
    except ChannelAccessRefused:
        return QueueState(is_quorum=True, delivery_limit=None, dead_letters=True, is_known=False)
    if arguments.get("x-queue-type") == "stream":
        raise SettingsError(
            f"The queue {queue} is a stream: it does not keep how far it was read, so orders would be left out. Bind a "
            "quorum queue to the exchange that it is bound to."
        )
    is_quorum = arguments.get("x-queue-type") == "quorum"
    limit = arguments.get("x-delivery-limit")
    if limit is None and is_quorum and _major(connection) >= _FIRST_WITH_LIMIT:
        limit = LIMIT_FROM_4_0
    found = QueueState(
        is_quorum=is_quorum,
        delivery_limit=int(limit) if limit is not None and int(limit) >= 0 and is_quorum else None,
        dead_letters="x-dead-letter-exchange" in arguments,
    )
    if checked and found.delivery_limit is not None and not found.dead_letters:
        raise SettingsError(
            f"The queue {queue} drops a message after {found.delivery_limit} deliveries and has no dead-letter "
            "exchange: orders would be lost. Give it x-dead-letter-exchange, or x-delivery-limit -1 (RabbitMQ 4); "
            "where a policy names its dead letters, say --unchecked."
        )
    if checked:
        why = _why_it_loses(arguments, flags) or await _why_dead_letters_are_lost(connection, arguments)
        if why is not None:
            raise SettingsError(f"The queue {queue} {why}: orders would be lost. Where that is meant, say --unchecked.")
    return found


def advise(queue: str, found: QueueState) -> None:
    """Tell in the log of a queue that is not looked at, and of a classic one: it may lose messages with its node."""
    if not found.is_known:
        log.warning("rabbitmq.not_looked_at", queue=queue, why="the user has no right to configure the queue")
    elif not found.is_quorum:
        log.warning("rabbitmq.classic_queue", queue=queue, advice="a quorum queue outlives the loss of a node")


async def _check_there(connection: AbstractConnection, queue: str) -> None:
    channel = await connection.channel()
    try:
        await channel.queue_declare(queue, passive=True, timeout=ANSWER_WITHIN_S)
        await channel.close()
    except ChannelNotFoundEntity as error:
        raise SettingsError(
            f"There is no queue {queue} at this RabbitMQ, in the virtual host of its address."
        ) from error
    except ChannelAccessRefused as error:
        raise SettingsError(f"The user of the queue's address may not read the queue {queue}.") from error
    except ChannelLockedResource as error:
        raise SettingsError(f"The queue {queue} belongs to another connection alone (exclusive).") from error


def _why_it_loses(arguments: dict[str, Any], flags: dict[str, bool]) -> str | None:
    """What a queue does with messages that nobody has read, beside what it does after many deliveries."""
    if not flags["durable"]:
        return "is gone when RabbitMQ starts anew (it is not durable)"
    if flags["auto_delete"]:
        return "is deleted when its last reader goes (auto_delete), as in a pause"
    if "x-expires" in arguments:
        return f"is deleted when it was not read for {arguments['x-expires']} ms (x-expires)"
    if "x-dead-letter-exchange" in arguments:
        return None
    return _why_it_drops(arguments)


def _why_it_drops(arguments: dict[str, Any]) -> str | None:
    """What a queue without dead letters drops."""
    if "x-message-ttl" in arguments:
        return f"drops a message after {arguments['x-message-ttl']} ms (x-message-ttl) and has no dead-letter exchange"
    if arguments.keys() & _LENGTHS and not str(arguments.get("x-overflow", "")).startswith("reject-publish"):
        return "drops its oldest messages when it is full (x-max-length) and has no dead-letter exchange"
    return None


async def _why_dead_letters_are_lost(connection: AbstractConnection, arguments: dict[str, Any]) -> str | None:
    """What becomes of dead letters that go nowhere. Of an exchange that is there nobody can see who listens."""
    exchange, key = arguments.get("x-dead-letter-exchange"), arguments.get("x-dead-letter-routing-key")
    if exchange is None or (exchange == "" and key is None):  # by their own keys, to whatever queues have those names
        return None
    channel = await connection.channel()
    try:
        if exchange == "":
            await channel.queue_declare(str(key), passive=True, timeout=ANSWER_WITHIN_S)
        else:
            await channel.exchange_declare(str(exchange), passive=True, timeout=ANSWER_WITHIN_S)
        await channel.close()
    except ChannelNotFoundEntity:
        where = f"the queue {key}" if exchange == "" else f"the exchange {exchange}"
        return f"sends its dead letters to {where}, which is not there"
    except (ChannelAccessRefused, ChannelLockedResource):  # it is there, and not for this user
        return None
    return None


async def _declared(connection: AbstractConnection, queue: str) -> tuple[dict[str, Any], dict[str, bool]]:
    """The arguments and flags that a queue was declared with."""
    arguments: dict[str, Any] = {}
    flags = {"durable": True, "auto_delete": False}
    for _ in range(_MOST_ARGUMENTS):
        channel = await connection.channel()
        try:
            await channel.queue_declare(queue, arguments=dict(arguments), timeout=ANSWER_WITHIN_S, **flags)  # type: ignore[call-overload]
            await channel.close()
        except ChannelPreconditionFailed as error:
            differs = _DIFFERS.search(str(error))
            if differs is None:
                break
            if differs["name"] in flags:
                flags[differs["name"]] = differs["text"] == "true"
            elif differs["text"] is None:
                arguments.pop(differs["name"], None)
            else:
                arguments[differs["name"]] = _value(differs["text"], differs["type"])
        else:
            break
    return arguments, flags


def _value(text: str, kind: str | None) -> object:
    if kind == _TEXT:
        return text
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text


def _major(connection: AbstractConnection) -> int:
    version = str(connection.server_properties.get("version", "0"))
    major = version.split(".", maxsplit=1)[0]
    return int(major) if major.isdigit() else 0
