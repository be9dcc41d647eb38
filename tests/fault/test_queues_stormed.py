"""Orders by a queue through all that befalls it: every message three times and shuffled, poison among them, the broker
stopped and started, consumers killed thirty times (by `make test-all` six times), acknowledgements lost, the ledger
away for a minute (there for three seconds).
"""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Protocol

import aiokafka
import aiormq
import apsw
import pytest
from aiobotocore.session import get_session
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests import kafka_server, rabbitmq_server, sqs_server
from tests.fault.consuming import Consumers, Messages, judge
from tests.fault.cut_links import CutLinks

from laurels.settings import load
from laurels.testing.verifying import findings_of
from laurels.wiring import Services, build

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

STORMS = pytest.mark.parametrize(
    ("orders", "kills", "away_s"),
    [
        pytest.param(600, 6, 3.0, marks=pytest.mark.long),  # longer than SQLite's writers wait for each other
        pytest.param(3000, 30, 60.0, marks=pytest.mark.soak),
    ],
)
CONSUMERS = 2
FROZEN_S = 5.0


class Broker(Protocol):
    """A broker under the storm."""

    async def send(self, bodies: Sequence[bytes]) -> int: ...

    async def left(self) -> int: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...


class Rabbit:
    """A quorum queue that drops a message after 20 deliveries into a queue of dead letters."""

    def __init__(self, server: rabbitmq_server.RabbitServer) -> None:
        self._server = server

    async def make(self) -> None:
        connection = await aiormq.connect(self._server.url())
        channel = await connection.channel()
        await channel.queue_declare("dead", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.queue_declare(
            "orders",
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": 20,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": "dead",
            },
        )
        await connection.close()

    async def send(self, bodies: Sequence[bytes]) -> int:
        connection = await aiormq.connect(self._server.url())
        channel = await connection.channel()
        properties = aiormq.spec.Basic.Properties(delivery_mode=2)
        for start in range(0, len(bodies), 500):
            part = bodies[start : start + 500]
            await asyncio.gather(
                *(channel.basic_publish(body, routing_key="orders", properties=properties) for body in part)
            )
        await connection.close()
        return len(bodies)

    async def left(self) -> int:
        """Ready, in hand, and dead."""
        listed = self._server.control("list_queues", "name", "messages_ready", "messages_unacknowledged")
        rows = [line.split("\t") for line in listed.strip().splitlines()[1:]]
        return sum(int(count) for _, *counts in rows for count in counts)

    async def dead(self) -> int:
        listed = self._server.control("list_queues", "name", "messages")
        return next(int(line.split("\t")[1]) for line in listed.splitlines() if line.startswith("dead\t"))

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()


