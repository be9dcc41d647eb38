"""What a Kafka topic may hold: every compression, transactions, tombstones, gaps; and topics that are made anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.producer import message_accumulator
from aiokafka.producer import producer as producing
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from tests import kafka_server

from laurels.engines.brokers.kafka import KafkaQueue
from laurels.errors import QueueUnavailable, SettingsError
from laurels.intake import ReceivedMessage
from laurels.testing.queue_contract import IN_TIME_S

pytestmark = [pytest.mark.long, pytest.mark.anyio]

_numbers = count(1)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_server.KafkaServer]:
    with kafka_server.running(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@asynccontextmanager
async def administered(server: kafka_server.KafkaServer) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make(server: kafka_server.KafkaServer, partitions: int = 1, settings: Mapping[str, str] | None = None) -> str:
    topic = f"strange-{next(_numbers)}"
    async with administered(server) as admin:
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=dict(settings or {}))])
    return topic


async def send(server: kafka_server.KafkaServer, topic: str, bodies: Sequence[bytes | None], **how: str) -> None:
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all", **how) as producer:
        for number, body in enumerate(bodies):
            await producer.send(topic, body, key=b"%d" % number)
        await producer.flush()


async def received(queue: KafkaQueue, least: int) -> list[bytes]:
    """The bodies of what comes."""
    return [message.body for message in await taken(queue, least)]


async def taken(queue: KafkaQueue, least: int) -> list[ReceivedMessage]:
    """What comes, each done, until there are so many; and a moment longer, for what should not come."""
    messages: list[ReceivedMessage] = []
    async with asyncio.timeout(IN_TIME_S):
        while True:
            batch = await queue.receive(500, 0.5)
            messages += batch.messages
            if batch.messages:
                await queue.done(batch)
            elif len(messages) >= least:
                return messages


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_compressed_topic_is_read(kafka: kafka_server.KafkaServer, codec: str) -> None:
    topic = await make(kafka)
    bodies = [b"order %d" % n * 50 for n in range(100)]
    await send(kafka, topic, bodies, compression_type=codec)
    queue = KafkaQueue(kafka.url(topic, topic))
    assert await received(queue, len(bodies)) == bodies
    await queue.close()


async def test_what_a_transaction_took_back_was_never_sent(kafka: kafka_server.KafkaServer) -> None:
    """Orders of a transaction that was aborted earn nothing; the broker's own marks between them are no messages."""
    topic = await make(kafka)
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=topic) as producer:
        for number, is_kept in enumerate((True, False, True, False)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"order %d" % number)
            await (producer.commit_transaction() if is_kept else producer.abort_transaction())
    queue = KafkaQueue(kafka.url(topic, topic))
    assert await received(queue, 2) == [b"order 0", b"order 2"]
    await queue.close()


class Latin(str):
    """A header's name as a client that does not know UTF-8 would write it."""

    __slots__ = ()

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        return super().encode("latin-1")


@pytest.mark.parametrize("codec", [None, "gzip"])
async def test_a_header_that_is_not_text_holds_up_nothing(
    kafka: kafka_server.KafkaServer, monkeypatch: pytest.MonkeyPatch, codec: str | None
) -> None:
    """The client cannot read such a message by itself, and would give nothing behind it."""
    for sends in (message_accumulator, producing):
        monkeypatch.setattr(sends, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    topic = await make(kafka)
    names = ["plain", Latin("Größe"), "Größe"]
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type=codec) as producer:
        sent = [
            await producer.send(topic, b"order %d" % n, headers=[(names[n % 3], b"1"), ("no value", None)])
            for n in range(9)
        ]
        await asyncio.gather(*sent)
    queue = KafkaQueue(kafka.url(topic, topic))
    messages = await taken(queue, 9)
    assert [message.body for message in messages] == [b"order %d" % n for n in range(9)]
    assert [message.headers for message in messages[:3]] == [
        ("plain", "no value"),
        ("Gr\\xf6\\xdfe", "no value"),
        ("Größe", "no value"),
    ]
    await queue.close()


async def test_a_tombstone_is_an_empty_message(kafka: kafka_server.KafkaServer) -> None:
    """As a topic that is compacted has them."""
    topic = await make(kafka, settings={"cleanup.policy": "compact"})
    await send(kafka, topic, [b"one", None, b"two"])
    queue = KafkaQueue(kafka.url(topic, topic))
    assert await received(queue, 3) == [b"one", b"", b"two"]
    await queue.close()


