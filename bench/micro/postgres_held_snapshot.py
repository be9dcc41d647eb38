"""Somebody's forgotten session holds an old snapshot, so that nothing is vacuumed: what that costs whom.

    python bench/micro/postgres_held_snapshot.py [--minutes 5] [--rate 1000] [--members 20000]
                                                 [--programs /usr/lib/postgresql/15/bin]

Orders come in at a steady rate and are awarded by another process, for so many minutes without the snapshot and then as
many with it. Printed for both are the 50th and the 99th percentile of a worker's claim of documents, of `heads`, which
boards poll, both as the statement's own time, and of `accept`, from when its batch was due; and how many pages a claim
reads (EXPLAIN BUFFERS, every ten seconds, in all shards): of the inbox, and for each document of members and their
totals, of which each update leaves an old version that stays; and how many the look before it reads, from where a
worker's floor is, which is what walks over dead rows. The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from time import monotonic, strftime
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import PostgresServer, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.awarding import LAG_S
from laurels.engines.postgres.reaching import PLANNED
from laurels.engines.postgres.statements import SQL, Statements
from laurels.model import Order
from laurels.program import DEFAULT_PROGRAM, parse_program

EVERY_S = 0.02
"""A batch of orders is due as often."""

WARM_S = 5.0
EXPLAINED_EVERY_S = 10.0
BATCH = 1000
"""What a claim would take."""

Took = list[tuple[float, float]]
"""When something began, and how many seconds it took."""


def timed(names: set[str]) -> dict[str, Took]:
    """From here on, how long each of these statements takes in this process."""
    took: dict[str, Took] = defaultdict(list)
    run = Statements.all

    async def measured(self: Statements, name: str, *arguments: Any) -> list[Any]:
        began = monotonic()
        rows = await run(self, name, *arguments)
        if name in names:
            took[name].append((began, monotonic() - began))
        return rows

    Statements.all = measured  # type: ignore[method-assign] # for a bench's process
    return took


async def work(url: str) -> None:
    """A worker, until standard input ends; what its claims took is its output."""
    took = timed({"claim"})
    ledger = await PostgresLedger.open(url)
    awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not ended.done():
        if not await awarder.step():
            await ledger.wait_for_work(0.2)
    await ledger.close()
    print(json.dumps(took["claim"]))


class Load:
    """Orders at a steady rate, and somebody who asks for the heads as boards do."""

    def __init__(self, ledger: PostgresLedger, rate: int, members: int) -> None:
        self._ledger, self._each, self._members = ledger, round(rate * EVERY_S), members
        self._number = 0
        self.accepts: Took = []

    async def go_on(self, seconds: float) -> None:
        """Load for so long."""
        began = monotonic()
        async with asyncio.TaskGroup() as tasks:
            for n in range(round(seconds / EVERY_S)):
                due = began + n * EVERY_S
                await asyncio.sleep(max(0.0, due - monotonic()))
                tasks.create_task(self._accept(due))
                tasks.create_task(self._heads())

    async def _accept(self, due: float) -> None:
        numbers = range(self._number, self._number + self._each)
        self._number += self._each
        await self._ledger.accept([order(n, self._members).document() for n in numbers])
        self.accepts.append((due, monotonic() - due))

    async def _heads(self) -> None:
        await self._ledger.heads()


def order(number: int, members: int) -> Order:
    """One of them."""
    member = f"m{number * 7919 % members}"
    return Order(source="shop", order_id=f"A{number:09}", member_id=member, currency="GBP", total=1000 + number % 9000)


class Pages:
    """How many pages claims read, at times."""

    def __init__(self, bare: "asyncpg.Connection[Any]", rate: int) -> None:
        self._bare, self._lag = bare, round(rate * LAG_S)
        self.rows: list[tuple[float, float, float, float]] = []
        """When, by a look, by a claim of the inbox, and of members and totals for each document."""

    async def look_on(self) -> None:
        """Look every now and then, until cancelled."""
        while True:
            await asyncio.sleep(EXPLAINED_EVERY_S)
            floor = int(await self._bare.fetchval("SELECT last_value FROM document_sequence")) - self._lag
            self.rows.append((monotonic(), *await self.read_from(floor)))

    async def read_from(self, floor: int) -> tuple[float, float, float]:
        """The mean of all shards: by a look, by a claim of the inbox, and for each document."""
        look = inbox = others = documents = 0
        for shard in range(16):
            asked = [shard], [floor], [0]
            look += sum(pages for table, pages in _read(await self._plan("look_for_work", *asked)) if _is_inbox(table))
            first = (await self._bare.fetch(SQL["look_for_work"], *asked))[0][2]
            if first is None:
                continue
            plan = await self._plan("claim", shard, BATCH, first - 1, 0)
            documents += plan["Actual Rows"]
            for table, pages in _read(plan):
                if _is_inbox(table):
                    inbox += pages
                elif table.startswith(("member_", "balance_")):
                    others += pages
        return look / 16, inbox / 16, others / max(1, documents)

    async def _plan(self, name: str, *arguments: object) -> dict[str, Any]:
        async with undone(self._bare):
            explained = await self._bare.fetchval("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + SQL[name], *arguments)
        plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
        return plan

    def thirds(self, began: float, ended: float) -> dict[str, float]:
        """The means of the first third of a time and of the last."""
        rows = [row for row in self.rows if began <= row[0] < ended]
        third = max(1, len(rows) // 3)
        return {
            f"{name}_pages_{when}": fmean(row[column] for row in part)
            for column, name in enumerate(("look", "inbox", "document"), 1)
            for when, part in (("first", rows[:third]), ("last", rows[-third:]))
        }


def _is_inbox(table: str) -> bool:
    return table.startswith("inbox_")


def _read(step: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The pages that the scans of a plan read, each with its table."""
    below = step.get("Plans", [])
    if step["Node Type"] == "Bitmap Heap Scan":  # with those of the index
        below = []
    if table := step.get("Relation Name"):
        yield table, step["Shared Hit Blocks"] + step["Shared Read Blocks"]
    for each in below:
        yield from _read(each)


