"""What publishing events to RabbitMQ costs: the sink that `laurels publish` has, into a quorum queue.

    python bench/micro/events_to_rabbitmq.py --events 20000

A RabbitMQ is started on loopback, as for the tests. Events go out 500 at once, each confirmed by the broker: of as many
members, which wait for nobody, and of one member, each of whose events waits for the one before. Told are events a
second, which mean something on a machine at rest alone, and this process's processor time for an event.

The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import aiormq

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import rabbitmq_server

from laurels.engines.brokers.rabbitmq_events import RabbitSink
from laurels.events import Event

QUEUE = "points"
AT = "2026-01-01T10:00:00Z"


def events(count: int, members: int) -> list[Event]:
    """Earn entries of so many members, in turns."""
    return [
        Event(
            id=f"0-{n}",
            epoch=1,
            kind="earn",
            member_id=f"customer-{n % members}",
            points=3,
            source="shop",
            order_id=f"A{n}",
            program_version=1,
            occurred_at=AT,
            recorded_at=AT,
        )
        for n in range(count)
    ]


async def measure(url: str, count: int) -> dict[str, dict[str, int]]:
    """Publish by one sink, to one queue."""
    connection = await aiormq.connect(url)
    channel = await connection.channel()
    await channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    sink = RabbitSink(f"{url}?queue={QUEUE}")
    await sink.send(events(1, 1))  # which connects
    told = {}
    for name, members, some in (("many members", count, count), ("one member", 1, max(1, count // 10))):
        out = events(some, members)
        cpu, began = process_time(), perf_counter()
        for at in range(0, some, sink.at_once):
            await sink.send(out[at : at + sink.at_once])
        took_s, cpu_s = perf_counter() - began, process_time() - cpu
        told[name] = {"events_per_s": round(some / took_s), "cpu_us": round(1e6 * cpu_s / some)}
        print(f"{name}: {told[name]['events_per_s']:,} events/s, {told[name]['cpu_us']} us of processor time each")
    await sink.close()
    await connection.close()
    return told


def main() -> None:
    """Start a broker, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="laurels-bench-") as folder, rabbitmq_server.running(Path(folder)) as server:
        print(json.dumps(asyncio.run(measure(server.url(), asked.events))))


if __name__ == "__main__":
    main()
