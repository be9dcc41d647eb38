"""A long queue before a slow ledger takes no memory: what is fetched ahead is bounded, whatever waits behind it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests import kafka_server, rabbitmq_server
from tests.acceptance.test_queues import QUORUM, send

from laurels.settings import load
from laurels.wiring import build

pytestmark = [pytest.mark.anyio, pytest.mark.soak]

INBOX_LIMIT = 2000
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
            process.terminate()
            process.wait(30)


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
        await send(server, "orders", bodies(count), QUORUM)
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
