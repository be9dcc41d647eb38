"""The ledger on a PostgreSQL server, beside the bare statements that its rows need at least.

    python bench/micro/postgres_ledger.py [--orders 10000] [--pairs 5] [--programs /usr/lib/postgresql/15/bin]

It makes a server of its own, with fsync, in the temporary directory, and takes it away again. Ratios are of pairs in
one run, in turns; the median counts. Processor time is that of the server's processes (`/proc`). The bare statements
insert the same rows, through unnest and in the same batches, into tables of the same columns and keys, one table each.
The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter, strftime
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import Server, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.model import Document, Order
from laurels.model.documents import Adjustment
from laurels.program import DEFAULT_PROGRAM, parse_program

BATCH = 500
MEMBERS = 20_000
WAITING = 200
"""Settles that wait at a time."""

SETTLES = 1000

Row = tuple[Any, ...]


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


class Bench:
    """A ledger on a server, and a connection for bare statements."""

    def __init__(self, server: Server, ledger: PostgresLedger, bare: "asyncpg.Connection[Any]", asked: Any) -> None:
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
        """Accepting and awarding, and inserts of the same rows into tables of the same shape and keys."""
        accepted: list[float] = []
        awarded: list[float] = []
        for round_ in range(1, self.pairs + 1):
            accepting, _ = await self.spent(lambda round_=round_: self.take_in(round_))
            two = await self.rows_of("document", "inbox")
            bare, _ = await self.spent(lambda two=two: self.insert(two))
            accepted.append(accepting / bare)
            before = await self.bare.fetchval("SELECT coalesce(max(sequence), 0) FROM award")
            _, took = await self.spent(self.awarder.drain)
            written = await self.rows_of("entry", "award", where=f"sequence > {before}")
            _, bare_took = await self.spent(lambda written=written: self.insert(written))
            awarded.append(bare_took / took)
            of_server = (
                f"accept {accepting * 1e6 / self.count:.1f} us of the server, bare {bare * 1e6 / self.count:.1f}"
            )
            rates = f"award {self.count / took:,.0f} orders/s, bare {self.count / bare_took:,.0f}"
            print(f"pair {round_}: {of_server}; {rates}")
        self.figures |= {"accept_server_time": median(accepted), "award_rate": median(awarded)}
        print(f"accept: {median(accepted):.2f} times the server's time of a bare INSERT of the same two rows")
        print(f"award, one worker: {median(awarded):.0%} of the rate of the bare statement")

    async def rows_of(self, *tables: str, where: str = "true") -> dict[str, list[Row]]:
        """What was just written: the rows above those that the bare tables have already."""
        found = {}
        for table in tables:
            await self.bare.execute(f"CREATE TABLE IF NOT EXISTS bare_{table} (LIKE {table} INCLUDING INDEXES)")
            if table in {"document", "inbox"}:
                query = f"SELECT * FROM {table} WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM bare_{table})"  # noqa: S608 - names of our own
            elif table == "award":
                query = f"SELECT * FROM award WHERE {where}"  # noqa: S608 - names of our own
            else:
                query = f"SELECT e.* FROM entry e JOIN award a USING (shard, position) WHERE a.{where}"  # noqa: S608 - names of our own
            found[table] = [tuple(row) for row in await self.bare.fetch(query)]
        return found

    async def insert(self, rows: dict[str, list[Row]]) -> None:
        """Insert rows, so many of each table in a transaction."""
        types = {table: await self.types_of(table) for table in rows}
        longest = max(len(of_table) for of_table in rows.values())
        for start in range(0, longest, BATCH):
            async with self.bare.transaction():
                for table, of_table in rows.items():
                    await self.insert_chunk(table, types[table], of_table[start : start + BATCH])

    async def insert_chunk(self, table: str, types: list[str], rows: list[Row]) -> None:
        """Insert rows into one table with one statement."""
        if rows:
            flat = [at for at, type_ in enumerate(types) if not type_.endswith("[]")]
            names = await self.names_of(table)
            arguments = ", ".join(f"${n + 1}::{types[at]}[]" for n, at in enumerate(flat))
            columns = ", ".join(names[at] for at in flat)
            statement = f"INSERT INTO bare_{table} ({columns}) SELECT * FROM unnest({arguments})"  # noqa: S608 - names of our own
            await self.bare.execute(statement, *([row[at] for row in rows] for at in flat))

    async def types_of(self, table: str) -> list[str]:
        """A table's types, column by column."""
        return [row[0] for row in await self.bare.fetch(_COLUMNS.format("format_type(atttypid, atttypmod)"), table)]

    async def names_of(self, table: str) -> list[str]:
        """The names of its columns."""
        return [row[0] for row in await self.bare.fetch(_COLUMNS.format("attname"), table)]

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
        free = asyncio.Semaphore(waiting)

        async def one(n: int) -> None:
            async with free:
                member = f"m{n * 7919 % MEMBERS}"
                given = Adjustment(id=f"{tag}-{n}", member_id=member, points=1, actor="bench", reason="bench")
                await self.awarder.settle(given.document())

        began = perf_counter()
        await asyncio.gather(*(one(n) for n in range(count)))
        return count / (perf_counter() - began)

    async def spent(self, work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
        """Seconds of the server's processors, and of the clock."""
        before, began = self.of_server(), perf_counter()
        await work()
        took = perf_counter() - began
        return self.of_server() - before, took

    def of_server(self) -> float:
        """Seconds of processor time of the server's backends, those of the pools included."""
        pids = [int(each) for each in self.server.sql("SELECT pid FROM pg_stat_activity").split()]
        files = (Path(f"/proc/{pid}/schedstat") for pid in pids)  # in nanoseconds, where `stat` counts hundredths
        return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


_COLUMNS = (
    "SELECT {} FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


async def measure(server: Server, asked: Any) -> None:
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
