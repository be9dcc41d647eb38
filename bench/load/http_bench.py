"""What HTTP costs: accepting orders, reading dashboards, how soon an order is seen, and all of it at once. `make bench`
runs it all.

    python bench/load/http_bench.py [accept] [read] [fresh] [mixed] [--pairs 7] [--seconds 4] [--members 100000]
                                    [--engine native] [--reads 20000] [--orders 1000]
    python bench/load/http_bench.py accept-postgres --members 20000    # the same of a ledger on PostgreSQL

The server runs on one core, this load on another, on loopback; the ledger is a SQLite file on the disk that `--state`
names. Each target is a ratio to a server that does less (`servers.py`), measured in pairs one after the other in one
run, because only that means something on a machine with neighbours: the median and the spread of the ratios are
given. Two ratios: of answers a second, and of the server's processor time for one answer, which neighbours disturb
less. The last lines are JSON; they are kept in bench/results/ too.
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import nginx
import uvloop
from fresh import measure_freshness
from load import Outcome, closed_loop, open_loop
from prepare import PreparedShop, enrolled_elsewhere, prepare, read_request

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' way to start a server

from tests.postgres_server import running as postgres_running

from laurels.workbench.bench.circumstances import circumstances

HERE = Path(__file__).parent
SERVER_CORE, LOAD_CORE = 0, min(1, (os.cpu_count() or 1) - 1)
CONNECTIONS = 64
BEFORE_OTHERS = -10
"""How the load of `mixed` stands to the worker on its core (`nice`): its own waits are not the server's."""
SERVED_BY = ("uvicorn", "uvloop", "httptools", "msgspec")
TICKS = os.sysconf("SC_CLK_TCK")

Rows = list[dict[str, float | str]]
"""Figures, each with the bench and the server that it is of."""


class MeasuredServer:
    """A server process on its core."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def cpu_s(self) -> float:
        """Processor seconds that its threads took so far."""
        return cpu_s(self.process.pid)


@contextmanager
def server(*arguments: str, core: int = SERVER_CORE) -> Iterator[MeasuredServer]:
    """Start one of `servers.py` on a core; it ends with its standard input."""
    command = ["taskset", "-c", str(core), sys.executable, str(HERE / "servers.py"), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            started = MeasuredServer(process, int(process.stdout.readline()))
            wait_until_ready(started.port)
            yield started
        finally:
            process.stdin.close()


def wait_until_ready(port: int) -> None:
    """Return once the board serves."""
    while True:
        with suppress(HTTPError), urlopen(f"http://127.0.0.1:{port}/readyz"):
            return
        sleep(0.1)


@contextmanager
def worker(state: Path, core: int) -> Iterator[None]:
    """`laurels work` beside the server."""
    command = ["taskset", "-c", str(core), sys.executable, "-m", "laurels", "work", "--state", str(state)]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


def cpu_s(pid: int) -> float:
    """Processor seconds of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measure(target: MeasuredServer, requests: Iterator[bytes], seconds: float) -> dict[str, float]:
    """One run of the closed loop."""
    before_server, before_load = target.cpu_s(), cpu_s(os.getpid())
    outcome = await closed_loop(target.port, requests, connections=CONNECTIONS, seconds=seconds)
    unexpected = {status: count for status, count in outcome.statuses.items() if status not in {200, 202}}
    assert not unexpected, f"answers that are none: {unexpected}"
    return figures(outcome, target.cpu_s() - before_server, cpu_s(os.getpid()) - before_load)


def figures(outcome: Outcome, server_cpu_s: float, load_cpu_s: float) -> dict[str, float]:
    """What is kept of a run."""
    return {
        "answers": outcome.answers,
        "per_s": outcome.answers / outcome.seconds,
        "server_cpu_us": server_cpu_s / outcome.answers * 1e6,
        "server_core_percent": server_cpu_s / outcome.seconds * 100,
        "load_core_percent": load_cpu_s / outcome.seconds * 100,
        "p50_ms": outcome.percentile_ms(50),
        "p99_ms": outcome.percentile_ms(99),
    }


async def pairs(
    name: str,
    real: MeasuredServer,
    base: MeasuredServer,
    requests: Callable[[], Iterator[bytes]],
    arguments: argparse.Namespace,
) -> Rows:
    """Measure the real server and its base in turns; print the ratios."""
    rows: Rows = []
    for pair in range(-1, arguments.pairs):
        for role, target in (("real", real), ("base", base)):
            row = await measure(target, requests(), arguments.seconds if pair >= 0 else 1)
            if pair >= 0:  # the pair before the first one warms up
                rows.append({"bench": name, "role": role, "pair": pair, **row})
                show(f"{name} {role} {pair}", row)
    by_role = {role: [row for row in rows if row["role"] == role] for role in ("real", "base")}
    for field, label in (("per_s", "answers a second"), ("server_cpu_us", "processor time")):
        ratios = [
            float(r[field]) / float(b[field]) if field == "per_s" else float(b[field]) / float(r[field])
            for r, b in zip(by_role["real"], by_role["base"], strict=True)
        ]
        print(f"{name}: by {label}: {median(ratios):.0%} of its base ({min(ratios):.0%} to {max(ratios):.0%})")
        rows.append(
            {"bench": name, "role": f"ratio_{field}", "median": median(ratios), "min": min(ratios), "max": max(ratios)}
        )
    return rows


