"""The queues keep their port's promises, on real brokers."""

import asyncio
import gc
import warnings
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import aiokafka
import aiormq
import pytest
from aiobotocore.session import get_session
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests import kafka_server, rabbitmq_server, sqs_server

from laurels.engines.brokers.kafka import KafkaQueue
from laurels.engines.brokers.rabbitmq import AT_ONCE_BYTES, FEW, PREFETCH, RabbitQueue
from laurels.engines.brokers.sqs import SqsQueue
from laurels.intake import Queue
from laurels.testing.queue_contract import IN_TIME_S, MOMENT_S, BrokerSide, QueueContract

pytestmark = [pytest.mark.long, pytest.mark.anyio]

_numbers = count(1)


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq_server.RabbitServer]:
    with rabbitmq_server.running(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_server.KafkaServer]:
    with kafka_server.running(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="module")
def sqs() -> Iterator[sqs_server.SqsServer]:
    with pytest.MonkeyPatch.context() as patch, sqs_server.running(patch) as server:
        yield server


class RabbitSide:
    """A quorum queue."""

    redelivers_after_s = 0.0

    def __init__(self, server: rabbitmq_server.RabbitServer) -> None:
        self._server = server
        self.name = f"orders-{next(_numbers)}"

    async def make(self) -> None:
        connection = await aiormq.connect(self._server.url())
        channel = await connection.channel()
        await channel.queue_declare(self.name, durable=True, arguments={"x-queue-type": "quorum"})
        await connection.close()

    def queue(self) -> Queue:
        return RabbitQueue(self._server.url(self.name))

    async def count_unsent(self) -> int:
        """Messages that no consumer was sent."""
        connection = await aiormq.connect(self._server.url())
        channel = await connection.channel()
        declared = await channel.queue_declare(self.name, passive=True)
        await connection.close()
        return declared.message_count or 0

    async def send(self, bodies: Sequence[bytes]) -> None:
        connection = await aiormq.connect(self._server.url())
        channel = await connection.channel()
        properties = aiormq.spec.Basic.Properties(delivery_mode=2, headers={"x-shop": "1"})
        sent = [channel.basic_publish(body, routing_key=self.name, properties=properties) for body in bodies]
        await asyncio.gather(*sent)
        await connection.close()

    async def go_away(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def come_back(self) -> None:
        await asyncio.to_thread(self._server.start)


class KafkaSide:
    """A topic of three partitions."""

    redelivers_after_s = 0.0

    def __init__(self, server: kafka_server.KafkaServer) -> None:
        self._server = server
        self.name = f"orders-{next(_numbers)}"

    async def make(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._server.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(self.name, num_partitions=3, replication_factor=1)])
        await admin.close()

    def queue(self) -> Queue:
        return KafkaQueue(self._server.url(self.name, group=self.name))

    async def send(self, bodies: Sequence[bytes]) -> None:
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=self._server.bootstrap, acks="all") as producer:
            for body in bodies:
                await producer.send(self.name, body, headers=[("x-shop", b"1")])
            await producer.flush()

    async def go_away(self) -> None:
        await asyncio.to_thread(self._server.kill)

    async def come_back(self) -> None:
        await asyncio.to_thread(self._server.start)


class SqsSide:
    """A standard or a FIFO queue. What is received shows again after a second here: a test cannot wait for thirty."""

    redelivers_after_s = 1.5

    def __init__(self, server: sqs_server.SqsServer, suffix: str = "") -> None:
        self._server = server
        self.name = f"orders-{next(_numbers)}{suffix}"
        self._fifo = bool(suffix)

    async def make(self) -> None:
        attributes = {"VisibilityTimeout": "30"}
        if self._fifo:
            attributes |= {"FifoQueue": "true"}
        async with self._client() as client:
            await client.create_queue(QueueName=self.name, Attributes=attributes)

    def queue(self) -> Queue:
        return _Brief(self._server.url(self.name), self._client)

    async def send(self, bodies: Sequence[bytes]) -> None:
        async with self._client() as client:
            for start in range(0, len(bodies), 10):
                entries: list[dict[str, Any]] = [
                    {
                        "Id": str(number),
                        "MessageBody": body.decode(),
                        "MessageAttributes": {"x-shop": {"DataType": "String", "StringValue": "1"}},
                    }
                    for number, body in enumerate(bodies[start : start + 10])
                ]
                for entry in entries if self._fifo else []:
                    # A group for each: within one, nothing more is given out while one message is in hand.
                    unique = str(next(_numbers))
                    entry |= {"MessageGroupId": unique, "MessageDeduplicationId": unique}
                await client.send_message_batch(QueueUrl=self._server.url(self.name), Entries=entries)

    async def go_away(self) -> None:
        await asyncio.to_thread(self._server.kill)

    async def come_back(self) -> None:
        await asyncio.to_thread(self._server.start)
        await self.make()

    def _client(self) -> Any:
        return get_session().create_client("sqs", endpoint_url=self._server.endpoint)


