"""`laurels consume` as a shop meets it: a year of orders by RabbitMQ and by Kafka, dead letters brought back, and what
it says of a wrong set-up.
"""

import asyncio
import csv
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import aiokafka
import aiormq
import pytest
from aiobotocore.session import get_session
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests import kafka_server, rabbitmq_server, sqs_server
from tests.acceptance.command_line import laurels
from tests.fault.consuming import Consumers, wait_until
from tests.ledgers import open_ledger

from laurels.exchange import PRESETS, open_documents
from laurels.model import Order
from laurels.model.money import format_amount
from laurels.model.times import format_instant

pytestmark = pytest.mark.timeout(400)

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq_server.RabbitServer]:
    with rabbitmq_server.running(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_server.KafkaServer]:
    with kafka_server.running(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="module")
def year(data_dir: Path) -> list[bytes]:
    """The Online Retail year as messages."""
    documents = open_documents(data_dir / "online_retail.parquet", PRESETS["online-retail"].mapping())
    return [json.dumps(_message(document)).encode() for document in documents]


@pytest.fixture(scope="module")
def expected(data_dir: Path) -> bytes:
    """Every member's points, as they were computed apart from this project."""
    return _points(data_dir / "online_retail_expected.csv")


@pytest.mark.soak
def test_a_year_by_rabbitmq(
    rabbitmq: rabbitmq_server.RabbitServer, year: list[bytes], expected: bytes, tmp_path: Path
) -> None:
    asyncio.run(send(rabbitmq, "year", year, QUORUM))
    assert consumed(tmp_path, rabbitmq.url("year"), len(year)) == expected


@pytest.mark.soak
def test_a_year_by_kafka(kafka: kafka_server.KafkaServer, year: list[bytes], expected: bytes, tmp_path: Path) -> None:
    async def publish() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("year", num_partitions=4, replication_factor=1)])
        await admin.close()
        async with aiokafka.AIOKafkaProducer(
            bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True
        ) as producer:
            await asyncio.gather(*[await producer.send("year", body) for body in year])

    asyncio.run(publish())
    assert consumed(tmp_path, kafka.url("year"), len(year)) == expected


async def _inbox_depth(state: Path) -> int:
    ledger = await open_ledger(state / "laurels.db")
    try:
        return await ledger.inbox_depth()
    finally:
        await ledger.close()


def consumed(tmp_path: Path, url: str, documents: int) -> bytes:
    """Every member's points after two consumers took all of a queue."""
    state = tmp_path / "state"
    assert laurels("work", "--once", "--state", state).returncode == 0  # makes the ledger
    consumers = Consumers(state, url, 2)
    try:
        wait_until(lambda: asyncio.run(_inbox_depth(state)) == documents)
    finally:
        consumers.close()
    assert laurels("work", "--once", "--state", state).returncode == 0
    assert laurels("quarantine", "list", "--state", state).stdout == "The quarantine is empty.\n"
    exported = tmp_path / "standings.csv"
    assert laurels("export", "standings", "--to", exported, "--state", state).returncode == 0
    return _points(exported)


@pytest.mark.long
def test_dead_letters_are_brought_back(rabbitmq: rabbitmq_server.RabbitServer, tmp_path: Path) -> None:
    """All of them, poison into quarantine; the queue is empty then."""
    good = [
        b'{"kind": "order", "order_id": "A%d", "member_id": "ann", "currency": "GBP", "total": "25.00"}' % n
        for n in range(40)
    ]
    asyncio.run(send(rabbitmq, "dead", [*good, b"poison", good[0]], QUORUM | {"x-delivery-limit": 20}))
    state = tmp_path / "state"
    done = laurels("consume", "--dead-letters", rabbitmq.url("dead"), "--state", state)
    assert (done.stdout, done.returncode) == ("40 accepted, 1 were here before, 1 in quarantine\n", 1)
    assert "poison" in laurels("quarantine", "show", "41", "--state", state).stdout
    assert "kind" not in laurels("quarantine", "retry", "41", "--state", state).stdout
    again = laurels("consume", "--dead-letters", rabbitmq.url("dead"), "--state", state)
    assert (again.stdout, again.returncode) == ("0 accepted, 0 were here before, 0 in quarantine\n", 0)