async def accept(shop: PreparedShop, arguments: argparse.Namespace) -> Rows:
    """Orders over HTTP against the same route without its ledger; then with awarding beside it, and inside."""
    with ExitStack() as stack:
        real = stack.enter_context(server(*laurels(shop, arguments)))
        base = stack.enter_context(server("no-ledger", "--state", str(shop.empty), "--edge", arguments.edge))
        rows = await pairs("accept", real, base, shop.orders, arguments)
        rows.append(beside_bare_statements(rows, shop.state.parent / "bare", arguments.pairs))
    for name, options, beside in (("accept, work beside", [], True), ("accept, awarding inside", ["--award"], False)):
        with ExitStack() as stack:
            target = stack.enter_context(server(*laurels(shop, arguments), *options))
            if beside:
                stack.enter_context(worker(shop.state, LOAD_CORE))
            await shop.all_awarded()
            row = await measure(target, shop.orders(), 3 * arguments.seconds)
            row["inbox_depth_at_end"] = await shop.inbox_depth()
            show(name, row)
            rows.append({"bench": name, "role": "real", **row})
    return rows


def beside_bare_statements(rows: Rows, state: Path, times: int) -> dict[str, float | str]:
    """What the ledger's bare statements do on the same core in the same run, with as many orders to a commit as there
    are connections; print accepting beside it. The less the route costs, the less its own ratio says.
    """
    command = [sys.executable, str(HERE / "bare_ledger.py"), "--state", str(state), "--together", str(CONNECTIONS)]
    pinned = ["taskset", "-c", str(SERVER_CORE), *command]
    runs = [json.loads(subprocess.run(pinned, check=True, capture_output=True).stdout) for _ in range(times)]
    bare, cpu_us = (median(run[field] for run in runs) for field in ("per_s", "cpu_us"))
    accepted = median(float(row["per_s"]) for row in rows if row["role"] == "real")
    print(
        f"accept: {accepted:,.0f} orders a second, {accepted / bare:.0%} of the {bare:,.0f} of the ledger's bare "
        f"statements ({cpu_us:.1f} us of the processor each)"
    )
    return {"bench": "accept", "role": "bare statements", "per_s": bare, "cpu_us": cpu_us, "ratio": accepted / bare}


async def accept_postgres(shop: PreparedShop, arguments: argparse.Namespace) -> Rows:
    """Orders over HTTP on a PostgreSQL ledger against the same route without its ledger. The server of the ledger runs
    on the load's core.
    """
    with ExitStack() as stack:
        advised = {"checkpoint_timeout": "30min", "max_wal_size": "4GB"}
        postgres = stack.enter_context(postgres_running(arguments.programs, shared_buffers="512MB", **advised))
        targets = []
        for what, database in (("laurels", "shop"), ("no-ledger", "empty")):
            postgres.sql(f"CREATE DATABASE {database}")
            state, url = shop.state.parent / f"postgres-{database}", postgres.url(database)
            await enrolled_elsewhere(shop, state, url, list(shop.tokens) if what == "laurels" else [])
            targets.append(stack.enter_context(server(what, "--state", str(state), "--ledger", url)))
        return await pairs("accept, PostgreSQL", targets[0], targets[1], shop.orders, arguments)


async def read(shop: PreparedShop, arguments: argparse.Namespace) -> Rows:
    """Dashboards of members at random against a handler that gives as many bytes and headers."""
    requests = [read_request(member, token) for member, token in shop.tokens.items()]
    with ExitStack() as stack:
        real = stack.enter_context(server(*laurels(shop, arguments)))
        first = await measure(real, iter(requests), 600)
        show("read, each token's first use", first)
        answer = await shop.example(real.port, requests[0])
        base = stack.enter_context(server("bare", "--answer", json.dumps(answer)))
        rows = await pairs("read", real, base, lambda: itertools.cycle(requests), arguments)
        if nginx.is_there():
            process, port = stack.enter_context(nginx.nginx(answer, shop.state, SERVER_CORE))
            peer = MeasuredServer(process, port)
            rows += await pairs("read, nginx", real, peer, lambda: itertools.cycle(requests), arguments)
        else:
            print("nginx is not installed, so it was not measured beside")
    return [{"bench": "read, first use", "role": "real", **first}, *rows]