class _Brief(SqsQueue):
    """A reader that, when it goes, lets the broker's time pass: what it held shows again after a second."""

    def __init__(self, url: str, client: Any) -> None:
        super().__init__(url)
        self._new_client = client

    async def close(self) -> None:
        held = sorted(self._hand)
        await super().close()
        if held:
            async with self._new_client() as client:
                for handle in held:
                    await client.change_message_visibility(
                        QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=1
                    )


class TestRabbitQueue(QueueContract):
    @pytest.fixture
    async def broker(self, rabbitmq: rabbitmq_server.RabbitServer) -> BrokerSide:
        side = RabbitSide(rabbitmq)
        await side.make()
        return side


async def test_pauses_of_rabbitmq_do_not_pile_messages_up(rabbitmq: rabbitmq_server.RabbitServer) -> None:
    """The broker counts what it sends ahead for each consumer from nothing, and each pause ends one."""
    side, pauses = RabbitSide(rabbitmq), 12
    await side.make()
    await side.send([b"%d" % n for n in range(4 * PREFETCH)])
    queue = side.queue()
    received = 0
    for _ in range(pauses):
        received += len((await queue.receive(1, IN_TIME_S)).messages)
        await queue.pause()
        await queue.resume()
    await queue.pause()
    while more := len((await queue.receive(PREFETCH, MOMENT_S)).messages):
        received += more
    assert PREFETCH <= received <= PREFETCH + FEW + pauses
    await queue.close()


async def test_large_messages_of_rabbitmq_make_short_batches(rabbitmq: rabbitmq_server.RabbitServer) -> None:
    """A batch ends with the message that fills it, also one that is larger than a batch may be; all come, in order."""
    side = RabbitSide(rabbitmq)
    await side.make()
    tenth = AT_ONCE_BYTES // 10 + 1
    sizes = [*[tenth] * 25, AT_ONCE_BYTES + 1, *[tenth] * 4]
    bodies = [b"%03d" % n + b"x" * (size - 3) for n, size in enumerate(sizes)]
    for body in bodies:
        await side.send([body])
    queue = side.queue()
    received = [message.body for message in (await queue.receive(1, IN_TIME_S)).messages]
    async with asyncio.timeout(IN_TIME_S):
        while await side.count_unsent():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)
    await queue.pause()  # answered after all that was sent before
    while len(received) < len(bodies):
        batch = await queue.receive(PREFETCH, IN_TIME_S)
        came = [message.body for message in batch.messages]
        assert came, "a message is taken, however large"
        assert sum(len(body) for body in came[:-1]) < AT_ONCE_BYTES
        await queue.done(batch)
        received += came
    assert received == bodies
    await queue.close()


@pytest.fixture
def collected() -> Iterator[None]:
    """Kafka's client leaves a connection open that it was opening when it was stopped. No other test hears of it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("collected")
class TestKafkaQueue(QueueContract):
    @pytest.fixture
    async def broker(self, kafka: kafka_server.KafkaServer) -> BrokerSide:
        side = KafkaSide(kafka)
        await side.make()
        return side


async def test_a_long_pause_of_kafka(kafka: kafka_server.KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its partitions are paused, and it asks for nothing from time to time."""
    monkeypatch.setattr("laurels.engines.brokers.kafka.HELD_S", 0.0)
    side = KafkaSide(kafka)
    await side.make()
    await QueueContract().test_a_pause_takes_nothing_and_loses_nothing(side)


class TestSqsQueue(QueueContract):
    keeps_messages = False

    @pytest.fixture
    async def broker(self, sqs: sqs_server.SqsServer) -> BrokerSide:
        side = SqsSide(sqs)
        await side.make()
        return side


class TestSqsFifoQueue(QueueContract):
    keeps_messages = False

    @pytest.fixture
    async def broker(self, sqs: sqs_server.SqsServer) -> BrokerSide:
        side = SqsSide(sqs, ".fifo")
        await side.make()
        return side