@pytest.mark.long
def test_a_wrong_set_up_of_rabbitmq_is_said_in_one_line(rabbitmq: rabbitmq_server.RabbitServer, tmp_path: Path) -> None:
    port = rabbitmq.port
    asyncio.run(send(rabbitmq, "limited", [], QUORUM | {"x-delivery-limit": 3}))
    asyncio.run(send(rabbitmq, "safe", [], QUORUM | {"x-delivery-limit": 3, "x-dead-letter-exchange": ""}))
    asyncio.run(send(rabbitmq, "classic", [], {}))
    for url, said in (
        ("rabbit://127.0.0.1/", "of no broker that Laurels knows"),
        ("amqp://127.0.0.1/", "names no queue"),
        ("amqp://127.0.0.1/?queue=orders&colour=red", "has an option 'colour'"),
        ("amqp://127.0.0.1:1/?queue=orders", "No RabbitMQ answers at 127.0.0.1:1 (Connection refused)"),
        (rabbitmq.url("safe") + "&heartbeat=x", "value of heartbeat in the queue's address must be whole seconds"),
        (f"amqp://guest:wrong@127.0.0.1:{port}/?queue=safe", "refuses the user or the password"),
        (f"amqp://guest:guest@127.0.0.1:{port}/nowhere?queue=safe", "refuses the virtual host"),
        (rabbitmq.url("nowhere"), "There is no queue nowhere"),
        (rabbitmq.url("limited"), "drops a message after 3 deliveries and has no dead-letter exchange"),
    ):
        assert_one_line(laurels("consume", url, "--state", tmp_path / "state"), said)
    for queue in ("safe", "classic"):
        assert laurels("consume", "--dead-letters", rabbitmq.url(queue), "--state", tmp_path / "state").returncode == 0
    told = laurels("consume", "--dead-letters", rabbitmq.url("classic"), "--state", tmp_path / "state").stderr
    assert "rabbitmq.classic_queue" in told


@pytest.mark.long
def test_a_wrong_set_up_of_kafka_is_said_in_one_line(kafka: kafka_server.KafkaServer, tmp_path: Path) -> None:
    signed = f"127.0.0.1:{kafka.signed_port}"
    for url, said in (
        ("kafka://127.0.0.1:9092/", "names no topic"),
        ("kafka://127.0.0.1:1/orders", "No Kafka answers at 127.0.0.1:1 (Connection refused)"),
        (f"kafka://{signed}/orders", "does that port ask for TLS, kafka+ssl://, or for a user?"),
        (f"kafka://laurels:secret@{kafka.bootstrap}/orders", "Kafka asks for no user at the port in its address"),
        (kafka.url("nowhere"), "There is no topic nowhere"),
        (f"kafka://laurels:wrong@{signed}/nowhere", "refuses the user or the password"),
        (
            f"kafka://laurels:secret@{signed}/orders?mechanism=SCRAM-SHA-512",
            "not sign in by SCRAM",
        ),
        (f"kafka://laurels:secret@{signed}/nowhere", "There is no topic nowhere"),
    ):
        assert_one_line(laurels("consume", url, "--state", tmp_path / "state"), said)


