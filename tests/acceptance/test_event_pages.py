"""What the page on events tells people to do, done: each command of it, to a target of its kind on this machine."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiokafka
import aiormq
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests import kafka_server, rabbitmq_server
from tests.acceptance.beside_brokers import made_ledger, running, shown_command
from tests.acceptance.command_line import laurels
from tests.acceptance.test_how_tos import EVENTS
from tests.fault.consuming import wait_until
from tests.webhook_receiver import receiving

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

ORDERS = 40
WANTED = [3] * ORDERS
"""The points of each event, and a milestone of none once the member has 100."""


def sold(folder: Path) -> Path:
    """The state directory of a shop that has sold something, to one member."""
    state = made_ledger(folder)
    orders = folder / "orders.ndjson"
    lines = [
        json.dumps({"order_id": f"A{n}", "member_id": "ann", "currency": "GBP", "total": "25.00"})
        for n in range(ORDERS)
    ]
    orders.write_text("\n".join(lines))
    done = laurels("import", orders, "--state", state)
    assert done.returncode == 0, done.stderr
    return state


def check(events: list[dict[str, Any]]) -> None:
    """All of them, in order; each may have come more than once."""
    first = list({each["id"]: each for each in events}.values())
    assert [each["points"] for each in first if each["kind"] == "earn"] == WANTED
    assert [each["milestone"] for each in first if each["kind"] == "milestone"] == ["100-points"]


def test_rabbitmq(tmp_path: Path) -> None:
    state = sold(tmp_path)
    (tmp_path / "broker").mkdir()
    with rabbitmq_server.running(tmp_path / "broker") as server:
        server.control("add_vhost", "shop")
        server.control("add_user", "laurels", "secret")
        server.control("set_permissions", "--vhost", "shop", "laurels", ".*", ".*", ".*")
        address = f"amqp://laurels:secret@127.0.0.1:{server.port}/shop"
        events: list[dict[str, Any]] = []

        async def take() -> None:
            connection = await aiormq.connect(address)
            channel = await connection.channel()
            await channel.exchange_declare("points", exchange_type="topic", durable=True)
            await channel.queue_declare("crm", durable=True)
            await channel.queue_bind("crm", "points", routing_key="points.*")
            while (message := await channel.basic_get("crm", no_ack=True)).delivery_tag:
                events.append(json.loads(message.body))
            await connection.close()

        asyncio.run(take())
        shown = shown_command(EVENTS, "events", "amqp:")
        with running(state, [each.replace("amqp://laurels:secret@broker/shop", address) for each in shown]):
            wait_until(lambda: len(events) > ORDERS, lambda: asyncio.run(take()))
    check(events)


def test_kafka(tmp_path: Path) -> None:
    state = sold(tmp_path)
    (tmp_path / "broker").mkdir()
    with kafka_server.running(tmp_path / "broker") as server:

        async def make() -> None:
            admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
            await admin.start()
            await admin.create_topics([NewTopic("points", num_partitions=3, replication_factor=1)])
            await admin.close()

        async def take() -> list[dict[str, Any]]:
            events: list[dict[str, Any]] = []
            async with aiokafka.AIOKafkaConsumer(
                "points", bootstrap_servers=server.bootstrap, auto_offset_reset="earliest"
            ) as consumer:
                while len(events) <= ORDERS:
                    record = await asyncio.wait_for(consumer.getone(), 60)
                    events.append(json.loads(record.value))
            return events

        asyncio.run(make())
        shown = shown_command(EVENTS, "events", "kafka:")
        with running(state, [each.replace("broker:9092", server.bootstrap) for each in shown]):
            events = asyncio.run(take())
    check(events)


def test_a_webhook(tmp_path: Path) -> None:
    """Its receiver has the secret that the page's command prints."""
    state = sold(tmp_path)
    shown = shown_command(EVENTS, "events", "https:")
    asked = shown_command(EVENTS, "events", "https:", but=shown)
    assert "--secret" in asked
    with receiving() as receiver:
        here = [each.replace("https://crm.shop.example/points", receiver.url) for each in asked]
        receiver.secret = laurels(*here, "--state", state, LAURELS_EVENTS_PRIVATE_HOSTS="127.0.0.1").stdout.strip()
        with running(state, ["events", receiver.url], LAURELS_EVENTS_PRIVATE_HOSTS="127.0.0.1"):
            wait_until(lambda: len(receiver.events) > ORDERS)
        check(receiver.events)
        begun = receiver.events[ORDERS // 2]["id"]
        receiver.events.clear()
        with running(state, ["events", receiver.url, "--from", begun], LAURELS_EVENTS_PRIVATE_HOSTS="127.0.0.1"):
            wait_until(lambda: len(receiver.events) >= ORDERS // 2)
        assert receiver.events[0]["id"] == begun
    assert receiver.unsigned == []
