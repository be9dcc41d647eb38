"""Orders by a queue over links that are cut, slow and silent: nothing is lost, nothing counts twice, and the consumers
come back by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import aiormq
import pytest
from tests import kafka_server, rabbitmq_server
from tests.fault.brokers import Kafka, Rabbit
from tests.fault.consuming import IN_TIME_S, Consumers, Messages, judge, missing
from tests.fault.unsteady_links import UnsteadyLinks

from laurels.engines.brokers.kafka import KafkaQueue
from laurels.engines.brokers.rabbitmq import RabbitQueue
from laurels.errors import QueueUnavailable, SettingsError
from laurels.settings import load
from laurels.testing.verifying import findings_of
from laurels.wiring import build

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600), pytest.mark.long]

ORDERS = 400
CONSUMERS = 2
CUTS = 8
MOMENT_S = 0.15


async def weather(broker: Rabbit | Kafka, links: UnsteadyLinks, url: str, state: Path, rng: Random) -> None:
    """Cut links under way, make them slow, lose what is sent, go silent; after each, all that was sent gets through."""

    async def cut() -> None:
        for _ in range(CUTS):
            await asyncio.sleep(rng.random() * MOMENT_S)
            links.cut()

    async def be_slow() -> None:
        links.delay_s = 0.05
        await cut()

    async def lose() -> None:
        links.lossy = True
        links.cut()

    async def go_silent() -> None:
        await asyncio.sleep(rng.random() * MOMENT_S)
        links.go_silent()
        await asyncio.sleep(1 + rng.random())

    messages = Messages(rng, ORDERS)
    async with build(load({"state": state})) as services:
        consumers = Consumers(state, url, CONSUMERS)
        try:
            await until(broker.readers, CONSUMERS)  # one that finds nobody at its start says so, and leaves
            for number, befall in enumerate((cut, be_slow, lose, go_silent, cut)):
                part = messages.sent[number::5]
                sending = asyncio.create_task(broker.send(part))
                await befall()
                assert await sending == len(part)
                links.speak()
                links.delay_s, links.lossy = 0.0, False
                await until(broker.left, 0)
            await until(lambda: missing(services.ledger, messages), 0)
            assert links.cuts > CUTS
            assert consumers.ended() == 0
        finally:
            consumers.close()
        await services.awarder.drain()
        await judge(services.ledger, messages, at_end=True)
        await services.projector.reach()
        assert await findings_of(services.ledger) == []


async def until(count: Callable[[], Awaitable[int]], wanted: int) -> None:
    """Wait until a count is what it should be."""
    async with asyncio.timeout(IN_TIME_S):
        while await count() != wanted:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.2)


async def test_rabbitmq(tmp_path: Path, rng: Random) -> None:
    (tmp_path / "broker").mkdir()
    with rabbitmq_server.running(tmp_path / "broker") as server, UnsteadyLinks(server.port) as links:
        broker = Rabbit(server)
        await broker.make()
        url = f"amqp://guest:guest@127.0.0.1:{links.port}/?queue=orders&heartbeat=2"
        await weather(broker, links, url, tmp_path / "state", rng)
        assert await broker.dead() == 0


async def test_kafka(tmp_path: Path, rng: Random) -> None:
    (tmp_path / "broker").mkdir()
    with UnsteadyLinks() as links, kafka_server.running(tmp_path / "broker", links.port) as server:
        links.target = server.relayed_port
        broker = Kafka(server)
        await broker.make()
        url = f"kafka://127.0.0.1:{links.port}/orders?group=laurels"
        await weather(broker, links, url, tmp_path / "state", rng)


async def test_a_kafka_that_went_silent_has_no_client_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose goodbye was not heard would fetch for ever what nobody asks for."""
    monkeypatch.setattr("laurels.engines.brokers.kafka_client.ANSWER_WITHIN_S", 1.0)
    (tmp_path / "broker").mkdir()
    with UnsteadyLinks() as links, kafka_server.running(tmp_path / "broker", links.port) as server:
        links.target = server.relayed_port
        broker = Kafka(server)
        await broker.make()
        assert await broker.send([b"1", b"2"]) == 2
        others = asyncio.all_tasks()
        queue = KafkaQueue(f"kafka://127.0.0.1:{links.port}/orders?group=laurels")
        async with asyncio.timeout(IN_TIME_S):
            while not (await queue.receive(10, 1.0)).messages:
                pass
        links.go_silent()
        await queue.close()
        assert asyncio.all_tasks() == others


async def test_a_broker_that_says_nothing_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its port is open, and nobody is behind it."""
    monkeypatch.setattr("laurels.engines.brokers.rabbitmq.CONNECTED_WITHIN_S", 0.5)
    with rabbitmq_server.running(tmp_path) as server, UnsteadyLinks(server.port) as links:
        links.go_silent()
        queue = RabbitQueue(f"amqp://guest:guest@127.0.0.1:{links.port}/?queue=orders")
        for ask in (queue.look, lambda: queue.receive(1, 0.1)):
            with pytest.raises(QueueUnavailable):
                await asyncio.wait_for(ask(), IN_TIME_S)
        await queue.close()


async def test_a_queue_that_is_made_anew_is_read_again(tmp_path: Path) -> None:
    """RabbitMQ ends the consumers of a queue that is deleted, and does not begin them again."""
    with rabbitmq_server.running(tmp_path) as server:
        connection = await aiormq.connect(server.url())
        channel = await connection.channel()

        async def make() -> None:
            await channel.queue_declare("orders", durable=True, arguments={"x-queue-type": "quorum"})

        async def send(body: bytes) -> None:
            await channel.basic_publish(body, routing_key="orders")

        await make()
        queue = RabbitQueue(server.url("orders"))
        await send(b"before")
        assert await received(queue) == b"before"
        await channel.queue_delete("orders")
        with pytest.raises((QueueUnavailable, SettingsError)):
            await asyncio.wait_for(received(queue), IN_TIME_S)
        with pytest.raises(SettingsError):
            await queue.receive(1, 0.1)
        await make()
        await send(b"after")
        assert await asyncio.wait_for(received(queue), IN_TIME_S) == b"after"
        await queue.close()
        await connection.close()


async def received(queue: RabbitQueue) -> bytes:
    """The next message."""
    while True:
        batch = await queue.receive(1, 0.2)
        if batch.messages:
            await queue.done(batch)
            return batch.messages[0].body
