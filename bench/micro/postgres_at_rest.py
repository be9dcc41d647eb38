"""What an order on PostgreSQL leaves on the disk and in the server's log, by table.

    python bench/micro/postgres_at_rest.py [--orders 20000] [--programs /usr/lib/postgresql/15/bin]

It makes a server of its own in the temporary directory. A first round enrols everybody, a checkpoint follows, and what
is measured is the second round. Pages are written whole into the log once after a checkpoint: here by the few orders of
a round, on a busy server by all between two checkpoints, so they are told apart. The last line is JSON, for
bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from time import strftime
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import PostgresServer, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.model import Order
from laurels.program import DEFAULT_PROGRAM, parse_program

BATCH = 500
MEMBERS = 20_000
PAGES = "pages written whole"
COMMITS = "commits and what is of no table"

_TABLE = "regexp_replace(coalesce(i.relname, t.relname, c.relname), '(_[0-9]+)+$', '')"
_OWNERS = """
FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid LEFT JOIN pg_class i ON i.oid = x.indrelid
LEFT JOIN pg_class t ON t.reltoastrelid = c.oid WHERE c.relkind IN ('r', 'i', 't', 'S')
"""
_END_OF_LOG = "SELECT pg_current_wal_lsn()::text"
_SIZES = f"SELECT {_TABLE}, sum(pg_relation_size(c.oid))::bigint {_OWNERS} AND c.oid >= 16384 GROUP BY 1"
_FILES = f"SELECT pg_relation_filenode(c.oid)::bigint, {_TABLE} {_OWNERS}"


async def measure(server: PostgresServer, count: int) -> None:
    """Take two rounds in, and look at what the second one left."""
    url = server.url("bench")
    ledger, bare = await PostgresLedger.open(url), await asyncpg.connect(url)
    try:
        awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
        await take_in(ledger, awarder, 0, count)
        await bare.execute("CHECKPOINT")
        before, sizes = await bare.fetchval(_END_OF_LOG), await sizes_of(bare)
        await take_in(ledger, awarder, 1, count)
        after, grown = await bare.fetchval(_END_OF_LOG), await sizes_of(bare)
        names = {row[0]: row[1] for row in await bare.fetch(_FILES)}
        logged = by_table(await walked(server, before, after), names)
    finally:
        bare.terminate()
        await ledger.close()
    show({name: size - sizes[name] for name, size in grown.items()}, logged, count)


async def take_in(ledger: PostgresLedger, awarder: Awarder, round_: int, count: int) -> None:
    """Accept and award a round of orders, whose ids count up."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(count, start + BATCH))
        await ledger.accept([order(round_, n).document() for n in numbers])
        await awarder.drain()


def order(round_: int, n: int) -> Order:
    """One of them."""
    member = f"m{n * 7919 % MEMBERS}"
    return Order(source="shop", order_id=f"{round_}-{n:08}", member_id=member, currency="GBP", total=1000 + n % 9000)


async def sizes_of(bare: "asyncpg.Connection[Any]") -> Counter[str]:
    """Bytes of each table, with its indexes and partitions."""
    return Counter({row[0]: row[1] for row in await bare.fetch(_SIZES)})


async def walked(server: PostgresServer, before: str, after: str) -> list[str]:
    """The records of the log between two places."""
    where = ["-p", str(server.folder / "data" / "pg_wal"), "-s", before, "-e", after]
    program = await asyncio.create_subprocess_exec(
        str(server.programs / "pg_waldump"), *where, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await program.communicate()
    return out.decode().splitlines()


def by_table(lines: Iterable[str], names: dict[int, str]) -> Counter[str]:
    """Bytes of the log by table, indexes included."""
    logged: Counter[str] = Counter()
    for line in lines:
        sizes = re.search(r"len \(rec/tot\):\s*(\d+)/\s*(\d+)", line)
        if sizes is None:
            continue
        file = re.search(r"rel \d+/\d+/(\d+)", line)
        record, total = map(int, sizes.groups())
        if "FPW" in line:
            logged[PAGES] += total - record
        logged[COMMITS if file is None else names.get(int(file[1]), "the server's own")] += (
            record if "FPW" in line else total
        )
    return logged


def show(rest: dict[str, int], logged: Counter[str], count: int) -> None:
    """Print a table of it."""
    print("| table | bytes at rest an order | bytes of the log an order |\n|---|---:|---:|")
    for name in sorted({*rest, *logged}, key=lambda name: -logged[name]):
        at_rest, log = rest.get(name, 0) / count, logged[name] / count
        if at_rest >= 1 or log >= 1:
            print(f"| {name} | {at_rest:,.0f} | {log:,.0f} |")
    at_rest, log = sum(rest.values()) / count, sum(logged.values()) / count
    print(f"| together | {at_rest:,.0f} | {log:,.0f} |")
    print(json.dumps({"orders": count, "bytes_at_rest": at_rest, "log_bytes": log, "pages": logged[PAGES] / count}))


def main() -> None:
    """Measure, and say on what."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    asked = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {strftime('%Y-%m-%d')}")
    with running(asked.programs, shared_buffers="512MB", max_wal_size="4GB", checkpoint_timeout="30min") as server:
        print(f"PostgreSQL {server.sql('SHOW server_version')}, {asked.orders:,} orders in batches of {BATCH}")
        server.sql("CREATE DATABASE bench")
        asyncio.run(measure(server, asked.orders))


if __name__ == "__main__":
    main()
