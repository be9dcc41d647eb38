"""What a RabbitMQ may hold that no client of ours would send, and queues that would lose orders."""

import asyncio
from collections.abc import Iterator
from struct import pack
from typing import Any

import aiormq
import pytest
from aiormq.abc import ChannelFrame
from pamqp.commands import Basic
from pamqp.frame import marshal
from tests import rabbitmq_server

from laurels.engines.brokers.rabbitmq import RabbitQueue
from laurels.errors import QueueUnavailable, SettingsError
from laurels.testing.queue_contract import IN_TIME_S

pytestmark = [pytest.mark.long, pytest.mark.anyio]

QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}
DEAD_LETTERS: dict[str, Any] = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "elsewhere"}
KEPT: dict[str, Any] = DEAD_LETTERS | {"x-dead-letter-routing-key": "dead"}

HEADERS, MESSAGE_ID, TIMESTAMP, TYPE = 1 << 13, 1 << 7, 1 << 6, 1 << 5
"""Which properties a message has, as AMQP counts them."""

MICROSECONDS = pack(">Q", 1_700_000_000_000_000)


def table(*fields: bytes) -> bytes:
    joined = b"".join(fields)
    return pack(">I", len(joined)) + joined


def name(text: bytes) -> bytes:
    return bytes([len(text)]) + text


NESTED = b"F" + table(name(b"\xff\xfe") + b"t\x01")
STRANGE: dict[str, tuple[int, bytes]] = {
    "plain": (0, b""),
    "a time in microseconds": (TIMESTAMP, MICROSECONDS),
    "a time in nanoseconds": (TIMESTAMP, pack(">Q", 2**63)),
    "an id that is not UTF-8": (MESSAGE_ID, name(b"\xc3\x28\xff")),
    "a type in Latin-1": (TYPE, name("Größe".encode("latin-1"))),
    "a header's name in Latin-1": (HEADERS, table(name("Größe".encode("latin-1")) + b"t\x01")),
    "a header that is a time in microseconds": (HEADERS, table(name(b"at") + b"T" + MICROSECONDS)),
    "a header with a name inside that is not UTF-8": (HEADERS, table(name(b"x-inner") + NESTED)),
    "every kind of header": (
        HEADERS,
        table(
            name(b"bool") + b"t\x01",
            name(b"int8") + b"b\xff",
            name(b"int16") + b"s" + pack(">h", -2),
            name(b"int32") + b"I" + pack(">i", -3),
            name(b"int64") + b"l" + pack(">q", -4),
            name(b"float") + b"f" + pack(">f", 1.5),
            name(b"double") + b"d" + pack(">d", -2.5),
            name(b"decimal") + b"D\xff" + pack(">i", 1),
            name(b"text") + b"S" + pack(">I", 2) + b"\xff\xfe",
            name(b"array") + b"A" + table(b"t\x01", b"V"),
            name(b"bytes") + b"x" + pack(">I", 1) + b"\x00",
            name(b"void") + b"V",
        ),
    ),
}


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq_server.RabbitServer]:
    with rabbitmq_server.running(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


async def declare(server: rabbitmq_server.RabbitServer, queue: str, **declared: Any) -> None:
    connection = await aiormq.connect(server.url())
    channel = await connection.channel()
    await channel.queue_declare(queue, **({"durable": True} | declared))
    await connection.close()


async def publish(server: rabbitmq_server.RabbitServer, queue: str, flags: int, properties: bytes, body: bytes) -> None:
    """Send a message whose properties are given as bytes, and see that the broker let it in."""
    connection = await aiormq.connect(server.url())
    channel = await connection.channel(publisher_confirms=False)
    before = (await channel.queue_declare(queue, passive=True)).message_count or 0
    header = pack(">HHQH", 60, 0, len(body), flags) + properties
    frames = [
        marshal(Basic.Publish(exchange="", routing_key=queue), channel.number),
        pack(">BHI", 2, channel.number, len(header)) + header + b"\xce",
        pack(">BHI", 3, channel.number, len(body)) + body + b"\xce",
    ]
    written = asyncio.get_running_loop().create_future()
    await connection.write_queue.put(ChannelFrame(b"".join(frames), should_close=False, drain_future=written))
    await written
    async with asyncio.timeout(IN_TIME_S):
        while (await channel.queue_declare(queue, passive=True)).message_count == before:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)
    await connection.close()


