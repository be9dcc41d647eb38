"""Events on real brokers: all of them, with their ids, in order for each member, through a broker that was away."""

import asyncio
from pathlib import Path

import aiokafka
import aiormq
import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiormq.abc import DeliveredMessage
from pamqp.common import FieldTable
from tests import kafka_server, rabbitmq_server

from laurels.engines.brokers import kafka_events
from laurels.engines.brokers.kafka_events import KafkaSink
from laurels.engines.brokers.rabbitmq_events import RabbitSink
from laurels.errors import SettingsError
from laurels.events import Event, Sink, SinkUnavailable

pytestmark = [pytest.mark.anyio, pytest.mark.long]

EVENTS = [
    Event(
        id=f"0-{n}",
        epoch=1,
        kind="earn",
        member_id=f"m{n % 5}",
        points=3,
        occurred_at="2026-11-01T10:00:00Z",
        recorded_at="2026-11-01T10:00:00Z",
    )
    for n in range(100)
]


async def sent_again(sink: Sink, events: list[Event]) -> None:
    """Send until they are taken, as the publisher does."""
    async with asyncio.timeout(60):
        while True:
            try:
                await sink.send(events)
            except SinkUnavailable:
                await asyncio.sleep(0.5)
            else:
                return


async def test_rabbitmq(tmp_path: Path) -> None:
    with rabbitmq_server.running(tmp_path) as server:
        connection = await aiormq.connect(server.url())
        channel = await connection.channel()
        await channel.exchange_declare("points", exchange_type="topic", durable=True)
        await channel.queue_declare("points", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.queue_bind("points", "points", routing_key="points.earn")
        await connection.close()
        sink = RabbitSink(f"{server.url()}?exchange=points")
        await sink.look()
        await sink.send(EVENTS[:60])
        await sink.look()
        await asyncio.to_thread(server.stop)
        with pytest.raises(SinkUnavailable):
            await RabbitSink(f"{server.url()}?exchange=points").look()
        with pytest.raises(SinkUnavailable):
            await sink.send(EVENTS[60:])
        await asyncio.to_thread(server.start)
        await sent_again(sink, EVENTS[60:])
        await sink.close()
        missing = RabbitSink(f"{server.url()}?queue=nowhere")
        with pytest.raises(SinkUnavailable, match="no queue nowhere"):
            await missing.send(EVENTS[:1])
        await missing.close()
        missing = RabbitSink(f"{server.url()}?exchange=nowhere")
        for _ in range(2):
            with pytest.raises(SinkUnavailable, match="no exchange nowhere"):
                await missing.send(EVENTS[:3])
        await missing.close()
        for where, said in (("queue", "no queue nowhere"), ("exchange", "no exchange nowhere")):
            missing = RabbitSink(f"{server.url()}?{where}=nowhere")
            with pytest.raises(SettingsError, match=said):
                await missing.look()
            await missing.close()
        wrong = RabbitSink(f"{server.url(password='wrong')}?exchange=points")
        with pytest.raises(SettingsError, match="the user or the password"):
            await wrong.look()
        with pytest.raises(SettingsError):
            await wrong.send(EVENTS[:1])
        connection = await aiormq.connect(server.url())
        channel = await connection.channel()
        received = []
        for _ in range(len(EVENTS)):
            message = await channel.basic_get("points", no_ack=True)
            properties = message.header.properties
            event = msgspec.json.decode(message.body, type=Event)
            assert properties.message_id == f"{event.epoch}.{event.id}"
            received.append(event)
        assert of_members(received) == of_members(EVENTS)
        await connection.close()


async def test_a_user_of_rabbitmq_with_few_rights(tmp_path: Path) -> None:
    """Who may only write may not look, and sends; who may not write is told so at the first event."""
    with rabbitmq_server.running(tmp_path) as server:
        connection = await aiormq.connect(server.url())
        channel = await connection.channel()
        await channel.exchange_declare("points", exchange_type="topic", durable=True)
        await channel.queue_declare("points", durable=True)
        await connection.close()
        for user, rights in (("writer", ("^$", ".*", "^$")), ("reader", ("^$", "^$", ".*"))):
            server.control("add_user", user, "secret")
            server.control("set_permissions", user, *rights)
        for where in ("queue", "exchange"):
            writer = RabbitSink(f"amqp://writer:secret@127.0.0.1:{server.port}/?{where}=points")
            await writer.look()
            await writer.send(EVENTS[:5])
            await writer.close()
            reader = RabbitSink(f"amqp://reader:secret@127.0.0.1:{server.port}/?{where}=points")
            await reader.look()
            with pytest.raises(SinkUnavailable, match="no right to write to the"):
                await reader.send(EVENTS[:5])
            await reader.close()


async def test_a_queue_with_room_for_few_gets_on_in_order(tmp_path: Path) -> None:
    """It refuses one event, and takes the next once somebody has read: the one that it refused is a member's first."""
    room: FieldTable = {"x-max-length": 3, "x-overflow": "reject-publish"}
    received: list[Event] = []
    with rabbitmq_server.running(tmp_path) as server:
        connection = await aiormq.connect(server.url())
        channel = await connection.channel()
        await channel.queue_declare("points", durable=True, arguments=room)

        async def read(message: DeliveredMessage) -> None:
            received.append(msgspec.json.decode(message.body, type=Event))
            assert message.delivery_tag is not None
            await channel.basic_ack(message.delivery_tag)

        await channel.basic_qos(prefetch_count=1)
        await channel.basic_consume("points", read)
        sink, sent = RabbitSink(f"{server.url()}?queue=points"), 0
        async with asyncio.timeout(60):
            while sent < len(EVENTS):
                try:
                    await sink.send(EVENTS[sent:])
                except SinkUnavailable as error:
                    sent += error.sent
                else:
                    break
            while len({event.id for event in received}) < len(EVENTS):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        await sink.close()
        await connection.close()
    once = {event.id: event for event in received}  # in the order in which each came first
    assert of_members([*once.values()]) == of_members(EVENTS)


def of_members(events: list[Event]) -> dict[str | None, list[Event]]:
    """Each member's, in order."""
    found: dict[str | None, list[Event]] = {}
    for event in events:
        found.setdefault(event.member_id, []).append(event)
    return found


async def test_what_kafka_did_not_take_in_time_does_not_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given again: of a client that still tried, it would come twice, the second time behind what is newer."""
    monkeypatch.setattr(kafka_events, "TAKEN_WITHIN_S", 2.0)
    with kafka_server.running(tmp_path) as server:
        await make_topic(server, partitions=1)
        others = asyncio.all_tasks()
        sink = KafkaSink(f"kafka://{server.bootstrap}/points")
        await sink.send(EVENTS[:20])
        server.kill()
        with pytest.raises(SinkUnavailable):
            await sink.send(EVENTS[20:40])
        assert asyncio.all_tasks() == others
        await asyncio.to_thread(server.start)
        await sent_again(sink, EVENTS[20:40])
        await sink.send(EVENTS[40:])
        await sink.close()
        async with consumer_of(server) as consumer:
            received = [await consumer.getone() for _ in EVENTS]
        assert [msgspec.json.decode(record.value, type=Event) for record in received] == EVENTS


async def make_topic(server: kafka_server.KafkaServer, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("points", num_partitions=partitions, replication_factor=1)])
    await admin.close()


def consumer_of(server: kafka_server.KafkaServer) -> aiokafka.AIOKafkaConsumer:
    return aiokafka.AIOKafkaConsumer("points", bootstrap_servers=server.bootstrap, auto_offset_reset="earliest")


async def test_kafka(tmp_path: Path) -> None:
    with kafka_server.running(tmp_path) as server:
        others = asyncio.all_tasks()
        missing = KafkaSink(f"kafka://{server.bootstrap}/nowhere")
        with pytest.raises(SinkUnavailable, match="Kafka has no topic nowhere that its user may write to"):
            await missing.send(EVENTS[:1])
        with pytest.raises(SettingsError, match="Kafka has no topic nowhere that its user may write to"):
            await missing.look()
        assert asyncio.all_tasks() == others
        await make_topic(server, partitions=3)
        sink = KafkaSink(f"kafka://{server.bootstrap}/points")
        await sink.look()
        await sink.send(EVENTS[:60])
        await sink.close()
        await sink.send(EVENTS[60:])
        await sink.close()
        async with consumer_of(server) as consumer:
            received: dict[str | None, list[Event]] = {}
            async with asyncio.timeout(60):
                for _ in range(len(EVENTS)):
                    record = await consumer.getone()
                    event = msgspec.json.decode(record.value, type=Event)
                    assert record.key.decode() == event.member_id
                    received.setdefault(event.member_id, []).append(event)
        assert received == {f"m{n}": EVENTS[n::5] for n in range(5)}
        server.kill()
        with pytest.raises(SinkUnavailable):
            await sink.send(EVENTS[:1])
        with pytest.raises(SinkUnavailable):
            await sink.look()
