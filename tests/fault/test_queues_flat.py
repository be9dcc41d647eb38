"""A long queue before a slow ledger takes no memory: what is fetched ahead is bounded, whatever waits behind it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from struct import pack
from typing import Any

import aiokafka
import aiormq
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiormq.abc import AbstractChannel, ChannelFrame
from pamqp.commands import Basic
from pamqp.frame import marshal
from pamqp.header import ContentHeader
from tests import kafka_server, rabbitmq_server
from tests.ending import end

from laurels.settings import load
from laurels.wiring import build

pytestmark = [pytest.mark.anyio, pytest.mark.soak]

INBOX_LIMIT = 2000
QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}
FRAME_BODY, FRAME_END = 3, b"\xce"
GROWTH_BYTES = 48 * 2**20
"""More than the fetched batches of any broker; a hundredth of what a million messages would take as objects."""


def bodies(count: int) -> list[bytes]:
    order = b'{"kind": "order", "order_id": "A%d", "member_id": "m%d", "currency": "GBP", "total": "25.00"}'
    return [order % (n, n % 500) for n in range(count)]


async def watch(state: Path, url: str) -> None:
    """Let a consumer fill the inbox, and award little by little; its memory after each round is as after the first."""
    environment = os.environ | {"LAURELS_CONSUME_INBOX_LIMIT": str(INBOX_LIMIT), "LAURELS_CONSUME_URL": url}
    async with build(load({"state": state})) as services:
        command = [sys.executable, "-m", "laurels", "consume", "--state", str(state)]
        log = state.parent / "consume.log"
        with log.open("wb") as said:
            process = subprocess.Popen(  # noqa: ASYNC220 - it is started in a moment
                command, env=environment, stdin=subprocess.DEVNULL, stderr=said
            )
        try:
            sizes = []
            for _ in range(10):
                async with asyncio.timeout(600):
                    while await services.ledger.inbox_depth() <= INBOX_LIMIT:
                        assert process.poll() is None, log.read_text()
                        await asyncio.sleep(0.05)
                sizes.append(_resident(process.pid))
                await services.awarder.drain()
            print([f"{size / 2**20:.0f} MB" for size in sizes])
            assert max(sizes) - sizes[0] < GROWTH_BYTES, sizes
        finally:
            end(process)


async def fill_rabbitmq(server: rabbitmq_server.RabbitServer, messages: Sequence[bytes]) -> None:
    """Frames written a thousand messages at a time, and counted where they arrive: the client takes 100 microseconds to
    publish one, and longer with its confirmation.
    """
    connection = await aiormq.connect(server.url())
    channel = await connection.channel(publisher_confirms=False)
    await channel.queue_declare("orders", durable=True, arguments=QUORUM)
    for start in range(0, len(messages), 1000):
        payload = b"".join(_published(channel.number, body) for body in messages[start : start + 1000])
        written = asyncio.get_running_loop().create_future()
        await connection.write_queue.put(ChannelFrame(payload, should_close=False, drain_future=written))
        await written
    async with asyncio.timeout(1200):
        while await _count(channel) != len(messages):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.5)
    await connection.close()


def _published(channel: int, body: bytes) -> bytes:
    """The frames of a persistent message to the queue of orders."""
    return _head(channel, len(body)) + pack(">BHI", FRAME_BODY, channel, len(body)) + body + FRAME_END


@cache
def _head(channel: int, size: int) -> bytes:
    publish = Basic.Publish(exchange="", routing_key="orders")
    header = ContentHeader(body_size=size, properties=Basic.Properties(delivery_mode=2))
    return marshal(publish, channel) + marshal(header, channel)


async def _count(channel: AbstractChannel) -> int | None:
    return (await channel.queue_declare("orders", passive=True)).message_count


async def fill_kafka(server: kafka_server.KafkaServer, messages: Sequence[bytes]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("orders", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=server.bootstrap, linger_ms=20) as producer:
        for body in messages:
            await producer.send("orders", body)
        await producer.flush()


@pytest.mark.parametrize("count", [60_000, 1_000_000])
async def test_rabbitmq(tmp_path: Path, count: int) -> None:
    (tmp_path / "broker").mkdir()
    with rabbitmq_server.running(tmp_path / "broker") as server:
        await fill_rabbitmq(server, bodies(count))
        await watch(tmp_path / "state", server.url("orders"))


@pytest.mark.parametrize("count", [200_000, 1_000_000])
async def test_kafka(tmp_path: Path, count: int) -> None:
    (tmp_path / "broker").mkdir()
    with kafka_server.running(tmp_path / "broker") as server:
        await fill_kafka(server, bodies(count))
        await watch(tmp_path / "state", server.url("orders"))


def _resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
