"""Two workers beside one on the same PostgreSQL ledger, each a process of its own.

    python bench/micro/postgres_workers.py [--orders 20000] [--pairs 5] [--programs /usr/lib/postgresql/15/bin]

Orders lie in the inbox; the workers have their shards before the clock starts, and it stops when the last of them finds
no more in its own. One worker and two take turns in one run; the median of the ratios counts. What the machine allows
is measured beside it: the bare statement of the same rows (`postgres_bare.py`) by one connection and by two, each a
process of its own. On a machine of two cores two of either share them with the server. The last line is JSON, for
bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter, strftime

import asyncpg
from postgres_bare import BareTables

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import Server, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.codes import SHARDS
from laurels.errors import LedgerUnavailable
from laurels.model import Order
from laurels.program import DEFAULT_PROGRAM, parse_program

BATCH = 500
MEMBERS = 20_000
RENEW_S = 0.3
"""How often a worker that waits for the start says that it is still there."""


async def work(url: str, of: int) -> None:
    """One of so many workers: says `ready` once it has its share of the shards, awards after the next line of standard
    input until nothing is left in them, and says how many it awarded.
    """
    ledger = await PostgresLedger.open(url)
    awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
    while len(await ledger.own()) != SHARDS // of:  # noqa: ASYNC110 - the others make it so
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    told = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while not told.done():
        await ledger.own()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(told), RENEW_S)
    awarded = 0
    while taken := await awarder.step():
        awarded += taken
    print(awarded, flush=True)
    await ledger.close()


async def write_bare(url: str, of: int, number: int, after: int) -> None:
    """The same of one of so many that write with bare statements what was awarded behind a document."""
    connection = await asyncpg.connect(url)
    try:
        bare = BareTables(connection, after=after)
        rows = await bare.awarded(of, number)
        print("ready", flush=True)
        sys.stdin.readline()
        await bare.insert("bare", rows)
        print(len(rows["award"]), flush=True)
    finally:
        connection.terminate()


async def rate(url: str, workers: int, orders: int, *, bare_after: int | None = None) -> float:
    """How many orders so many workers award a second; or how many so many connections write with bare statements."""
    what = ["--worker", url] if bare_after is None else ["--bare", url, "--after", str(bare_after)]
    commands = [[sys.executable, __file__, *what, "--of", str(workers), "--number", str(n)] for n in range(workers)]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    processes = [await asyncio.create_subprocess_exec(*command, **pipes) for command in commands]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    began = perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    counts = [int(await process.stdout.readline()) for process in processes if process.stdout is not None]
    took = perf_counter() - began
    for process in processes:
        await process.wait()
    assert sum(counts) == orders, f"{counts} of {orders} were awarded"
    return orders / took


async def take_in(ledger: PostgresLedger, round_: int, count: int) -> None:
    """Orders into the inbox."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(count, start + BATCH))
        await ledger.accept([order(round_, n).document() for n in numbers])


def order(round_: int, n: int) -> Order:
    """One of them."""
    member = f"m{n * 7919 % MEMBERS}"
    return Order(source="shop", order_id=f"{round_}-{n:08}", member_id=member, currency="GBP", total=1000 + n % 9000)


async def measure(server: Server, asked: argparse.Namespace) -> dict[str, float]:
    """Pairs of runs; the medians of their ratios."""
    url = server.url("bench")
    ledger, connection = await PostgresLedger.open(url), await asyncpg.connect(url)
    try:
        await take_in(ledger, 0, MEMBERS)  # everybody is enrolled
        await rate(url, 1, MEMBERS)
        await BareTables(connection).make()
        found: dict[str, list[float]] = {"two_workers": [], "two_connections": []}
        round_ = 0
        for pair in range(asked.pairs):
            rates, bare = {}, {}
            for workers in (1, 2) if pair % 2 == 0 else (2, 1):
                round_ += 1
                after = await connection.fetchval("SELECT coalesce(max(sequence), 0) FROM document")
                await take_in(ledger, round_, asked.orders)
                rates[workers] = await rate(url, workers, asked.orders)
                bare[workers] = await rate(url, workers, asked.orders, bare_after=after)
            found["two_workers"].append(rates[2] / rates[1])
            found["two_connections"].append(bare[2] / bare[1])
            print(
                f"pair {pair}: one worker {rates[1]:,.0f} orders/s, two {rates[2]:,.0f}: {rates[2] / rates[1]:.2f} "
                f"times; bare statements {bare[1]:,.0f} and {bare[2]:,.0f}: {bare[2] / bare[1]:.2f} times"
            )
        return {name: median(ratios) for name, ratios in found.items()}
    finally:
        connection.terminate()
        await ledger.close()


def main() -> None:
    """Measure, and say on what."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    parser.add_argument("--worker", metavar="URL", help="be one of the workers")
    parser.add_argument("--bare", metavar="URL", help="be one of those that write with bare statements")
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--after", type=int, default=0)
    asked = parser.parse_args()
    if asked.worker:
        with suppress(LedgerUnavailable):
            asyncio.run(work(asked.worker, asked.of))
        return
    if asked.bare:
        asyncio.run(write_bare(asked.bare, asked.of, asked.number, asked.after))
        return
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {strftime('%Y-%m-%d')}")
    with running(asked.programs, shared_buffers="512MB", max_wal_size="4GB", checkpoint_timeout="30min") as server:
        print(f"PostgreSQL {server.sql('SHOW server_version')}, {asked.orders:,} orders a run")
        server.sql("CREATE DATABASE bench")
        ratios = asyncio.run(measure(server, asked))
    two, bound = ratios["two_workers"], ratios["two_connections"]
    print(
        f"two workers award {two:.2f} times as many as one; with bare statements two connections write {bound:.2f} "
        "times as many as one"
    )
    print(json.dumps({"bench": "postgres_workers", "orders": asked.orders, **ratios}))


if __name__ == "__main__":
    main()
