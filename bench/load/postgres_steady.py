"""A shop on PostgreSQL at the mean load of a national shop, for minutes, and whether anything grows.

    python bench/load/postgres_steady.py [--minutes 10] [--rate 1157] [--reads 2000] [--members 50000]
                                         [--programs /usr/lib/postgresql/15/bin]

It starts a PostgreSQL server in the temporary directory, with its settings as the how-to advises them, and `laurels
serve` over it with all of its roles. Nine tenths of the transactions are settled while their caller waits (`POST
/loyalty/{id}`), the rest are orders; dashboards are read meanwhile. All are sent when they are due, whatever the
answers take, and latencies count from then. Every ten seconds it prints how they were, and of the ledger: how old the
oldest document in the inbox is, how long ago the board was known to be at the feed's end, dead rows, the share of HOT
among the updates of balances, and the memory of Laurels' processes and of the server. In the end the last third is set
beside the first. The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from threading import Thread
from time import perf_counter
from urllib.request import urlopen

import asyncpg
import httpx
import msgspec
import uvloop
from load import Outcome, open_loop
from prepare import order_request, read_request

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import PostgresServer, running

from laurels.http.admission.tokens import sign_token
from laurels.model import Order
from laurels.settings import LedgerSettings, Settings
from laurels.wiring import build
from laurels.workbench.bench.circumstances import circumstances

WINDOW_S = 10.0
CONNECTIONS = 64
SETTLED = 0.9
"""The share of the transactions that is settled at once."""

TOKEN_TTL_S = 6 * 3600
BATCH = 5_000
READERS = 2_000
"""Members who look at their dashboards."""

Row = dict[str, float]
Requests = Iterator[bytes]

_UPDATES = """
SELECT sum(n_tup_upd)::float8, sum(n_tup_hot_upd)::float8, sum(n_dead_tup)::float8,
       (SELECT coalesce(sum(n_dead_tup), 0)::float8 FROM pg_stat_user_tables WHERE relname ~ '^inbox')