async def test_no_header_stops_the_queue(rabbitmq: rabbitmq_server.RabbitServer) -> None:
    """Each message comes with its body, and with the names of its headers as far as they are text."""
    await declare(rabbitmq, "strange", arguments=QUORUM)
    for what, (flags, properties) in STRANGE.items():
        await publish(rabbitmq, "strange", flags, properties, what.encode())
    queue = RabbitQueue(rabbitmq.url("strange"))
    received: dict[str, tuple[str, ...]] = {}
    async with asyncio.timeout(IN_TIME_S):
        while len(received) < len(STRANGE):
            batch = await queue.receive(100, 1.0)
            received |= {message.body.decode(): message.headers for message in batch.messages}
            if batch.messages:
                await queue.done(batch)
    await queue.close()
    assert received.keys() == STRANGE.keys()
    assert received["a header that is a time in microseconds"] == ("at",)
    assert received["a header with a name inside that is not UTF-8"] == ("x-inner",)
    assert len(received["every kind of header"]) == 12


@pytest.mark.parametrize(
    ("queue", "declared", "said"),
    [
        ("stream", {"arguments": {"x-queue-type": "stream"}}, "is a stream"),
        ("passing", {"durable": False}, "is gone when RabbitMQ starts anew"),
        ("astray", {"arguments": QUORUM | DEAD_LETTERS}, "dead letters to the queue elsewhere, which is not there"),
        (
            "lost",
            {"arguments": {"x-dead-letter-exchange": "nowhere"}},
            "dead letters to the exchange nowhere, which is not there",
        ),
        ("leaving", {"auto_delete": True}, "is deleted when its last reader goes"),
        ("expiring", {"arguments": {"x-expires": 3_600_000}}, "is deleted when it was not read for 3600000 ms"),
        ("brief", {"arguments": {"x-message-ttl": 60_000}}, "drops a message after 60000 ms"),
        ("short", {"arguments": QUORUM | {"x-max-length": 1000}}, "drops its oldest messages when it is full"),
        ("small", {"arguments": {"x-max-length-bytes": 10**6}}, "drops its oldest messages when it is full"),
    ],
)
async def test_a_queue_that_would_lose_orders_is_refused(
    rabbitmq: rabbitmq_server.RabbitServer, queue: str, declared: dict[str, Any], said: str
) -> None:
    """In one line; where that is meant it is taken, but for a stream, which cannot be taken."""
    await declare(rabbitmq, queue, **declared)
    with pytest.raises(SettingsError, match=said) as raised:
        await RabbitQueue(rabbitmq.url(queue)).look()
    assert "\n" not in str(raised.value)
    if queue == "stream":
        with pytest.raises(SettingsError, match=said):
            await RabbitQueue(rabbitmq.url(queue), checked=False).look()
    else:
        await RabbitQueue(rabbitmq.url(queue), checked=False).look()


@pytest.mark.parametrize(
    ("queue", "arguments"),
    [
        ("brief-kept", QUORUM | KEPT | {"x-max-length": 1000, "x-delivery-limit": 5}),
        ("old-kept", KEPT | {"x-message-ttl": 60_000}),
        ("exchange-kept", {"x-dead-letter-exchange": "amq.fanout"}),
        ("full-refuses", {"x-max-length": 1000, "x-overflow": "reject-publish"}),
        ("by-priority", {"x-max-priority": 10}),
        ("lazy", {"x-queue-mode": "lazy"}),
        ("one-reader", QUORUM | {"x-single-active-consumer": True}),
    ],
)
async def test_a_queue_that_keeps_orders_is_taken(
    rabbitmq: rabbitmq_server.RabbitServer, queue: str, arguments: dict[str, Any]
) -> None:
    """Whatever else was declared for it; it is read, too."""
    await declare(rabbitmq, "dead", arguments=QUORUM)
    await declare(rabbitmq, queue, arguments=arguments)
    await publish(rabbitmq, queue, 0, b"", b"an order")
    reader = RabbitQueue(rabbitmq.url(queue))
    await reader.look()
    async with asyncio.timeout(IN_TIME_S):
        while not (batch := await reader.receive(10, 1.0)).messages:
            pass
    assert [message.body for message in batch.messages] == [b"an order"]
    await reader.done(batch)
    await reader.close()


async def test_what_a_certificate_lacks_is_said(
    rabbitmq: rabbitmq_server.RabbitServer, tls_port: int, authority_file: str
) -> None:
    """In one line, and not as if the broker were away."""
    for url, said in (
        (f"amqps://guest:guest@127.0.0.1:{tls_port}/?queue=orders", "The certificate of RabbitMQ is not trusted"),
        (f"amqps://guest:guest@127.0.0.1:{rabbitmq.port}/?queue=orders", "RabbitMQ does not speak TLS"),
        (f"amqps://127.0.0.1:{tls_port}/?queue=orders&cafile=/nowhere", "The certificates for RabbitMQ cannot be read"),
    ):
        with pytest.raises(SettingsError, match=said):
            await RabbitQueue(url).look()
    with pytest.raises(QueueUnavailable):  # it is trusted, and is none
        await RabbitQueue(f"amqps://127.0.0.1:{tls_port}/?queue=orders&cafile={authority_file}").look()