async def fresh(shop: PreparedShop, arguments: argparse.Namespace) -> Rows:
    """How soon an order that was accepted is seen, at a steady rate of orders."""
    with ExitStack() as stack:
        target = stack.enter_context(server(*laurels(shop, arguments)))
        stack.enter_context(worker(shop.state, LOAD_CORE))
        await shop.all_awarded()
        row = await measure_freshness(target.port, shop, rate=500, seconds=4 * arguments.seconds)
    show("fresh", row)
    return [{"bench": "fresh", "role": "real", **row}]


async def mixed(shop: PreparedShop, arguments: argparse.Namespace) -> Rows:
    """Dashboards at a steady rate beside orders at a steady rate, which are awarded and projected meanwhile."""
    requests = [read_request(member, token) for member, token in shop.tokens.items()]
    with ExitStack() as stack:
        target = stack.enter_context(server(*laurels(shop, arguments)))
        stack.enter_context(worker(shop.state, LOAD_CORE))
        await shop.all_awarded()
        await measure(target, iter(requests), 600)  # each token's first use
        seconds, every = 4 * arguments.seconds, itertools.cycle(requests)
        before, before_load, began = target.cpu_s(), cpu_s(os.getpid()), perf_counter()
        with before_others():
            seen, freshness = await asyncio.gather(
                open_loop(target.port, every, rate=arguments.reads, connections=CONNECTIONS, seconds=seconds),
                measure_freshness(target.port, shop, rate=arguments.orders, seconds=seconds),
            )
        row = {
            "dashboards_per_s": seen.answers / seen.seconds,
            **{f"dashboard_p{n}_ms": seen.percentile_ms(n) for n in (50, 99, 99.9)},
            **{f"fresh_{name}": value for name, value in freshness.items()},
            "server_core_percent": (target.cpu_s() - before) / (perf_counter() - began) * 100,
            "load_core_percent": (cpu_s(os.getpid()) - before_load) / (perf_counter() - began) * 100,
            "inbox_depth_at_end": await shop.inbox_depth(),
        }
    show("mixed", row)
    return [{"bench": "mixed", "role": "real", **row}]


@contextmanager
def before_others() -> Iterator[None]:
    """Have this thread go before others on its core, where that is allowed."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, BEFORE_OTHERS)
    except PermissionError:
        print("the load may not go before the worker on its core, so it waits for it at times")
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def laurels(shop: PreparedShop, arguments: argparse.Namespace) -> list[str]:
    """What starts Laurels on the leaderboard that is asked for."""
    engine = ["--engine", arguments.engine] if arguments.engine else []
    return ["laurels", "--state", str(shop.state), "--edge", arguments.edge, *engine]


def show(name: str, row: dict[str, float]) -> None:
    """One line of the table."""
    print(f"{name:32} " + "  ".join(f"{key} {value:,.1f}" for key, value in row.items()), flush=True)


def main() -> None:
    """Measure what is asked for, print it, keep it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    benches = {"accept": accept, "accept-postgres": accept_postgres, "read": read, "fresh": fresh, "mixed": mixed}
    parser.add_argument("benches", nargs="*", choices=[*benches, []], help="which; all on SQLite where none is named")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4, help="of each run")
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=20_000, help="dashboards a second of `mixed`")
    parser.add_argument("--orders", type=int, default=1_000, help="orders a second of `mixed`")
    parser.add_argument("--engine", help="the leaderboard; else the one that is the default here")
    parser.add_argument("--edge", choices=["auto", "off"], default="auto", help="who accepts connections")
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"), help="PostgreSQL's")
    parser.add_argument("--state", type=Path, help="where to keep the ledger between runs; else it is thrown away")
    arguments = parser.parse_args()
    about = msgspec.to_builtins(circumstances()) | {
        "versions": ", ".join(f"{name} {version(name)}" for name in SERVED_BY),
        "command": " ".join(["http_bench.py", *sys.argv[1:]]),
    }
    for name, text in about.items():
        print(f"{name:>10}  {text}")
    os.sched_setaffinity(0, {LOAD_CORE})
    state = arguments.state or Path(tempfile.mkdtemp(prefix="laurels-bench-", dir=HERE))
    try:
        started = perf_counter()
        shop = uvloop.run(prepare(state, arguments.members))
        gc.freeze()  # the pauses that are measured are the server's
        gc.disable()
        print(f"{arguments.members:,} members with points and tokens stand after {perf_counter() - started:.0f} s")
        rows = [
            {**about, **row}
            for name in (arguments.benches or [name for name in benches if name != "accept-postgres"])
            for row in uvloop.run(benches[name](shop, arguments))
        ]
    finally:
        if arguments.state is None:
            shutil.rmtree(state)
    results = HERE.parent / "results"
    results.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (results / f"http-{about['date'].replace(':', '')}.jsonl").write_text(lines, "utf-8")
    print(lines, end="")


if __name__ == "__main__":
    main()