class undone:  # noqa: N801 - read as a word
    """A transaction that is rolled back."""

    def __init__(self, bare: "asyncpg.Connection[Any]") -> None:
        self._transaction = bare.transaction()

    async def __aenter__(self) -> None:
        await self._transaction.start()

    async def __aexit__(self, *_: object) -> None:
        await self._transaction.rollback()


async def measure(server: PostgresServer, asked: argparse.Namespace) -> dict[str, float]:
    """Load without the snapshot and with it."""
    url = server.url("bench")
    took = timed({"heads"})
    ledger = await PostgresLedger.open(url)
    # Planned as on a worker's connection.
    bare, holding = await asyncpg.connect(url, server_settings=PLANNED), await asyncpg.connect(url)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--worker", url, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**30
    )
    load, pages = Load(ledger, asked.rate, asked.members), Pages(bare, asked.rate)
    seconds = 60 * asked.minutes
    figures: dict[str, float] = {}
    try:
        await load.go_on(WARM_S + asked.members / asked.rate)  # everybody is enrolled
        begun = {"before": monotonic()}
        await beside_looks(load, seconds, pages)
        await holding.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await holding.fetchval("SELECT count(*) FROM ledger")
        begun["held"] = monotonic()
        await beside_looks(load, seconds, pages)
        ended = monotonic()
        for phase, until in (("before", begun["held"]), ("held", ended)):
            figures |= {f"{phase}_{name}": figure for name, figure in pages.thirds(begun[phase], until).items()}
        figures["held_look_pages_without_floor"] = (await pages.read_from(0))[0]
        figures["inbox_depth_at_end"] = await ledger.inbox_depth()
    finally:
        claims, _ = await worker.communicate(b"")  # ends its input
        for connection in (bare, holding):
            connection.terminate()
        await ledger.close()
    of_all = {"claim": json.loads(claims), "heads": took["heads"], "accept": load.accepts}
    for name, spans in of_all.items():
        figures |= beside(name, spans, begun, ended)
    return figures


async def beside_looks(load: Load, seconds: float, pages: Pages) -> None:
    """Load for so long, while somebody looks at pages."""
    looks = asyncio.create_task(pages.look_on())
    await load.go_on(seconds)
    looks.cancel()
    await asyncio.wait([looks])


def beside(name: str, spans: Took, begun: dict[str, float], ended: float) -> dict[str, float]:
    """The percentiles of both phases, and of the 99th how many times as much it is while the snapshot is held."""
    phases = {
        "before": sorted(took for at, took in spans if begun["before"] <= at < begun["held"]),
        "held": sorted(took for at, took in spans if begun["held"] <= at < ended),
    }
    found = {
        f"{phase}_{name}_p{percent}_ms": took[min(len(took) - 1, len(took) * percent // 100)] * 1e3
        for phase, took in phases.items()
        for percent in (50, 99)
    }
    found[f"{name}_p99_ratio"] = found[f"held_{name}_p99_ms"] / found[f"before_{name}_p99_ms"]
    print(
        f"{name:8} before p50 {found[f'before_{name}_p50_ms']:.2f} ms, p99 {found[f'before_{name}_p99_ms']:.2f}; "
        f"held p50 {found[f'held_{name}_p50_ms']:.2f}, p99 {found[f'held_{name}_p99_ms']:.2f}: "
        f"{found[f'{name}_p99_ratio']:.2f} times; {len(phases['before']):,} and {len(phases['held']):,} of them"
    )
    return found


def main() -> None:
    """Measure, and say on what."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=int, default=1000, help="orders a second")
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    parser.add_argument("--worker", metavar="URL", help="be the worker beside the load")
    asked = parser.parse_args()
    if asked.worker:
        asyncio.run(work(asked.worker))
        return
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {strftime('%Y-%m-%d')}")
    with running(asked.programs, shared_buffers="512MB", max_wal_size="8GB", checkpoint_timeout="30min") as server:
        print(
            f"PostgreSQL {server.sql('SHOW server_version')}, {asked.rate:,} orders/s, {asked.minutes:g} minutes each"
        )
        server.sql("CREATE DATABASE bench")
        figures = asyncio.run(measure(server, asked))
    for phase in ("before", "held"):
        first, last = (
            [figures[f"{phase}_{name}_pages_{when}"] for name in ("inbox", "look", "document")]
            for when in ("first", "last")
        )
        print(
            f"{phase}: pages read in the first third and the last: by a claim of the inbox {first[0]:.1f}, "
            f"{last[0]:.1f}; by the look before it {first[1]:.1f}, {last[1]:.1f}; of members and totals for each "
            f"document {first[2]:.1f}, {last[2]:.1f}"
        )
    print(f"a look without a floor: {figures['held_look_pages_without_floor']:.0f}")
    print(json.dumps({"bench": "postgres_held_snapshot", "rate": asked.rate, "minutes": asked.minutes, **figures}))


if __name__ == "__main__":
    main()
