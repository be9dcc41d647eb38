"""What taking orders from a queue costs: into the ledger, against the same consumer that takes them nowhere.

    python bench/micro/queues.py --messages 60000

A RabbitMQ (a quorum queue) and a Kafka (one partition) are started on loopback, as for the tests. Each is filled with
orders; then a consumer, as `laurels consume` has it, takes batches and confirms them. In turn it hands each
batch to the ledger before it is confirmed, reads the orders and keeps none, and does not look at them; the ratio is the
ledger's speed to that of the same consumer with the ledger's call left out, the second, the median over the rounds. On
a machine that others use too, the ratio of this process's processor time for a message is told beside it: it counts
what two processors did at the same time twice.
docs/decisions/0080-kafkas-share.md says what limits Kafka's.

The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

import aiokafka
import aiormq
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import kafka_server, rabbitmq_server

from laurels.engines.brokers.kafka import KafkaQueue
from laurels.engines.brokers.rabbitmq import RabbitQueue
from laurels.intake import MessageBatch, Queue, ReadBatch, ReceivedMessage, Taken, Taking
from laurels.settings import load
from laurels.wiring import Services, build
from laurels.workers import Consumer, share_interpreter

Fill = Callable[[str, Sequence[bytes]], Awaitable[None]]

LEAST = 0.75
"""The ledger may take a quarter of the time."""


def orders(prefix: str, count: int) -> list[bytes]:
    """Orders as a shop sends them, some 200 bytes each."""
    return [
        json.dumps(
            {
                "kind": "order",
                "order_id": f"{prefix}-{n}",
                "member_id": f"customer-{n % 5000}",
                "currency": "GBP",
                "channel": "web",
                "occurred_at": "2026-01-01T10:00:00Z",
                "total": f"{n % 90 + 5}.00",
            }
        ).encode()
        for n in range(count)
    ]


class Reading(Taking):
    """Reads messages as far as the ledger would be asked."""

    async def keep(self, batch: ReadBatch) -> Taken:  # noqa: ARG002 - as it is called
        """Keep none."""
        return Taken()


class Blind(Reading):
    """Does not look at messages."""

    def read(self, messages: Sequence[ReceivedMessage]) -> ReadBatch:  # noqa: ARG002 - as it is called
        """Read none."""
        return ReadBatch([], [], [])


TAKING: dict[str, type[Taking]] = {"nowhere": Blind, "read": Reading, "ledger": Taking}
WAYS = tuple(TAKING)


class Speed(NamedTuple):
    """Messages a second, and microseconds of this process's processor time for each."""

    messages: float
    cpu_us: float


class Counted:
    """A queue that counts what is done."""

    def __init__(self, queue: Queue) -> None:
        self.name = queue.name
        self.count = 0
        self._queue = queue
        self.look, self.receive, self.close = queue.look, queue.receive, queue.close
        self.pause, self.resume = queue.pause, queue.resume

    async def done(self, batch: MessageBatch) -> None:
        """Count it."""
        await self._queue.done(batch)
        self.count += len(batch.messages)


async def read_all(queue: Queue, count: int, taking: Taking) -> Speed:
    """How fast a queue is taken."""

    async def none_wait() -> int:
        return 0

    counted = Counted(queue)
    consumer, stop = Consumer(counted, taking, none_wait, count), asyncio.Event()
    while not counted.count:  # connects, and has the first ones
        await consumer.step(stop)
    first, begin, cpu = counted.count, perf_counter(), process_time()
    while counted.count < count:
        await consumer.step(stop)
    taken = counted.count - first
    return Speed(taken / (perf_counter() - begin), (process_time() - cpu) / taken * 1e6)


class Asked(NamedTuple):
    """How much is measured."""

    messages: int
    pairs: int


async def compare(
    name: str, services: Services, fill: Fill, open_: Callable[[str], Queue], asked: Asked
) -> tuple[float, float]:
    """The median ratios of an engine: by the clock, and by processor time."""
    ratios, cpu_ratios = [], []
    count = asked.messages
    for pair in range(asked.pairs):
        speeds: dict[str, Speed] = {}
        for way in WAYS[::-1] if pair % 2 else WAYS:
            place = f"{name}-{pair}-{way}"
            await fill(place, orders(place, count))
            queue = open_(place)
            taking = TAKING[way](services.intake, services.ledger, services.now, place)
            speeds[way] = await read_all(queue, count, taking)
            await queue.close()
        ledger, kept_none, nowhere = speeds["ledger"], speeds["read"], speeds["nowhere"]
        ratios.append(ledger.messages / kept_none.messages)
        cpu_ratios.append(kept_none.cpu_us / ledger.cpu_us)
        print(
            f"{name}: {ledger.messages:,.0f}/s into the ledger, {kept_none.messages:,.0f}/s read and not kept, "
            f"{nowhere.messages:,.0f}/s nowhere: {ratios[-1]:.0%}; processor time {ledger.cpu_us:.1f}, "
            f"{kept_none.cpu_us:.1f} and {nowhere.cpu_us:.1f} us: {cpu_ratios[-1]:.0%}",
            flush=True,
        )
    return median(ratios), median(cpu_ratios)


async def main(asked: Asked, which: Sequence[str]) -> None:
    """Measure what there is."""
    result: dict[str, tuple[float, float]] = {}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with build(load({"state": folder / "state"})) as services:
            if "rabbitmq" in which:
                (folder / "rabbitmq").mkdir()
                with rabbitmq_server.running(folder / "rabbitmq") as rabbitmq:

                    async def fill_rabbitmq(place: str, bodies: Sequence[bytes]) -> None:
                        connection = await aiormq.connect(rabbitmq.url())
                        channel = await connection.channel()
                        await channel.queue_declare(place, durable=True, arguments={"x-queue-type": "quorum"})
                        properties = aiormq.spec.Basic.Properties(delivery_mode=2)
                        for start in range(0, len(bodies), 1000):
                            await asyncio.gather(
                                *(
                                    channel.basic_publish(body, routing_key=place, properties=properties)
                                    for body in bodies[start : start + 1000]
                                )
                            )
                        await connection.close()

                    result["rabbitmq"] = await compare(
                        "rabbitmq", services, fill_rabbitmq, lambda place: RabbitQueue(rabbitmq.url(place)), asked
                    )
            if "kafka" in which:
                (folder / "kafka").mkdir()
                with kafka_server.running(folder / "kafka") as kafka:

                    async def fill_kafka(place: str, bodies: Sequence[bytes]) -> None:
                        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
                        await admin.start()
                        await admin.create_topics([NewTopic(place, num_partitions=1, replication_factor=1)])
                        await admin.close()
                        async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
                            for body in bodies:
                                await producer.send(place, body)
                            await producer.flush()

                    result["kafka"] = await compare(
                        "kafka", services, fill_kafka, lambda place: KafkaQueue(kafka.url(place, place)), asked
                    )
    for name, (ratio, cpu_ratio) in result.items():
        print(f"{name}: {ratio:.0%} of the speed without the ledger, bound {LEAST:.0%}; processor time {cpu_ratio:.0%}")
    print(json.dumps({name: [round(each, 3) for each in ratios] for name, ratios in result.items()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", choices=["rabbitmq", "kafka"])
    options = parser.parse_args()
    only = [options.only] if options.only else ["rabbitmq", "kafka"]
    share_interpreter()
    asyncio.run(main(Asked(options.messages, options.pairs), only))