async def test_a_large_message_is_received(kafka: kafka_server.KafkaServer) -> None:
    """Larger than all that is fetched at once, where the topic lets it in."""
    topic = await make(kafka, settings={"max.message.bytes": str(12 * 2**20)})
    bodies = [b"before", b"x" * 10 * 2**20, b"behind"]
    await send(kafka, topic, bodies, max_request_size=12 * 2**20)  # type: ignore[arg-type]  # a number
    queue = KafkaQueue(kafka.url(topic, topic))
    assert await received(queue, 3) == bodies
    await queue.close()


async def test_a_hundred_partitions_are_read(kafka: kafka_server.KafkaServer) -> None:
    topic = await make(kafka, partitions=100)
    bodies = [b"order %d" % n for n in range(2000)]
    await send(kafka, topic, bodies)
    queue = KafkaQueue(kafka.url(topic, topic))
    assert sorted(await received(queue, len(bodies))) == sorted(bodies)
    await queue.close()


async def test_offsets_that_retention_has_passed(kafka: kafka_server.KafkaServer) -> None:
    """What is left is read from its beginning."""
    topic = await make(kafka)
    queue = KafkaQueue(kafka.url(topic, topic))
    await send(kafka, topic, [b"first"])
    assert await received(queue, 1) == [b"first"]
    await queue.close()
    await send(kafka, topic, [b"lost", b"left", b"last"])
    async with administered(kafka) as admin:
        await admin.delete_records({aiokafka.TopicPartition(topic, 0): RecordsToDelete(before_offset=2)})
    queue = KafkaQueue(kafka.url(topic, topic))
    assert await received(queue, 2) == [b"left", b"last"]
    await queue.close()


@pytest.mark.parametrize("more", [1, 10])
async def test_a_topic_made_anew_is_read_from_its_beginning(kafka: kafka_server.KafkaServer, more: int) -> None:
    """Under a consumer that reads on, whether it then holds fewer messages than were read before, or more."""
    topic = await make(kafka)
    queue = KafkaQueue(kafka.url(topic, topic))
    await send(kafka, topic, [b"old %d" % n for n in range(5)])
    assert len(await received(queue, 5)) == 5
    async with administered(kafka) as admin:
        await admin.delete_topics([topic])
        async with asyncio.timeout(IN_TIME_S):
            while topic in await admin.list_topics():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        await admin.create_topics([NewTopic(topic, 1, 1)])
    anew = [b"new %d" % n for n in range(more)]
    await send(kafka, topic, anew)
    assert await received(queue, more) == anew
    await queue.close()


async def test_a_right_that_is_missing_is_said(kafka: kafka_server.KafkaServer) -> None:
    topic, other = await make(kafka), await make(kafka)
    await asyncio.to_thread(kafka.keep_from_users, "--topic", topic, "--group", other)
    address = f"kafka://laurels:secret@127.0.0.1:{kafka.signed_port}"
    with pytest.raises(SettingsError, match=r"no topic .* that its user may read"):
        await KafkaQueue(f"{address}/{topic}").look()
    queue = KafkaQueue(f"{address}/{other}?group={other}")
    with pytest.raises(QueueUnavailable, match="no right to read as the group"):
        await received(queue, 1)
    await queue.close()


async def test_what_a_certificate_lacks_is_said(
    kafka: kafka_server.KafkaServer, tls_port: int, authority_file: str
) -> None:
    """In one line, and not as if the brokers were away."""
    for url, said in (
        (f"kafka+ssl://127.0.0.1:{tls_port}/orders", "The certificate of Kafka is not trusted"),
        (f"kafka+ssl://127.0.0.1:{tls_port}/orders?cafile=/nowhere", "The certificates for Kafka cannot be read"),
    ):
        with pytest.raises(SettingsError, match=said):
            await KafkaQueue(url).look()
    with pytest.raises(QueueUnavailable, match="No Kafka answers by TLS"):  # it hangs up without a word
        await KafkaQueue(f"kafka+ssl://127.0.0.1:{kafka.port}/orders?cafile={authority_file}").look()
