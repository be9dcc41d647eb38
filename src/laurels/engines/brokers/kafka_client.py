"""Reaching a Kafka: encryption, signing in, and what is wrong where that fails."""

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from laurels.engines.brokers.addresses import CERTIFICATES, BrokerAddress, one_of
from laurels.engines.brokers.encryption import refusal_of
from laurels.engines.brokers.reasons import reason_of
from laurels.errors import QueueUnavailable, SettingsError

ENCRYPTED = "kafka+ssl"

CLIENT_OPTIONS = CERTIFICATES | {"mechanism": one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")}
"""Options of an address that say how its brokers are reached."""

ANSWER_WITHIN_S = 10.0
"""How long the brokers may take to keep offsets, or to say goodbye."""

PLAIN_ANSWER_WITHIN_S = 2.0
"""The same of a look that only finds a better word for brokers that are away."""

Client = TypeVar("Client", bound=Any)

_PARTS = ("_sender", "_fetcher", "_coordinator")
_TASKS = ("_sender_task", "_fetch_task", "_coordination_task", "_heartbeat_task", "_commit_refresh_task")
"""What a client does by itself, each in one of its parts."""

_PROTOCOLS = {
    (False, False): "PLAINTEXT",
    (False, True): "SASL_PLAINTEXT",
    (True, False): "SSL",
    (True, True): "SASL_SSL",
}


def connection_of(address: BrokerAddress) -> dict[str, Any]:
    """What a client has to know to reach the brokers of an address. Raises `SettingsError`."""
    encrypted, signed_in = address.scheme == ENCRYPTED, address.user is not None
    settings: dict[str, Any] = {
        "bootstrap_servers": address.hosts,
        "client_id": "laurels",
        "security_protocol": _PROTOCOLS[encrypted, signed_in],
    }
    if signed_in:
        settings |= {
            "sasl_mechanism": address.options.get("mechanism", "PLAIN"),
            "sasl_plain_username": address.user,
            "sasl_plain_password": address.password,
        }
    if encrypted:
        settings["ssl_context"] = _certificates(address)
    return settings


async def started(client: Client, address: BrokerAddress) -> Client:
    """A client after its start. Raises `SettingsError` where the brokers refuse it, `QueueUnavailable` where they are
    away.
    """
    try:
        await client.start()
    except asyncio.CancelledError:
        await abandoned(client)
        raise
    except (KafkaError, OSError) as error:
        await stopped(client)
        why = await _looked_at(address) or reason_of(error)
        if isinstance(why, SettingsError):
            raise why from error
        how = " by TLS" if address.scheme == ENCRYPTED else ""
        raise QueueUnavailable(f"No Kafka answers{how} at {address.hosts} ({why}).") from error
    return client


async def stopped(client: Any) -> None:
    """Say goodbye, if the brokers still listen, and end the client without where they do not."""
    try:
        await within(client.stop(), ANSWER_WITHIN_S)
    except (KafkaError, OSError, TimeoutError):
        await abandoned(client)


async def abandoned(client: Any) -> None:
    """End a client at once, without a goodbye. The client has no such call, and once its goodbye was broken off it goes
    on for ever: a consumer fetches what nobody asks for, a producer tries to send what it was given, in the end behind
    what the next one has sent.
    """
    client._closed = True  # else it complains that nobody stopped it
    parts = [getattr(client, name, None) for name in _PARTS]
    tasks = {task for part in parts for name in _TASKS if (task := getattr(part, name, None)) is not None}
    tasks |= getattr(getattr(client, "_fetcher", None), "_pending_tasks", set())
    for task in tasks:
        task.cancel()
    connections = client.client if isinstance(client, AIOKafkaProducer) else client._client
    with suppress(KafkaError, OSError, TimeoutError):
        await within(connections.close(), ANSWER_WITHIN_S)  # what was asked over them ends with them
    if tasks:
        await asyncio.wait(tasks, timeout=ANSWER_WITHIN_S)


async def within(work: Coroutine[Any, Any, object], seconds: float) -> None:
    """Do what the client would go on trying for ever; it may be slow to be cancelled, too. Raises `TimeoutError`."""
    task = asyncio.create_task(work)
    ended, _ = await asyncio.wait({task}, timeout=seconds)
    if not ended or task.cancelled():  # it cancels itself when what it waits for inside is
        task.cancel()
        raise TimeoutError
    task.result()


async def _looked_at(address: BrokerAddress) -> SettingsError | str | None:
    """What a broker has against who signs in, or we against its certificate, or why none is reached, asked by hand: of
    all these the client says that no broker is there.
    """
    settings = connection_of(address)
    is_plain = address.user is None and address.scheme != ENCRYPTED
    within_s = PLAIN_ANSWER_WITHIN_S if is_plain else ANSWER_WITHIN_S
    why: str | None = None
    for host, port, *_ in collect_hosts(settings.pop("bootstrap_servers")):
        try:
            connection = await create_conn(host, port, request_timeout_ms=int(within_s * 1000), **settings)
        except (AuthenticationFailedError, SaslAuthenticationFailed):
            return SettingsError("Kafka refuses the user or the password in its address.")
        except UnsupportedSaslMechanismError:
            return SettingsError(f"Kafka does not sign in by {settings['sasl_mechanism']}: say another `mechanism`.")
        except IllegalSaslStateError:
            return SettingsError(
                "Kafka asks for no user at the port in its address: leave user and password out, or name another port."
            )
        except (KafkaError, OSError, TimeoutError) as error:
            refusal = refusal_of(error, "Kafka")
            if refusal is not None:
                return refusal
            why = reason_of(error)
            continue
        connection.close()
        if is_plain:
            why = "it listens, and does not answer: does that port ask for TLS, kafka+ssl://, or for a user?"
    return why


def unavailable(error: Exception) -> QueueUnavailable:
    """What to say of brokers that are away, or give the user no rights now."""
    if isinstance(error, TopicAuthorizationFailedError):
        return QueueUnavailable("Kafka gives the user in its address no right to read the topic.")
    if isinstance(error, GroupAuthorizationFailedError):
        return QueueUnavailable("Kafka gives the user in its address no right to read as the group in it.")
    return QueueUnavailable(f"Kafka cannot be used now ({reason_of(error)}).")


def _certificates(address: BrokerAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=address.options.get("cafile"))
        if "certfile" in address.options:
            context.load_cert_chain(address.options["certfile"], address.options.get("keyfile"))
    except OSError as error:
        raise SettingsError(f"The certificates for Kafka cannot be read: {error}") from error
    return context