FROM pg_stat_user_tables WHERE relname ~ '^balance'
"""


class Shop:
    """What is asked of the shop."""

    def __init__(self, settings: Settings, members: Sequence[str]) -> None:
        self._members, self._rng = members, Random(4711)
        self._numbers = itertools.count(1)
        self._clerk = sign_token(settings, subject="clerk", scope="points:adjust orders:write", ttl_s=TOKEN_TTL_S)
        tokens = {name: sign_token(settings, subject=name, scope=None, ttl_s=TOKEN_TTL_S) for name in members[:READERS]}
        self.reads: Requests = itertools.cycle([read_request(*each) for each in tokens.items()])

    def settles(self) -> Requests:
        """Corrections by one point, each with a key of its own."""
        body = b'{"loyalty-points":1,"reason":"bench"}'
        for number in self._numbers:
            yield (
                f"POST /loyalty/{self._rng.choice(self._members)} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
                f"Authorization: Bearer {self._clerk}\r\nIdempotency-Key: S{number:09}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body

    def orders(self) -> Requests:
        """Orders."""
        for number in self._numbers:
            yield order_request(f"O{number:09}", self._rng.choice(self._members), self._clerk)


class Watch:
    """Looks at the ledger, the board, the server and the processes."""

    def __init__(self, port: int, bare: "asyncpg.Connection[asyncpg.Record]", trees: dict[str, int]) -> None:
        self._port, self._bare, self._trees = port, bare, trees
        self._updates = (0.0, 0.0)

    async def look(self) -> Row:
        """How it is now; the share of HOT since the last look."""
        metrics = await asyncio.to_thread(self._metrics)
        updated, hot, dead_balances, dead_inbox = await self._bare.fetchrow(_UPDATES)  # type: ignore[misc]
        before, self._updates = self._updates, (updated, hot)
        share = (hot - before[1]) / (updated - before[0]) * 100 if updated > before[0] else 100.0
        memory = {f"{name}_mb": _memory_mb(pid) for name, pid in self._trees.items()}
        return {
            "inbox_age_s": metrics["laurels_inbox_age_seconds"],
            "feed_lag_s": metrics.get("laurels_feed_lag_seconds", 0.0),  # not told before the board was once
            "dead_balances": dead_balances,
            "dead_inbox": dead_inbox,
            "hot_percent": share,
            **memory,
        }

    def _metrics(self) -> dict[str, float]:
        with urlopen(f"http://127.0.0.1:{self._port}/metrics") as answer:
            return {
                name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", answer.read().decode(), re.MULTILINE)
            }


async def steady(port: int, shop: Shop, watch: Watch, arguments: argparse.Namespace) -> list[Row]:
    """Window after window of the load."""
    settles, orders = shop.settles(), shop.orders()
    rates = {"read": arguments.reads, "settle": round(arguments.rate * SETTLED), "order": round(arguments.rate * 0.1)}
    asked = {"read": shop.reads, "settle": settles, "order": orders}
    await watch.look()
    rows: list[Row] = []
    began = perf_counter()
    while perf_counter() - began < 60 * arguments.minutes:
        outcomes = await asyncio.gather(
            *(
                open_loop(port, asked[name], rate=rate, connections=CONNECTIONS, seconds=WINDOW_S)
                for name, rate in rates.items()
            )
        )
        row = {"second": perf_counter() - began}
        for name, outcome in zip(rates, outcomes, strict=True):
            row |= _figures(name, outcome)
        rows.append(row | await watch.look())
        print("  ".join(f"{name} {value:,.1f}" for name, value in rows[-1].items()), flush=True)
    return rows


def _figures(name: str, outcome: Outcome) -> Row:
    refused = {status: count for status, count in outcome.statuses.items() if status not in {200, 201, 202}}
    assert not refused, f"answers of {name} that are none: {refused}"
    return {
        f"{name}_per_s": outcome.answers / outcome.seconds,
        f"{name}_p50_ms": outcome.percentile_ms(50),
        f"{name}_p99_ms": outcome.percentile_ms(99),
    }


def _memory_mb(pid: int) -> float:
    """What a process and all below it have to themselves, and their share of what they have together."""
    total, waiting = 0, [pid]
    while waiting:
        each = Path("/proc") / str(waiting.pop())
        try:
            total += int(re.search(r"^Pss:\s+(\d+)", (each / "smaps_rollup").read_text(), re.MULTILINE)[1])  # type: ignore[index]
            waiting += map(int, (each / "task" / each.name / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
    return total / 1024


async def enrol(settings: Settings, members: Sequence[str]) -> None:
    """Everybody has points before the load begins."""
    async with build(settings) as services:
        for start in range(0, len(members), BATCH):
            orders = [
                (Order(source="shop", order_id=f"A-{name}", member_id=name, currency="GBP", total=1000), b"")
                for name in members[start : start + BATCH]
            ]
            await services.intake.accept_all(orders)
            await services.awarder.drain()


@contextmanager
def laurels(settings: Settings) -> Iterator[tuple[int, int]]:
    """`laurels serve`; gives its process and its port."""
    command = [sys.executable, "-m", "laurels", "serve", "--port", "0", "--state", str(settings.state)]
    environment = os.environ | {"LAURELS_LEDGER_URL": settings.ledger.url}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        try:
            said = (re.search(r"answers at http://.*:(\d+)/", line) for line in process.stderr)
            port = next(int(found[1]) for found in said if found)
            rest = Thread(
                target=process.stderr.read, daemon=True
            )  # else it would wait for a reader of its log some day
            rest.start()
            yield process.pid, port
        finally:
            process.terminate()
            process.wait()


async def until_ready(port: int) -> None:
    """Wait until the board stands: before that a read is a 503, as it should be."""
    async with httpx.AsyncClient() as client:
        while not (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def measure(server: PostgresServer, settings: Settings, arguments: argparse.Namespace) -> list[Row]:
    """Enrol, serve, and load."""
    members = [f"customer-{n}" for n in range(arguments.members)]
    await enrol(settings, members)
    shop = Shop(settings, members)
    gc.freeze()
    with laurels(settings) as (pid, port):
        bare = await asyncpg.connect(settings.ledger.url)
        try:
            await bare.execute("VACUUM ANALYZE")
            await until_ready(port)
            watch = Watch(port, bare, {"laurels": pid, "server": server.pid})
            return await steady(port, shop, watch, arguments)
        finally:
            bare.terminate()


def summary(rows: list[Row]) -> Row:
    """Medians of the first third and of the last, what was worst, and the share of HOT of all."""
    third = max(1, len(rows) // 3)
    said: Row = {}
    for name in rows[0]:
        if name != "second":
            first, last = median(row[name] for row in rows[:third]), median(row[name] for row in rows[-third:])
            said |= {f"{name}_first": first, f"{name}_last": last, f"{name}_most": max(row[name] for row in rows)}
            print(
                f"{name:16} first third {first:10,.2f}   last third {last:10,.2f}   most {said[f'{name}_most']:10,.2f}"
            )
    return said


def main() -> None:
    """Measure, and say on what."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=1157, help="transactions a second")
    parser.add_argument("--reads", type=int, default=2000, help="dashboards a second")
    parser.add_argument("--members", type=int, default=50_000)
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    arguments = parser.parse_args()
    about = msgspec.to_builtins(circumstances()) | {"command": " ".join(["postgres_steady.py", *sys.argv[1:]])}
    for name, text in about.items():
        print(f"{name:>10}  {text}")
    advised = {"checkpoint_timeout": "30min", "max_wal_size": "8GB", "wal_compression": "on"}
    state = Path(tempfile.mkdtemp(prefix="laurels-steady-"))
    try:
        with running(arguments.programs, shared_buffers="512MB", **advised) as server:
            server.sql("CREATE DATABASE shop")
            settings = Settings(state=state, ledger=LedgerSettings(url=server.url("shop")))
            rows = uvloop.run(measure(server, settings, arguments))
        print(json.dumps({"bench": "postgres_steady", **about, **summary(rows)}))
    finally:
        shutil.rmtree(state)


if __name__ == "__main__":
    main()
