"""What it takes to rebuild a native board from a PostgreSQL ledger, beside a bare COPY of the same members to nowhere.

    python bench/micro/postgres_rebuild.py [--members 10000000] [--entries 0] [--pairs 3]
                                           [--programs /usr/lib/postgresql/15/bin]
    python bench/micro/postgres_rebuild.py --members 1000000 --entries 2000000 20000000    # the same time for both

A rebuild begins at a checkpoint of totals: it costs by members, whatever the feed's length, which `--entries` shows.
The ledger is made up by the server itself, rows of the right shape under ids that lead to their shards; its hashes are
none, since a rebuild reads only the last of each shard. COPY reads, in one transaction, what the rebuild reads, in
binary over the same socket, and throws it away. Both take turns; the median of the ratios counts. 10 million members
take 4 GB in the temporary directory, and 20 million entries 4 GB more. The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, strftime
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import PostgresServer, running

from laurels.dashboard import ProxyNames
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.engines.native import NativeLeaderboard
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.codes import SHARDS
from laurels.leaderboard import ALL_TIME, Boards, Projector
from laurels.program import DEFAULT_PROGRAM, parse_program

_SHARD = "get_byte(sha256(convert_to('customer-' || n, 'UTF8')), 0) % 16"
_MEMBERS = f"""
INSERT INTO member (shard, number, name_number, enrolled_at, position, member_id)
SELECT {_SHARD}, n, n, 1790000000000000, n + 1, 'customer-' || n FROM generate_series($1::int, $2::int) AS n
"""  # noqa: S608 - constants of our own
_BALANCES = f"""
INSERT INTO balance (shard, member, balance, earned, score, month, month_score, before_score, last_position)
SELECT {_SHARD}, n, 1 + n % 997, 1 + n % 997, 1 + n % 997, 202609, 1 + n % 97, 0, n + 1
FROM generate_series($1::int, $2::int) AS n
"""  # noqa: S608 - constants of our own
_ENTRIES = """
INSERT INTO entry_{shard}_0
       (shard, format, position, previous, kind, member, points, occurred_at, board_at, recorded_at, hash)
SELECT {shard}, 2, n, 0, 'e', (16 * n + {shard}) % $2::int, 1, 1790000000000000, 1790000000000000, 1790000000000000 + n,
       int8send(n) || int8send(n) FROM generate_series(1, $1::bigint) AS n
"""
_COPIED = """
SELECT m.number, m.member_id, m.name_number, m.hidden, m.merged_into, coalesce(b.score, 0), coalesce(b.month, 0),
       coalesce(b.month_score, 0), coalesce(b.before_score, 0)
FROM member m LEFT JOIN balance b ON b.shard = m.shard AND b.member = m.number WHERE m.position IS NOT NULL
"""
AT_ONCE = 500_000


async def make(bare: "asyncpg.Connection[Any]", statement: str, until: int) -> None:
    """Let the server make up rows, so many a statement."""
    for start in range(0, until, AT_ONCE):
        await bare.execute(statement, start, min(start + AT_ONCE, until) - 1)


async def make_entries(url: str, shards: range, entries: int, members: int) -> None:
    """The feeds of some shards anew, up to a length: rows of a table that the same transaction emptied go into no log,
    and the triggers that keep entries from that are this session's own to leave out.
    """
    bare = await asyncpg.connect(url, command_timeout=3600, server_settings={"session_replication_role": "replica"})
    try:
        for shard in shards:
            async with bare.transaction():
                await bare.execute(f"TRUNCATE entry_{shard}_0")
                await bare.execute(_ENTRIES.format(shard=shard), entries // SHARDS, members)
    finally:
        bare.terminate()


async def copied(bare: "asyncpg.Connection[Any]") -> float:
    """Seconds for a bare COPY to nowhere."""

    async def nowhere(_: bytes) -> None:
        """Throw it away."""

    began = perf_counter()
    await bare.copy_from_query(_COPIED, output=nowhere, format="binary")
    return perf_counter() - began


async def rebuilt(ledger: PostgresLedger, folder: Path, members: int) -> float:
    """Seconds for a rebuild, into a folder that has no board yet."""
    program = parse_program(DEFAULT_PROGRAM)
    board = NativeLeaderboard(folder / "board", ProxyNames(PUBLISHED_KEY))
    try:
        began = perf_counter()
        await Projector(ledger, board, Boards(program.zone), program.time_zone).rebuild()
        took = perf_counter() - began
        assert (await board.read(ALL_TIME, None, top=1, around=0)).ranked == members
    finally:
        await board.close()
        shutil.rmtree(folder / "board")
    return took


async def measure(server: PostgresServer, folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Pairs at each length of the feed."""
    url = server.url("bench")
    await (await PostgresLedger.open(url)).close()
    bare = await asyncpg.connect(url, command_timeout=3600)
    members, found = asked.members, {}
    try:
        for statement in (_MEMBERS, _BALANCES):
            await make(bare, statement, members)
        await bare.execute("VACUUM ANALYZE member, balance")
        for entries in asked.entries:
            began = perf_counter()
            halves = (range(SHARDS // 2), range(SHARDS // 2, SHARDS))
            await asyncio.gather(*(make_entries(url, half, entries, members) for half in halves))
            await bare.execute("ANALYZE entry")
            await bare.execute("CHECKPOINT")  # else the first reads write out what was made
            print(f"{entries:,} entries were made in {perf_counter() - began:.1f} s", flush=True)
            ledger = await PostgresLedger.open(url)
            ratios, took = [], []
            for pair in range(asked.pairs):
                copying, rebuilding = await copied(bare), await rebuilt(ledger, folder, members)
                took.append(rebuilding)
                ratios.append(rebuilding / copying)
                print(f"{entries:,} entries, pair {pair}: COPY {copying:.1f} s, rebuild {rebuilding:.1f} s", flush=True)
            await ledger.close()
            found |= {f"rebuild_s_{entries}": median(took), f"ratio_{entries}": median(ratios)}
            print(
                f"{members:,} members, {entries:,} entries: {median(took):.1f} s, {median(ratios):.2f} times the COPY"
            )
    finally:
        bare.terminate()
    return found


def main() -> None:
    """Measure, and say on what."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=10_000_000)
    parser.add_argument("--entries", type=int, nargs="+", default=[0], help="lengths of the feed, rising")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    asked = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {strftime('%Y-%m-%d')}")
    settings = {"shared_buffers": "1GB", "max_wal_size": "1GB", "autovacuum": "off"}  # it would come in the middle
    with (
        tempfile.TemporaryDirectory() as folder,
        running(asked.programs, **settings, wal_level="minimal", max_wal_senders="0") as server,
    ):
        print(f"PostgreSQL {server.sql('SHOW server_version')}, {asked.members:,} members")
        server.sql("CREATE DATABASE bench")
        found = asyncio.run(measure(server, Path(folder), asked))
    print(json.dumps({"bench": "postgres_rebuild", "members": asked.members, **found}))


if __name__ == "__main__":
    main()
