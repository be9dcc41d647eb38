"""What idle connections cost a running `laurels serve`: memory for each, by the edge and by Python. Each connection has
asked for one dashboard and read it, as a proxy's or a phone's that is kept.

    .venv/bin/python bench/idle.py --connections 10000
"""

import argparse
import re
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.security.attacks import AttackedServer, request, served

FIRST = 200
"""Connections before those that are measured: so that what is made once is there."""

KEEP_ALIVE_S = 600
"""So that none is closed while others are opened."""


def main() -> None:
    """Measure both, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    connections = parser.parse_args().connections
    print(f"{'held by':<10}{'connections':>12}{'idle MB':>9}{'with MB':>9}{'bytes each':>12}{'healthz ms':>12}")
    for edge, name in (("auto", "the edge"), ("off", "Python")):
        with (
            tempfile.TemporaryDirectory() as folder,
            served(
                Path(folder), http_edge=edge, http_rate_limit_per_minute="0", http_keep_alive_s=str(KEEP_ALIVE_S)
            ) as one,
        ):
            measure(one, name, connections)


def measure(server: AttackedServer, name: str, connections: int) -> None:
    """Open so many connections, each of which is answered once."""
    asked = request("/loyalty/ann", f"Authorization: Bearer {server.token('ann')}")
    with ExitStack() as stack:
        for n in range(connections + FIRST):
            if n == FIRST:
                before = server.memory_mb()
            client = stack.enter_context(server.connect())
            client.sendall(asked)
            read_answer(client)
        time.sleep(2)  # the connections are looked at once a second
        after = server.memory_mb()
        healthy = min(server.health_s() for _ in range(20))
    each = (after - before) * 1024 * 1024 / connections
    print(f"{name:<10}{connections:>12,}{before:>9.0f}{after:>9.0f}{each:>12,.0f}{1000 * healthy:>12.1f}", flush=True)


def read_answer(client: socket.socket) -> None:
    """Read one whole answer."""
    answer = b""
    while (length := re.search(rb"\r\ncontent-length: (\d+)\r\n(?s:.*?)\r\n\r\n", answer)) is None or len(
        answer
    ) < length.end() + int(length[1]):
        answer += client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 "), answer


if __name__ == "__main__":
    main()
