"""Two workers beside one on the same PostgreSQL ledger, each a process of its own.

    python bench/micro/postgres_workers.py [--orders 20000] [--pairs 5] [--programs /usr/lib/postgresql/15/bin]

Orders lie in the inbox; the workers have their shards before the clock starts, and it stops when the last of them finds
no more in its own. One worker and two take turns in one run; the median of the ratios counts. What the machine allows
is measured beside it: the bare statement of the same rows (`postgres_bare.py`) by one connection and by two, each a
process of its own.

A worker and its server's processes keep more than one core at work, and two workers can do no more than all cores:
where one has 1.5 of two cores, two have at most 1.3 times as much. So one is measured twice: on all cores, which says
what a second one adds to this machine; and, with the server, on half of them, which says what a second one brings that
comes with as much machine again. The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, strftime
from typing import NamedTuple

import asyncpg
from postgres_bare import BareTables

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import PostgresServer, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.engines.postgres.codes import SHARDS
from laurels.errors import LedgerUnavailable
from laurels.model import Order
from laurels.program import DEFAULT_PROGRAM, parse_program

BATCH = 500
MEMBERS = 20_000
WARM = 4_000
"""Orders that are awarded before the clock starts, so that each connection has its statements planned."""

LOG_MB = 1024
_LOG = "SELECT count(pg_logical_emit_message(false, 'bench', repeat('x', 1048576))) FROM generate_series(1, $1::int)"
"""So much log is written first: a young server fills each file of its log with zeros before it writes there, for which
all who commit wait; one that has run for a while has old ones.
"""

RENEW_S = 0.3
"""How often a worker that waits for the start says that it is still there."""


async def work(url: str, of: int) -> None:
    """One of so many workers: once it has its share of the shards it awards what is there, which warms its connections,
    and says `ready`; after the next line of standard input it awards until nothing is left in its shards, and says how
    many it awarded, and in how many seconds of its processor.
    """
    ledger = await PostgresLedger.open(url)
    awarder = Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM)))
    while len(await ledger.own()) != SHARDS // of:  # noqa: ASYNC110 - the others make it so
        await asyncio.sleep(0.05)
    while await awarder.step():
        pass
    print("ready", flush=True)
    told = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while not told.done():
        await ledger.own()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(told), RENEW_S)
    awarded, began = 0, process_time()
    while taken := await awarder.step():
        awarded += taken
    print(awarded, process_time() - began, flush=True)
    await ledger.close()


async def write_bare(url: str, of: int, number: int, after: int) -> None:
    """The same of one of so many that write with bare statements what was awarded behind a document."""
    connection = await asyncpg.connect(url)
    try:
        bare = BareTables(connection, after=after)
        rows = await bare.awarded(of, number)
        print("ready", flush=True)
        sys.stdin.readline()
        began = process_time()
        await bare.insert("bare", rows)
        print(len(rows["award"]), process_time() - began, flush=True)
    finally:
        connection.terminate()


class Rate(NamedTuple):
    """Orders a second, the microseconds of all processors that each cost, and of how many cores' time each process, the
    server, and the whole machine made use meanwhile.
    """

    a_second: float
    us: float
    of_each: tuple[float, ...]
    of_server: float
    of_machine: float


class Run(NamedTuple):
    """So many workers, and on how many cores they and the server are."""

    workers: int
    cores: int


ALL = sorted(os.sched_getaffinity(0))
ONE, HALF, TWO = Run(1, len(ALL)), Run(1, max(1, len(ALL) // 2)), Run(2, len(ALL))
RUNS = [ONE, HALF, TWO]


class Race:
    """So many processes do what there is to do, from one moment on."""

    def __init__(self, server: PostgresServer, arguments: list[str], run: Run) -> None:
        self._server = server
        self._cores = ALL[: run.cores]
        self._commands = [
            [sys.executable, __file__, *arguments, "--of", str(run.workers), "--number", str(number)]
            for number in range(run.workers)
        ]
        self._processes: list[asyncio.subprocess.Process] = []

    async def get_ready(self) -> None:
        """Start them, and wait until all are."""
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        self._processes = [await asyncio.create_subprocess_exec(*command, **pipes) for command in self._commands]
        for process in self._processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"

    async def run(self, orders: int) -> Rate:
        """Let them go, until all have done."""
        pids = [*self._server_pids(), *(process.pid for process in self._processes)]
        keep_on(self._cores, pids)
        began, before, of_all = perf_counter(), self._of_server(), of_machine()
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        said = [(await process.stdout.readline()).split() for process in self._processes if process.stdout is not None]
        took, spent, of_all = perf_counter() - began, self._of_server() - before, of_machine() - of_all
        keep_on(ALL, self._server_pids())
        for process in self._processes:
            await process.wait()
        assert sum(int(count) for count, _ in said) == orders, f"{said} of {orders} were awarded"
        each = [float(seconds) for _, seconds in said]
        us = (spent + sum(each)) * 1e6 / orders
        return Rate(orders / took, us, tuple(seconds / took for seconds in each), spent / took, of_all / took)

    def _of_server(self) -> float:
        """Seconds of processor time of all of the server's processes, those that ended included."""
        ended = Path(f"/proc/{self._server.pid}/stat").read_text("ascii").rpartition(")")[2].split()[13:15]
        seconds = sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")
        for pid in self._server_pids():
            with suppress(FileNotFoundError, ProcessLookupError):
                seconds += int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0]) / 1e9
        return seconds

    def _server_pids(self) -> list[int]:
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text("ascii").split()
        return [self._server.pid, *map(int, children)]


