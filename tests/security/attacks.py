"""What one hostile client can do to a running `laurels serve`, and what that costs the server: memory, descriptors, log
bytes, processor time. The tests take these in short; `bench/attacks.py` measures them at full length.
"""

import contextlib
import os
import re
import resource
import select
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.ending import end

from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings, load

PATIENCE_S = 120.0
STARTED = """
import sys
from laurels import cli
from laurels.http.admission import limits
from laurels.http.serving import connections, edge, server
{changes}
sys.argv = ["laurels", *sys.argv[1:]]
cli.main()
"""
"""`laurels` with some of its constants changed, so that a test need not wait as long as a client may."""


class AttackedServer:
    """A running `laurels serve`, whose process that answers HTTP is looked at from outside."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, state: Path, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.settings: Settings = load({"state": state}, environment={})

    def token(self, member: str) -> str:
        return sign_token(self.settings, subject=member, scope=None, ttl_s=3600)

    def memory_mb(self) -> float:
        """What the process holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def descriptors(self) -> int:
        return len([*Path(f"/proc/{self.process.pid}/fd").iterdir()])

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def logged(self) -> str:
        return self.log.read_text()

    def health_s(self) -> float:
        """How long `/healthz` takes on a connection of its own."""
        began = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=PATIENCE_S) as answer:
            assert answer.status == 200
        return time.monotonic() - began

    def is_ready(self) -> bool:
        with self.connect() as client:
            client.sendall(request("/readyz"))
            return client.recv(4096).startswith(b"HTTP/1.1 200")

    def figure(self, name: str, **labels: str) -> float:
        """A figure of `/metrics`; 0 where it is not told."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        label = "".join(rf'[^}}]*{key}="{value}"' for key, value in labels.items())
        found = re.search(rf"^{name}(?:{{{label}[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def connect(self, *, little_room: bool = False) -> socket.socket:
        """A connection; with `little_room` the system takes little for a client that does not read."""
        client = socket.socket()
        if little_room:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE_S)
        client.connect(("127.0.0.1", self.port))
        return client


@contextmanager
def served(folder: Path, *changes: str, descriptors: int | None = None, **settings: str) -> Iterator[AttackedServer]:
    """A server on a free port. `changes` are assignments to constants, `descriptors` its limit of them."""
    state, log, metrics = folder / "state", folder / "log", folder / "metrics"
    metrics.mkdir()
    environment = {f"LAURELS_{name.upper()}": value for name, value in settings.items()}

    def limit() -> None:
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    command = [sys.executable, "-c", STARTED.format(changes="\n".join(changes)), "serve"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--port", "0", "--state", str(state)],
            stdout=stream,
            stderr=stream,
            preexec_fn=limit,  # noqa: PLW1509 - no threads run yet in the tests
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics), **environment},
        )
    try:
        until(lambda: "answers at" in log.read_text())
        found = re.search(r"answers at http://127.0.0.1:(\d+)", log.read_text())
        assert found
        server = AttackedServer(process, int(found[1]), state, log)
        until(server.is_ready)
        yield server
        assert process.poll() is None, log.read_text()
    finally:
        end(process)


def until(is_so: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def request(target: str, *headers: str, method: str = "GET", body: str = "") -> bytes:
    """A request as bytes."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: a", *headers, "", body]).encode()


@contextmanager
def pouring(server: AttackedServer, connections: int, requests: bytes) -> Iterator[list[socket.socket]]:
    """Connections that send the same bytes for as long as the server takes them, and read nothing."""
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect(little_room=True)) for _ in range(connections)]
        left = {}
        for client in clients:
            client.setblocking(False)
            left[client] = memoryview(requests)
        stuck = 0
        while left and stuck < 3:
            _, writable, _ = select.select([], [*left], [], 0.2)
            stuck = 0 if writable else stuck + 1
            for client in writable:
                with contextlib.suppress(BlockingIOError):
                    try:
                        left[client] = left[client][client.send(left[client]) :]
                    except ConnectionError:
                        left[client] = memoryview(b"")
                if not left[client]:
                    del left[client]
        yield clients


def flood(server: AttackedServer, requests: Sequence[bytes]) -> list[bytes]:
    """Send each on a connection of its own, and read what comes back; gives the first lines."""
    lines = []
    for one in requests:
        with server.connect() as client:
            try:
                client.sendall(one)
                lines.append(client.recv(4096).partition(b"\r\n")[0])
            except ConnectionError:
                lines.append(b"")
    return lines


def answered(client: socket.socket) -> int:
    """The status of the next answer, which is read whole."""
    answer = b""
    while not (found := re.match(rb"HTTP/1\.1 (\d+) .*?\r\ncontent-length: (\d+)\r\n.*?\r\n\r\n", answer, re.DOTALL)):
        answer += client.recv(4096)
    while len(answer) < found.end() + int(found[2]):
        answer += client.recv(4096)
    return int(found[1])


def hang_ups(server: AttackedServer, token: str) -> None:
    """Clients that go away: before, within and after a request, with and without reading, rudely and politely."""
    order = request("/order/A1", f"Authorization: Bearer {token}", "Content-Length: 500", method="POST", body="{")
    chunked = request("/orders", f"Authorization: Bearer {token}", "Transfer-Encoding: chunked", method="POST")
    live = request("/leaderboard/all-time/live", f"Authorization: Bearer {token}")
    read = request("/leaderboard/all-time", f"Authorization: Bearer {token}")
    for begun in (b"", b"GET / HT", order, chunked, chunked + b"5\r\nab", live, read, read * 50, live + read * 50):
        for rude in (False, True):
            for waits in (False, True):
                with server.connect() as client:
                    if rude:  # a reset in place of a farewell
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    client.sendall(begun)
                    if waits and begun.startswith((live, read)):
                        client.recv(100)
