"""The processes of a shop: `laurels serve`, `laurels console` people at it, and a PostgreSQL server."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from signal import SIGINT
from typing import NamedTuple

import httpx
from tests.console.console_shop import Visitor
from tests.postgres_server import PostgresServer
from tests.settings import settings_with

from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings

PATIENCE_S = 1800
NICE = 5
"""What the console leaves to others that it shares a host with, as its unit in deploy/ has it."""

STAFF = "staff"
"""The console's role at a server of our own, by which its connections are told from the shop's."""
STAFFS = "SELECT pid FROM pg_stat_activity WHERE usename = 'staff'"

TICKS = os.sysconf("SC_CLK_TCK")
ADVISED = {
    "shared_buffers": "2GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "wal_compression": "on",
}


class Processes(NamedTuple):
    """What runs: the numbers of the processes, where `laurels serve` answers, who is at the console, and the database's
    server where it is ours.
    """

    settings: Settings
    serve: int
    console: int
    base: str
    visitors: list[Visitor]
    server: PostgresServer | None

    def backends(self) -> list[int]:
        """The processes of our server that work for the console."""
        if self.server is None:
            return []
        return [int(pid) for pid in self.server.sql(STAFFS).split()]


@asynccontextmanager
async def started(
    state: Path, ledger: str | None, people: int, server: PostgresServer | None
) -> AsyncIterator[Processes]:
    """Both processes over a ledger that nobody else has open, the board at its head, and so many people signed in."""
    known = {**os.environ, **({"LAURELS_LEDGER_URL": ledger} if ledger else {})}
    staffs = {**known, **({"LAURELS_LEDGER_URL": server.url("bench", STAFF)} if server else {})}
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    serve, console = begun(["serve", "--state", str(state), "--port", str(port)], known), None
    visitors: list[Visitor] = []
    try:
        settings = settings_with(state=state)
        token = sign_token(settings, subject="bench", scope="status:read", ttl_s=2 * PATIENCE_S)
        await until_ready(base, serve, token)
        named = ["--as", "bench", "--roles", "lead operator auditor finance"]
        console = begun(["console", "--state", str(state), "--port", "0", *named], staffs, nice=NICE)
        visitors += [await signed_in(console) for _ in range(people)]
        yield Processes(settings, serve.pid, console.pid, base, visitors, server)
    finally:
        for visitor in visitors:
            await visitor.client.aclose()
        for process in (console, serve):
            if process is not None:
                process.terminate()
                process.communicate(timeout=60)


@contextmanager
def postgres_over(folder: Path, programs: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server over files in a folder, made where there are none; stopped in order at the end."""
    folder.parent.chmod(0o755)  # the server runs as a plain user, who has to get there
    server = PostgresServer(programs, folder, **ADVISED)
    is_new = not (folder / "data").exists()
    if is_new:
        server.make()
    server.start()
    try:
        if is_new:
            server.sql("CREATE DATABASE bench")
        if not server.sql("SELECT to_regrole('staff')"):
            server.sql("CREATE ROLE staff LOGIN SUPERUSER")
        yield server
    finally:
        server.stop(SIGINT)


def begun(command: list[str], known: dict[str, str], nice: int = 0) -> "subprocess.Popen[str]":
    """A process of Laurels, whose standard output is read."""
    command = ["nice", "-n", str(nice), sys.executable, "-m", "laurels", *command]
    return subprocess.Popen(command, env=known, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


async def signed_in(console: "subprocess.Popen[str]") -> Visitor:
    """Another session; the console prints an address for each."""
    assert console.stdout is not None
    address = (await asyncio.to_thread(console.stdout.readline)).strip()
    base, _, code = address.partition("/sign-in?code=")
    visitor = Visitor(httpx.AsyncClient(base_url=base, timeout=60), code)
    await visitor.open(f"/sign-in?code={code}")
    answer = await visitor.send("/sign-in", {"code": code})
    assert answer.is_redirect, answer.text
    await visitor.open("/customers")
    return visitor


async def until_ready(base: str, process: "subprocess.Popen[str]", token: str) -> None:
    """Wait until the board is served, and has all that is in the feed: one that catches up keeps its process busy."""
    async with httpx.AsyncClient(base_url=base, timeout=10) as client, asyncio.timeout(PATIENCE_S):
        while True:
            assert process.poll() is None, "laurels serve has ended"
            with suppress(httpx.TransportError):
                if (await client.get("/readyz")).is_success and await _behind(client, token) == 0:
                    return
            await asyncio.sleep(0.2)


async def _behind(client: httpx.AsyncClient, token: str) -> int | None:
    """How many entries the board has yet to show; None where that cannot be told now."""
    status = await client.get("/status", headers={"Authorization": f"Bearer {token}"})
    behind: int | None = status.json()["behind"]
    return behind


def cpu_us(pid: int) -> float:
    """Processor time of a process and of those it has started."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(entry.name) == pid or int(fields[1]) == pid:
                    total += (int(fields[11]) + int(fields[12])) / TICKS
    return total * 1e6


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
