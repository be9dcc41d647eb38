"""Accepting orders under other ASGI servers: `POST /order` by the same application, in turns, by processor time.

    python bench/load/other_servers.py [--pairs 7] [--seconds 4] [--members 2000] [--path FOLDER]

uvicorn with uvloop and httptools, and Granian with uvloop and one thread of its own, where it is installed (`--path`:
the folder where `pip install --target FOLDER granian` put it). Each has one process on one core, the load the other.
The application is all that `laurels serve` answers with, without background roles; the ledger is a SQLite file. The
edge and the limits on slow clients are `laurels serve`'s own, and not here.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from time import sleep
from typing import Any

import uvloop
from http_bench import LOAD_CORE, SERVER_CORE, MeasuredServer, measure, show
from prepare import PreparedShop, prepare

from laurels.http import create_app, open_auth
from laurels.settings import HttpSettings, Settings
from laurels.wiring import build
from laurels.workbench.bench.circumstances import circumstances

STATE = "LAURELS_BENCH_STATE"
HERE = Path(__file__).parent
SERVERS = {
    "uvicorn": ["-m", "uvicorn", "--http", "httptools", "--loop", "uvloop", "--no-access-log", "--log-level", "error"],
    "granian": ["-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--workers", "1", "--runtime-threads", "1"],
}


class Application:
    """Laurels' application, built and closed by the server's lifespan."""

    _app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the server."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        async with self._built() as self._app:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _built(self) -> AsyncIterator[Any]:
        settings = Settings(state=Path(os.environ[STATE]), http=HttpSettings(rate_limit_per_minute=60_000))
        async with build(settings) as services:
            yield create_app(services, open_auth(services.settings, services.now))


app = Application()


@contextmanager
def server(name: str, state: Path, path: Path | None) -> Iterator[MeasuredServer]:
    """Start one of them on the server's core."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, *SERVERS[name], "--host", "127.0.0.1"]
    paths = [str(HERE), *([str(path)] if path else [])]
    environment = {**os.environ, STATE: str(state), "PYTHONPATH": ":".join(paths)}
    with subprocess.Popen([*command, "--port", str(port), "other_servers:app"], env=environment) as process:
        try:
            wait_until_open(port)
            yield Tree(process, port)
        finally:
            process.terminate()


class Tree(MeasuredServer):
    """A server whose children work."""

    def cpu_s(self) -> float:
        """Processor seconds of the process and its children."""
        ticks = os.sysconf("SC_CLK_TCK")
        pids = [self.process.pid, *children(self.process.pid)]
        stats = [Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split() for pid in pids]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / ticks


def children(pid: int) -> list[int]:
    """The children of a process."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def wait_until_open(port: int) -> None:
    """Return once something listens."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            sleep(0.1)
        else:
            return


async def compare(shop: PreparedShop, names: list[str], asked: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """All in turns, one at a time, each on the same ledger."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for pair in range(asked.pairs):
        for name in names if pair % 2 else reversed(names):
            with server(name, shop.state, asked.path) as target:
                await measure(target, shop.orders(), 1)  # warms up
                row = await measure(target, shop.orders(), asked.seconds)
            rows[name].append(row)
            show(f"accept by {name} {pair}", row)
    return rows


def main() -> None:
    """Measure, print, and end with JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--path", type=Path, help="where Granian is, if not beside Laurels")
    asked = parser.parse_args()
    print(circumstances())
    os.sched_setaffinity(0, {LOAD_CORE})
    state = Path(tempfile.mkdtemp(prefix="laurels-bench-", dir=HERE))
    try:
        shop = uvloop.run(prepare(state, asked.members))
        rows = asyncio.run(compare(shop, [*SERVERS], asked))
    finally:
        shutil.rmtree(state)
    for field in ("server_cpu_us", "per_s"):
        ratios = [one[field] / other[field] for one, other in zip(rows["granian"], rows["uvicorn"], strict=True)]
        print(f"Granian to uvicorn, {field}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    figures = {f"{name}_{field}": median(row[field] for row in of) for name, of in rows.items() for field in of[0]}
    print(json.dumps({"bench": "other servers", **figures}))


if __name__ == "__main__":
    main()