@pytest.mark.long
def test_a_wrong_set_up_of_sqs_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, sqs_server.running(patch) as server:
        asyncio.run(_make_queues(server))
        for url, said in (
            ("https://sqs.eu-west-2.amazonaws.com/", "is none of SQS"),
            ("http://127.0.0.1:1/123456789012/orders", "SQS cannot be used now (Connection refused)"),
            (server.url("nowhere"), "There is no queue nowhere"),
            (server.url("brief"), "shows messages again after 5 s"),
            (server.url("orphan"), "its dead-letter queue is not there"),
        ):
            assert_one_line(laurels("consume", url, "--state", tmp_path / "state"), said)
        done = laurels("consume", "--dead-letters", server.url("orders"), "--state", tmp_path / "state")
        assert done.stdout == "1 accepted, 0 were here before, 0 in quarantine\n", done.stderr


async def _make_queues(server: sqs_server.SqsServer) -> None:
    arn = f"arn:aws:sqs:eu-west-2:{sqs_server.ACCOUNT}:"
    async with get_session().create_client("sqs", endpoint_url=server.endpoint) as client:
        await client.create_queue(QueueName="brief", Attributes={"VisibilityTimeout": "5"})
        await client.create_queue(QueueName="dead")
        redrive = json.dumps({"deadLetterTargetArn": f"{arn}dead", "maxReceiveCount": "3"})
        for queue in ("orders", "orphan"):
            attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "30"}
            await client.create_queue(QueueName=queue, Attributes=attributes)
        body = '{"kind": "order", "order_id": "S1", "member_id": "ann", "currency": "GBP", "total": "25.00"}'
        await client.send_message(QueueUrl=server.url("orders"), MessageBody=body)
        await client.create_queue(QueueName="gone")
        gone = json.dumps({"deadLetterTargetArn": f"{arn}gone", "maxReceiveCount": "3"})
        await client.set_queue_attributes(QueueUrl=server.url("orphan"), Attributes={"RedrivePolicy": gone})
        await client.delete_queue(QueueUrl=server.url("gone"))


async def send(
    server: rabbitmq_server.RabbitServer, queue: str, bodies: Sequence[bytes], arguments: Mapping[str, object]
) -> None:
    """Make a queue and send messages, confirmed."""
    connection = await aiormq.connect(server.url())
    channel = await connection.channel()
    await channel.queue_declare(queue, durable=True, arguments=dict(arguments))  # type: ignore[arg-type]
    properties = aiormq.spec.Basic.Properties(delivery_mode=2)
    for start in range(0, len(bodies), 1000):
        part = bodies[start : start + 1000]
        await asyncio.gather(*(channel.basic_publish(body, routing_key=queue, properties=properties) for body in part))
    await connection.close()


def assert_one_line(done: "subprocess.CompletedProcess[str]", said: str) -> None:
    lines = [line for line in done.stderr.splitlines() if line.startswith("laurels: ")]
    assert done.returncode in {1, 2}, done.stderr
    assert len(lines) == 1, done.stderr
    assert said in lines[0]
    assert "Traceback" not in done.stderr


def _message(document: object) -> dict[str, str]:
    """An order or a refund as its sender would write it."""
    said = {
        "source": document.source,  # type: ignore[attr-defined]
        "member_id": document.member_id,  # type: ignore[attr-defined]
        "currency": document.currency,  # type: ignore[attr-defined]
        "occurred_at": format_instant(document.occurred_at),  # type: ignore[attr-defined]
    }
    if isinstance(document, Order):
        total = format_amount(document.total, document.currency)
        return {**said, "kind": "order", "order_id": document.order_id, "total": total}
    amount = format_amount(document.amount, document.currency)  # type: ignore[attr-defined]
    refund = {**said, "kind": "refund", "refund_id": document.refund_id, "amount": amount}  # type: ignore[attr-defined]
    order_id = document.order_id  # type: ignore[attr-defined]
    return refund if order_id is None else {**refund, "order_id": order_id}


def _points(path: Path) -> bytes:
    """Member and points by member, as bytes."""
    with path.open(newline="") as file:
        rows = sorted((row["member_id"], row["points"]) for row in csv.DictReader(file))
    return "".join(f"{member},{points}\n" for member, points in rows).encode()
