"""What the pages on queues and events tell people to do, done: with the brokers, the Ruby and the connector that they
name, at addresses of this machine.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiormq
import pytest
from aiobotocore.session import get_session
from tests import kafka_server, rabbitmq_server, sqs_server
from tests.acceptance.beside_brokers import counted, fill_kafka, made_ledger, points_of, running, shown_command
from tests.acceptance.command_line import laurels
from tests.acceptance.test_how_tos import QUEUES, blocks
from tests.ending import end
from tests.fault.consuming import wait_until
from tests.key_value_server import Process, redis_binary

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

NO_GEMS = "no Ruby with ActiveRecord, Bunny and Sidekiq: install them (make test-all does on Debian)"
COMMANDS = Path(__file__).with_name("rails_queue.rb")
PLACED = 20


def shown_messages() -> list[bytes]:
    """The order and the refund of the page."""
    [shown] = [block for block in blocks(QUEUES, "text") if '"kind"' in block]
    return [line.encode() for line in shown.splitlines()]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state directory of a new ledger."""
    return made_ledger(tmp_path)


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[rabbitmq_server.RabbitServer]:
    """With the virtual host and the user that the page names, and the means to declare queues."""
    (tmp_path / "rabbitmq").mkdir()
    with rabbitmq_server.running(tmp_path / "rabbitmq", "rabbitmq_management") as server:
        server.control("add_vhost", "shop")
        server.control("add_user", "laurels", "secret")
        for user in ("guest", "laurels"):
            server.control("set_permissions", "--vhost", "shop", user, ".*", ".*", ".*")
        declare_queues(server)
        yield server


def declare_queues(server: rabbitmq_server.RabbitServer) -> None:
    """As the page says; with what it says of the RabbitMQ that Debian has."""
    [declared] = [block for block in blocks(QUEUES, "text") if "rabbitmqadmin" in block]
    [admin] = Path("/usr/lib/rabbitmq/lib").glob("*/plugins/rabbitmq_management-*/priv/www/cli/rabbitmqadmin")
    script = f'rabbitmqadmin() {{ python3 {admin} --port={server.management_port} "$@"; }}\n'
    script += declared.replace(', "x-delivery-limit": -1', "")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stdout.count("queue declared")) == (0, 2), done.stderr


def send(server: rabbitmq_server.RabbitServer, queue: str, *bodies: bytes) -> None:
    """Confirmed messages."""

    async def publish() -> None:
        connection = await aiormq.connect(f"amqp://laurels:secret@127.0.0.1:{server.port}/shop")
        channel = await connection.channel()
        for body in bodies:
            await channel.basic_publish(body, routing_key=queue)
        await connection.close()

    asyncio.run(publish())


def here(arguments: list[str], port: int) -> list[str]:
    """The broker of a page on this machine."""
    return [re.sub(r"@broker/", f"@127.0.0.1:{port}/", each) for each in arguments]


def test_rabbitmq(rabbitmq: rabbitmq_server.RabbitServer, state: Path) -> None:
    with running(state, here(shown_command(QUEUES, "consume", "amqp:"), rabbitmq.port)):
        send(rabbitmq, "orders", *shown_messages(), b"no order")
        wait_until(lambda: counted(state) == (2, 1))
    assert points_of(state, "17850") == 2
    assert "queue:orders" in laurels(*shown_command(QUEUES, "quarantine", "list"), "--state", state).stdout
    listed = laurels("quarantine", "list", "--state", state).stdout
    number = re.findall(r"^\W*(\d+)", listed, re.MULTILINE)[0]  # an id that goes on in a next line may begin so, too
    show, retry = (
        [each.replace("12", number) for each in shown_command(QUEUES, "quarantine", word)] for word in ("show", "retry")
    )
    assert "no order" in laurels(*show, "--state", state).stdout
    assert laurels(*retry, "--state", state).returncode == 2, "it is no order still"
    order, refund = shown_messages()
    send(rabbitmq, "orders-dead", order.replace(b"A1001", b"A1002"), order, refund)
    brought = laurels(*here(shown_command(QUEUES, "consume", "--dead"), rabbitmq.port), "--state", state)
    assert brought.stdout == "1 accepted, 2 were here before, 0 in quarantine\n", brought.stderr


def test_kafka(tmp_path: Path, state: Path) -> None:
    with kafka_server.running(tmp_path) as server:
        fill_kafka(server, *shown_messages())
        arguments = shown_command(QUEUES, "consume", "kafka:")
        with running(state, [each.replace("broker1:9092,broker2:9092", server.bootstrap) for each in arguments]):
            wait_until(lambda: counted(state) == (2, 0))
    assert points_of(state, "17850") == 2


def test_sqs(state: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, sqs_server.running(patch) as server:

        async def fill() -> None:
            async with get_session().create_client("sqs", endpoint_url=server.endpoint) as client:
                await client.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "30"})
                for body in shown_messages():
                    await client.send_message(QueueUrl=server.url("orders"), MessageBody=body.decode())

        asyncio.run(fill())
        arguments = shown_command(QUEUES, "consume", "https:")
        address = "https://sqs.eu-west-2.amazonaws.com"
        with running(state, [each.replace(address, server.endpoint) for each in arguments]):
            wait_until(lambda: counted(state) == (2, 0))
    assert points_of(state, "17850") == 2


def test_a_rails_shop_by_sidekiq(rabbitmq: rabbitmq_server.RabbitServer, state: Path, tmp_path: Path) -> None:
    """Orders that were committed arrive, those that were rolled back do not; the broker was away meanwhile."""
    needs = ["-ractive_record", "-rsqlite3", "-rbunny", "-rsidekiq", "-e", ""]
    if shutil.which("sidekiq") is None or subprocess.run(["ruby", *needs], check=False, capture_output=True).returncode:
        pytest.skip(NO_GEMS)
    snippet = tmp_path / "snippet.rb"
    snippet.write_text(next(block for block in blocks(QUEUES, "ruby") if "Sidekiq" in block))
    redis = Process(redis_binary(), tmp_path / "redis")
    redis.start()
    environment = os.environ | {
        "SNIPPET": str(snippet),
        "SHOP_SQLITE": str(tmp_path / "shop.sqlite3"),
        "REDIS_URL": redis.url.replace("valkey:", "redis:"),
        "AMQP_URL": f"amqp://laurels:secret@127.0.0.1:{rabbitmq.port}/shop",
    }
    try:
        placed = ["ruby", str(COMMANDS), str(PLACED)]
        done = subprocess.run(placed, env=environment, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        with (tmp_path / "sidekiq").open("w") as log:
            worker = subprocess.Popen(
                ["sidekiq", "-r", str(COMMANDS), "-c", "2"], env=environment, stdout=log, stderr=log
            )
        try:
            with running(state, here(shown_command(QUEUES, "consume", "amqp:"), rabbitmq.port)):
                wait_until(lambda: counted(state) == (PLACED // 2, 0))
        finally:
            end(worker)
    finally:
        redis.kill()
    assert points_of(state, "17850") == 12
