"""Brokers under the storm: what a test makes there, sends, and finds left."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, Protocol

import aiokafka
import aiormq
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError
from tests import kafka_server, rabbitmq_server, sqs_server

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

    async def readers(self) -> int:
        """Who takes messages of it."""
        listed = await asyncio.to_thread(self._server.control, "list_consumers", "queue_name")
        return listed.count("orders")

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

    async def readers(self) -> int:
        """Members of the group."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._server.bootstrap)
        await admin.start()
        try:
            [described] = await admin.describe_consumer_groups(["laurels"])
            return sum(len(members) for _, _, _, _, _, members, *_ in described.groups)
        except GroupCoordinatorNotAvailableError:  # nobody has been a member yet
            return 0
        finally:
            await admin.close()

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
        patient = AioConfig(read_timeout=600)  # moto has one thread, and a crowded machine keeps it waiting
        return get_session().create_client("sqs", endpoint_url=self._server.endpoint, config=patient)