class Kafka:
    """A topic of four partitions."""

    def __init__(self, server: kafka_server.KafkaServer) -> None:
        self._server = server

    async def make(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._server.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("orders", num_partitions=4, replication_factor=1)])
        await admin.close()

    async def send(self, bodies: Sequence[bytes]) -> int:
        async with aiokafka.AIOKafkaProducer(
            bootstrap_servers=self._server.bootstrap, acks="all", enable_idempotence=True
        ) as producer:
            await asyncio.gather(*[await producer.send("orders", body) for body in bodies])
        return len(bodies)

    async def left(self) -> int:
        """Messages beyond what is committed."""
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self._server.bootstrap, group_id="laurels", enable_auto_commit=False
        )
        await consumer.start()
        try:
            partitions = [aiokafka.TopicPartition("orders", number) for number in range(4)]
            ends = await consumer.end_offsets(partitions)
            committed = [await consumer.committed(partition) or 0 for partition in partitions]
            return int(sum(ends.values()) - sum(committed))
        finally:
            await consumer.stop()

    def stop(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()


class Sqs:
    """A standard queue that moves a message away after 20 receipts. Moto keeps nothing on a disk, so it is stopped by
    being frozen.
    """

    def __init__(self, server: sqs_server.SqsServer) -> None:
        self._server = server

    async def make(self) -> None:
        async with self._client() as client:
            await client.create_queue(QueueName="dead")
            arn = f"arn:aws:sqs:eu-west-2:{sqs_server.ACCOUNT}:dead"
            redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "20"})
            attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "30"}
            await client.create_queue(QueueName="orders", Attributes=attributes)

    async def send(self, bodies: Sequence[bytes]) -> int:
        async with self._client() as client:
            for start in range(0, len(bodies), 10):
                part = enumerate(bodies[start : start + 10])
                entries: list[Any] = [{"Id": str(number), "MessageBody": body.decode()} for number, body in part]
                answer = await client.send_message_batch(QueueUrl=self._server.url("orders"), Entries=entries)
                assert len(answer["Successful"]) == len(entries)
        return len(bodies)

    async def left(self) -> int:
        """Ready, in hand, and dead."""
        return await self._count("orders") + await self.dead()

    async def dead(self) -> int:
        return await self._count("dead")

    def stop(self) -> None:
        self._server.freeze()
        time.sleep(FROZEN_S)

    def start(self) -> None:
        self._server.thaw()

    async def _count(self, queue: str) -> int:
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        async with self._client() as client:
            answer = await client.get_queue_attributes(QueueUrl=self._server.url(queue), AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def _client(self) -> Any:
        return get_session().create_client("sqs", endpoint_url=self._server.endpoint)


async def storm(
    broker: Broker, url: str, messages: Messages, state: Path, rng: Random, *, kills: int, away_s: float
) -> None:
    """Let it come down, and judge meanwhile and at the end."""
    settings = load({"state": state})
    async with build(settings) as services:
        first = len(messages.sent) // 2
        confirmed = await broker.send(messages.sent[:first])
        consumers = Consumers(state, url, CONSUMERS)
        try:
            for kill in range(kills):
                await _something_new(services, consumers)
                consumers.kill(rng)
                if kill == kills // 3:
                    await asyncio.to_thread(broker.stop)
                    await asyncio.to_thread(broker.start)
                    confirmed += await broker.send(messages.sent[first:])
                if kill == 2 * kills // 3:
                    await _ledger_away(state, away_s)
            assert confirmed == len(messages.sent)
            await judge(services.ledger, messages, at_end=False)
            while await broker.left():
                consumers.tend()
                await services.awarder.drain()
                await asyncio.sleep(0.5)
        finally:
            consumers.close()
        await services.awarder.drain()
        await judge(services.ledger, messages, at_end=True)
        assert consumers.killed == kills
        await services.projector.reach()
        assert await findings_of(services.ledger) == []


async def _something_new(services: Services, consumers: Consumers) -> None:
    """Wait until a consumer has taken something, or there is nothing left that is quick to come."""
    before = (await services.ledger.counts()).ready
    await services.awarder.drain()
    for _ in range(15):
        if (await services.ledger.counts()).ready != before:
            return
        consumers.tend()
        await asyncio.sleep(0.1)


async def _ledger_away(state: Path, away_s: float) -> None:
    """Keep the ledger's file from every writer for longer than any of them waits."""
    connection = apsw.Connection(str(state / "laurels.db"))
    connection.setbusytimeout(30_000)
    connection.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(away_s)
    connection.execute("ROLLBACK")
    connection.close()


@STORMS
async def test_rabbitmq(tmp_path: Path, rng: Random, orders: int, kills: int, away_s: float) -> None:
    """With a delivery limit of 20, as RabbitMQ 4 has it; nothing ends among the dead letters."""
    (tmp_path / "broker").mkdir()
    with rabbitmq_server.running(tmp_path / "broker") as server, CutLinks(server.port) as links:
        broker = Rabbit(server)
        await broker.make()
        url = f"amqp://guest:guest@127.0.0.1:{links.port}/?queue=orders"
        await storm(broker, url, Messages(rng, orders), tmp_path / "state", rng, kills=kills, away_s=away_s)
        assert await broker.dead() == 0


@STORMS
async def test_kafka(tmp_path: Path, rng: Random, orders: int, kills: int, away_s: float) -> None:
    """Killed like a machine that loses power, as far as the broker is concerned."""
    (tmp_path / "broker").mkdir()
    with kafka_server.running(tmp_path / "broker") as server:
        broker = Kafka(server)
        await broker.make()
        url, state = server.url("orders"), tmp_path / "state"
        await storm(broker, url, Messages(rng, orders), state, rng, kills=kills, away_s=away_s)


@pytest.mark.parametrize(
    ("orders", "kills", "away_s"),
    [pytest.param(100, 3, 3.0, marks=pytest.mark.long), pytest.param(600, 30, 60.0, marks=pytest.mark.soak)],
)
async def test_sqs(tmp_path: Path, rng: Random, orders: int, kills: int, away_s: float) -> None:
    """What a killed consumer had in hand shows again after half a minute; nothing ends among the dead letters."""
    with (
        pytest.MonkeyPatch.context() as patch,
        sqs_server.running(patch) as server,
        CutLinks(server.port) as links,
    ):
        broker = Sqs(server)
        await broker.make()
        url = f"http://127.0.0.1:{links.port}/{sqs_server.ACCOUNT}/orders"
        messages = Messages(rng, orders, text=True)
        await storm(broker, url, messages, tmp_path / "state", rng, kills=kills, away_s=away_s)
        assert await broker.dead() == 0
