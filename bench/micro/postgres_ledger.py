"""The ledger on a PostgreSQL server, beside the bare statements that its rows need at least.

    python bench/micro/postgres_ledger.py [--orders 10000] [--pairs 5] [--programs /usr/lib/postgresql/15/bin]

It makes a server of its own, with fsync, in the temporary directory, and takes it away again. Ratios are of pairs in
one run, in turns; the median counts. Processor time is that of the server's processes (`/proc`). What the bare
statements do is in `postgres_bare.py`. The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, strftime
from typing import Any, NamedTuple

import asyncpg
from postgres_bare import BATCH, BareTables

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import PostgresServer, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.model import Document, Order
from laurels.model.documents import Adjustment
from laurels.program import DEFAULT_PROGRAM, parse_program

MEMBERS = 20_000
WAITING = 200
"""Settles that wait at a time."""

SETTLES = 1000


def orders(round_: int, count: int) -> list[Document]:
    """Orders of one round, with ids that count up."""
    return [
        Order(
            source="shop",
            order_id=f"{round_}-{n:08}",
            member_id=f"m{n * 7919 % MEMBERS}",
            currency="GBP",
            total=1000 + n % 9000,
        ).document()
        for n in range(count)
    ]


class Spent(NamedTuple):
    """Seconds: of the server's processors, of the processor here, and of the clock."""

    server: float
    client: float
    clock: float


class Bench:
    """A ledger on a server, and a connection for bare statements."""

    def __init__(
        self, server: PostgresServer, ledger: PostgresLedger, bare: "asyncpg.Connection[Any]", asked: Any
    ) -> None:
        self.server, self.ledger, self.bare = server, ledger, bare
        self.count, self.pairs = asked.orders, asked.pairs
        self.awarder: Awarder

    async def run(self) -> None:
        """Measure all, and print it."""
        self.figures: dict[str, float] = {}
        self.awarder = Awarder(self.ledger, await publish(self.ledger, parse_program(DEFAULT_PROGRAM)))
        await self.take_in(0)  # everybody is enrolled, and the caches are warm
        await self.awarder.drain()
        await self.beside_bare_statements()
        await self.settling()
        print(json.dumps({"orders": self.count, "pairs": self.pairs, **self.figures}))

    async def take_in(self, round_: int) -> None:
        """Accept a round of orders, batch by batch."""
        documents = orders(round_, self.count)
        for start in range(0, len(documents), BATCH):
            await self.ledger.accept(documents[start : start + BATCH])

    async def beside_bare_statements(self) -> None:
        """Accepting and awarding, and bare statements that write the same rows in the same batches."""
        bare = BareTables(self.bare)
        await bare.make()
        pairs: list[dict[str, float]] = []
        for round_ in range(1, self.pairs + 1):
            accepting = await self.spent(partial(self.take_in, round_))
            two = await bare.accepted()
            one_table = await self.spent(partial(bare.insert, "bare", two))
            parted = await self.spent(partial(bare.insert, "parted", two))
            awarding = await self.spent(self.awarder.drain)
            written = await bare.awarded()
            statement = await self.spent(partial(bare.insert, "bare", written))
            del written["balance"]
            inserts = await self.spent(partial(bare.insert, "lean", written))
            pairs.append(
                {
                    "accept_server_time": accepting.server / one_table.server,
                    "accept_server_time_same_partitions": accepting.server / parted.server,
                    "award_rate": statement.clock / awarding.clock,
                    "award_rate_without_balances": inserts.clock / awarding.clock,
                    "award_processor_time": (statement.server + statement.client) / (awarding.server + awarding.client),
                }
            )
            us = 1e6 / self.count
            print(
                f"pair {round_}, us of the server an order: accept {accepting.server * us:.1f}, the same two rows "
                f"{one_table.server * us:.1f}, into the same partitions {parted.server * us:.1f}; award "
                f"{awarding.server * us:.1f} and {awarding.client * us:.1f} of the worker, the bare statement "
                f"{statement.server * us:.1f} and {statement.client * us:.1f}; a second: award "
                f"{self.count / awarding.clock:,.0f}, the bare statement {self.count / statement.clock:,.0f}, without "
                f"balances {self.count / inserts.clock:,.0f}"
            )
        self.figures |= {name: median(pair[name] for pair in pairs) for name in pairs[0]}
        of = self.figures
        print(
            f"accept: {of['accept_server_time']:.2f} times the server's time of a bare INSERT of the same two rows, "
            f"{of['accept_server_time_same_partitions']:.2f} times into tables with the same partitions"
        )
        print(
            f"award, one worker: {of['award_rate']:.0%} of the rate of the bare statement of entries, awards "
            f"and balances; {of['award_processor_time']:.0%} by processor time; without balances "
            f"{of['award_rate_without_balances']:.0%}"
        )

    async def settling(self) -> None:
        """Adjustments, one after the other and many at a time."""
        ratios = []
        for pair in range(self.pairs):
            alone = await self.settles(f"one-{pair}", SETTLES // 10, 1)
            together = await self.settles(f"many-{pair}", SETTLES, WAITING)
            ratios.append(together / alone)
            print(f"settle: {alone:,.0f} a second one by one, {together:,.0f} with {WAITING} waiting")
        self.figures["settle_together"] = median(ratios)
        print(f"settle, {WAITING} waiting: {median(ratios):.1f} times as many as one by one")
        waiting = await self.settles("thousand", 4 * SETTLES, 1000)
        self.figures["settles_per_s"] = waiting
        print(f"settle, 1,000 waiting: {waiting:,.0f} a second, beside 12,000 at the peak of a national shop")

    async def settles(self, tag: str, count: int, waiting: int) -> float:
        """How many a second, with so many waiting at a time."""
        numbers = iter(range(count))

        async def one_by_one() -> None:
            for n in numbers:
                member = f"m{n * 7919 % MEMBERS}"
                given = Adjustment(id=f"{tag}-{n}", member_id=member, points=1, actor="bench", reason="bench")
                await self.awarder.settle(given.document())

        began = perf_counter()
        await asyncio.gather(*(one_by_one() for _ in range(waiting)))
        return count / (perf_counter() - began)

    async def spent(self, work: Callable[[], Awaitable[object]]) -> Spent:
        """Seconds of the server's processors, of this one's, and of the clock."""
        before, own, began = self.of_server(), process_time(), perf_counter()
        await work()
        took, own = perf_counter() - began, process_time() - own
        return Spent(self.of_server() - before, own, took)

    def of_server(self) -> float:
        """Seconds of processor time of the server's backends, those of the pools included."""
        pids = [int(each) for each in self.server.sql("SELECT pid FROM pg_stat_activity").split()]
        files = (Path(f"/proc/{pid}/schedstat") for pid in pids)  # in nanoseconds, where `stat` counts hundredths
        return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


async def measure(server: PostgresServer, asked: Any) -> None:
    """Open the ledger, and measure."""
    url = server.url("bench")
    ledger, bare = await PostgresLedger.open(url), await asyncpg.connect(url)
    try:
        await Bench(server, ledger, bare, asked).run()
    finally:
        bare.terminate()
        await ledger.close()


def main() -> None:
    """Measure, and say on what."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    asked = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {strftime('%Y-%m-%d')}")
    with running(asked.programs, shared_buffers="512MB", max_wal_size="4GB", checkpoint_timeout="30min") as server:
        print(f"PostgreSQL {server.sql('SHOW server_version')}, {asked.orders:,} orders a round in batches of {BATCH}")
        server.sql("CREATE DATABASE bench")
        asyncio.run(measure(server, asked))


if __name__ == "__main__":
    main()
