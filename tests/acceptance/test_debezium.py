"""Orders from the outbox of a shop's database, by a real Debezium with what the page has people set."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import kafka_server
from tests.acceptance.beside_brokers import counted, fill_kafka, made_ledger, points_of, running
from tests.acceptance.test_how_tos import QUEUES, blocks
from tests.fault.consuming import wait_until
from tests.ports import free_port
from tests.postgres_server import USER, PostgresServer, binaries

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

ORDERS = 30

_WORKER = """\
bootstrap.servers={bootstrap}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
offset.storage.file.filename={folder}/offsets
offset.flush.interval.ms=1000
listeners=http://127.0.0.1:{port}
plugin.discovery=only_scan
"""

_CONNECTOR = """\
name=outbox
connector.class=io.debezium.connector.postgresql.PostgresConnector
tasks.max=1
plugin.name=pgoutput
database.hostname=127.0.0.1
database.port={port}
database.user={user}
database.password=any
database.dbname=postgres
topic.prefix=shop
table.include.list=public.outbox
"""

_OUTBOX = """
CREATE TABLE outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL
)
"""

_PLACED = "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', '{}', 'placed', '{}')"


@contextmanager
def database() -> Iterator[tuple[PostgresServer, int]]:
    """A PostgreSQL whose log can be followed, and its port."""
    port = free_port()
    server = PostgresServer(binaries(), wal_level="logical", listen_addresses="127.0.0.1", port=str(port))
    try:
        server.make()
        server.start()
        server.sql(_OUTBOX)
        yield server, port
    finally:
        server.remove()


@contextmanager
def connecting(folder: Path, kafka: kafka_server.KafkaServer, port: int) -> Iterator[None]:
    """Kafka Connect with the connector, and the page's settings in it."""
    [settings] = [block for block in blocks(QUEUES, "text") if "EventRouter" in block]
    own_port = free_port()
    worker, connector = folder / "worker.properties", folder / "connector.properties"
    worker.write_text(_WORKER.format(bootstrap=kafka.bootstrap, folder=folder, port=own_port))
    connector.write_text(_CONNECTOR.format(port=port, user=USER) + settings)
    command = kafka.java("org.apache.kafka.connect.cli.ConnectStandalone", str(worker), str(connector))
    with (folder / "connect").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def test_orders_come_from_the_outbox(tmp_path: Path) -> None:
    """Those of committed transactions, in the shape that the page says."""
    state, folder = made_ledger(tmp_path), tmp_path / "kafka"
    folder.mkdir()
    with kafka_server.running(folder) as kafka, database() as (shop, port):
        for number in range(ORDERS):
            order_id = f"A{number}"
            message = {"kind": "order", "order_id": order_id, "member_id": "ann", "currency": "GBP", "total": "25.00"}
            placed = _PLACED.format(order_id, json.dumps(message))
            shop.sql(f"BEGIN; {placed}; {'ROLLBACK' if number % 3 == 2 else 'COMMIT'}")
        fill_kafka(kafka)
        with connecting(folder, kafka, port), running(state, ["consume", kafka.url("orders")]):
            wait_until(lambda: counted(state) == (ORDERS * 2 // 3, 0))
    assert points_of(state, "ann") == ORDERS * 2 // 3 * 3
