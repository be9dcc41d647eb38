"""Reaching a RabbitMQ: signing in, and what its client raises when the broker is away."""

import asyncio

import aiormq
import structlog
from aiormq.abc import AbstractConnection
from aiormq.exceptions import (
    AMQPConnectionError,
    AMQPError,
    ChannelInvalidStateError,
    InvalidFrameError,
    ProbableAuthenticationError,
)

from laurels.engines.brokers.addresses import CERTIFICATES, Option, one_of
from laurels.engines.brokers.encryption import refusal_of
from laurels.engines.brokers.rabbitmq_headers import read_whatever_is_said
from laurels.errors import SettingsError

CONNECTED_WITHIN_S = 30.0
"""How long the broker may take until all is set up. The client would wait for ever at a link that went silent."""

HEARTBEAT_S = 20
"""How often both sides say that they are there, unless the address says it; three that are missed end a link."""

ANSWER_WITHIN_S = 10.0
"""How long the broker may take for an answer. While it recovers a queue, it gives none: then it is asked again."""

_HEARTBEATS_S = range(1, 65_535)

CLIENT_OPTIONS = CERTIFICATES | {
    "auth": one_of("plain", "external"),
    "heartbeat": Option(
        "be whole seconds from 1 to 65534", lambda text: text.isdecimal() and int(text) in _HEARTBEATS_S
    ),
    "no_verify_ssl": one_of("0", "1"),
}
"""Options of an address that the client reads."""

AWAY = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, asyncio.CancelledError)
"""What the client raises when the broker goes away; some calls of it are cancelled. See `raise_if_cancelled`."""

log = structlog.get_logger(__name__)


async def open_connection(url: str, own: frozenset[str] = frozenset({"queue"})) -> AbstractConnection:
    """A connection; `own` are the options of the address that are not the client's. Raises `SettingsError` where user,
    password, virtual host or certificates are wrong, and what is in `AWAY` where the broker is away.
    """
    read_whatever_is_said()
    address, _, query = url.partition("?")
    options = [each for each in query.split("&") if each and each.partition("=")[0] not in own]
    if not any(each.startswith("heartbeat=") for each in options):
        options.append(f"heartbeat={HEARTBEAT_S}")
    try:
        return await aiormq.connect(f"{address}?{'&'.join(options)}")
    except ProbableAuthenticationError as error:
        raise SettingsError("RabbitMQ refuses the user or the password in its address.") from error
    except InvalidFrameError as error:
        raise SettingsError(
            "RabbitMQ refuses the virtual host in its address, or the user has no rights there."
        ) from error
    except AMQPConnectionError as error:
        refusal = refusal_of(error, "RabbitMQ")
        if refusal is None:
            raise
        raise refusal from error
    except OSError as error:  # what befalls the connection is the one before
        raise SettingsError(f"The certificates for RabbitMQ cannot be read: {error}") from error


async def close_connection(connection: AbstractConnection | None) -> None:
    """Say goodbye, if the broker still listens."""
    if connection is None:
        return
    try:
        await asyncio.wait_for(connection.close(), ANSWER_WITHIN_S)
    except AWAY as error:
        raise_if_cancelled(error)
        log.debug("rabbitmq.gone")


def raise_if_cancelled(error: BaseException) -> None:
    """Raise an error again where it was this task that was cancelled, and not a call inside of the client."""
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        raise error
