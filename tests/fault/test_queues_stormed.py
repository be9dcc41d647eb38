"""Orders by a queue through all that befalls it: every message three times and shuffled, poison among them, the broker
stopped and started, consumers killed thirty times (by `make test-all` six times), acknowledgements lost, the ledger
away for a minute (there for three seconds).
"""

import asyncio
from pathlib import Path
from random import Random

import apsw
import pytest
from tests import kafka_server, rabbitmq_server, sqs_server
from tests.fault.brokers import Broker, Kafka, Rabbit, Sqs
from tests.fault.consuming import Consumers, Messages, judge
from tests.fault.unsteady_links import UnsteadyLinks

from laurels.settings import load
from laurels.testing.verifying import findings_of
from laurels.wiring import Services, build

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

SOAK = [pytest.mark.soak, pytest.mark.timeout(3600)]
STORMS = pytest.mark.parametrize(
    ("orders", "kills", "away_s"),
    [
        pytest.param(600, 6, 3.0, marks=pytest.mark.long),  # longer than SQLite's writers wait for each other
        pytest.param(3000, 30, 60.0, marks=SOAK),
    ],
)
CONSUMERS = 2


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
                await _something_new(services, consumers, broker)
                consumers.kill(rng)
                if kill == kills // 3:
                    await asyncio.to_thread(broker.stop)
                    await asyncio.to_thread(broker.start)
                    confirmed += await broker.send(messages.sent[first:])
                if kill == 2 * kills // 3:
                    await _ledger_away(state, away_s)
            assert confirmed == len(messages.sent)
            meanwhile = await judge(services.ledger, messages, at_end=False)
            while await broker.left():
                consumers.tend()
                await services.awarder.drain()
                await asyncio.sleep(0.5)
        finally:
            consumers.close()
        await services.awarder.drain()
        applied = await judge(services.ledger, messages, at_end=True)
        print(
            f"{confirmed} messages confirmed, each of {len(messages.documents)} documents and {len(messages.poison)} "
            f"poison three times; {kills} kills; {meanwhile} documents there meanwhile, {applied} at the end"
        )
        assert consumers.killed == kills
        await services.projector.reach()
        assert await findings_of(services.ledger) == []


async def _something_new(services: Services, consumers: Consumers, broker: Broker) -> None:
    """Wait until a consumer has taken something, so that the next kill strikes at work; or there is nothing left that
    comes soon.
    """
    await services.awarder.drain()
    before = (await services.ledger.counts()).ready
    for turn in range(1, 101):
        if (await services.ledger.counts()).ready != before or (turn % 25 == 0 and not await broker.left()):
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
    with rabbitmq_server.running(tmp_path / "broker") as server, UnsteadyLinks(server.port, lossy=True) as links:
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
    [pytest.param(100, 3, 3.0, marks=pytest.mark.long), pytest.param(600, 30, 60.0, marks=SOAK)],
)
async def test_sqs(tmp_path: Path, rng: Random, orders: int, kills: int, away_s: float) -> None:
    """What a killed consumer had in hand shows again after half a minute; nothing ends among the dead letters."""
    with (
        pytest.MonkeyPatch.context() as patch,
        sqs_server.running(patch) as server,
        UnsteadyLinks(server.port, lossy=True) as links,
    ):
        broker = Sqs(server)
        await broker.make()
        url = f"http://127.0.0.1:{links.port}/{sqs_server.ACCOUNT}/orders"
        messages = Messages(rng, orders, text=True)
        await storm(broker, url, messages, tmp_path / "state", rng, kills=kills, away_s=away_s)
        assert await broker.dead() == 0