def keep_on(cores: list[int], pids: list[int]) -> None:
    """Let processes, with all of their threads, run on these cores alone."""
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)


def of_machine() -> float:
    """Seconds that all cores together were not idle."""
    user, nice, system, _, _, *others = map(int, Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(others)) / os.sysconf("SC_CLK_TCK")


async def take_in(ledger: PostgresLedger, round_: int, count: int) -> None:
    """Orders into the inbox."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(count, start + BATCH))
        await ledger.accept([order(round_, n).document() for n in numbers])


def order(round_: int, n: int) -> Order:
    """One of them."""
    member = f"m{n * 7919 % MEMBERS}"
    return Order(source="shop", order_id=f"{round_}-{n:08}", member_id=member, currency="GBP", total=1000 + n % 9000)


async def measure(server: PostgresServer, asked: argparse.Namespace) -> dict[str, float]:
    """Pairs of runs; the medians of their ratios."""
    url = server.url("bench")
    ledger, connection = await PostgresLedger.open(url), await asyncpg.connect(url)
    try:
        await take_in(ledger, 0, MEMBERS)  # everybody is enrolled
        await Awarder(ledger, await publish(ledger, parse_program(DEFAULT_PROGRAM))).drain()
        await ledger.close()
        ledger = await PostgresLedger.open(url)
        await BareTables(connection).make()
        found: dict[str, list[float]] = defaultdict(list)
        round_ = 0
        await connection.execute(_LOG, LOG_MB, timeout=300)
        for pair in range(asked.pairs):
            await connection.execute("CHECKPOINT")  # the log's files that are done with are those to come
            awarded: dict[Run, Rate] = {}
            bare: dict[Run, Rate] = {}
            for run in RUNS if pair % 2 == 0 else reversed(RUNS):
                round_ += 2
                await take_in(ledger, round_, WARM)
                race = Race(server, ["--worker", url], run)
                await race.get_ready()
                after = await connection.fetchval("SELECT max(sequence) FROM document")
                await take_in(ledger, round_ + 1, asked.orders)
                awarded[run] = await race.run(asked.orders)
                race = Race(server, ["--bare", url, "--after", str(after)], run)
                await race.get_ready()
                bare[run] = await race.run(asked.orders)
            for name, rates in (("workers", awarded), ("connections", bare)):
                found[f"two_{name}"].append(rates[TWO].a_second / rates[ONE].a_second)
                found[f"two_{name}_of_half_the_cores_each"].append(rates[TWO].a_second / rates[HALF].a_second)
            found["two_workers_us"].append(awarded[TWO].us / awarded[ONE].us)
            for name, rates in (("workers", awarded), ("bare statements", bare)):
                for run in RUNS:
                    print(f"pair {pair}, {name}: {run.workers} on {run.cores} cores {in_words(rates[run])}", flush=True)
        return {name: median(ratios) for name, ratios in found.items()}
    finally:
        connection.terminate()
        await ledger.close()


def in_words(rate: Rate) -> str:
    """What came of a run, in words."""
    return f"{rate.a_second:,.0f} a second, {rate.us:.1f} us of all processors an order; {cores(rate)}"


def cores(rate: Rate) -> str:
    """Who made use of how many cores."""
    each = " and ".join(f"{used:.2f}" for used in rate.of_each)
    return f"cores at work {each}, the server's {rate.of_server:.2f}, the machine's {rate.of_machine:.2f}"


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
    settings = {"min_wal_size": f"{LOG_MB}MB", "max_wal_size": "4GB"}
    settings |= {"checkpoint_timeout": "30min", "autovacuum_naptime": "1min"}
    with running(asked.programs, shared_buffers="512MB", **settings) as server:
        print(f"PostgreSQL {server.sql('SHOW server_version')}, {asked.orders:,} orders a run")
        server.sql("CREATE DATABASE bench")
        ratios = asyncio.run(measure(server, asked))
    two, bound = ratios["two_workers"], ratios["two_connections"]
    print(
        f"two workers award {two:.2f} times as many as one, with {ratios['two_workers_us']:.2f} times the processor "
        f"time an order; with bare statements two connections write {bound:.2f} times as many as one"
    )
    two, bound = (ratios[f"two_{each}_of_half_the_cores_each"] for each in ("workers", "connections"))
    print(f"and with half of the cores for one, and all for two, {two:.2f} times, beside {bound:.2f}")
    print(json.dumps({"bench": "postgres_workers", "orders": asked.orders, **ratios}))


if __name__ == "__main__":
    main()
