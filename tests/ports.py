"""Loopback ports of servers that tests start: which are free, and when one is answered at."""

import errno
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import islice

BETWEEN_LOOKS_S = 0.1
FIRST, MOST_WORKERS, EACH = 11_000, 20, 1_000
"""Every worker of pytest-xdist has a thousand ports, all below those that the system hands out by itself: so a port is
still free when it is listened at, and when a server that was down comes back there.
"""


def _free() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % MOST_WORKERS
    # Not the same ones first each time: another run of the tests may be at work beside this.
    turn = os.getpid()
    while True:
        turn += 1
        port = FIRST + worker * EACH + turn % EACH
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            yield port


_ports = _free()


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens at, and that nobody else is given."""
    return list(islice(_ports, count))


def free_port() -> int:
    """One of them."""
    return next(_ports)


def answers(port: int, greeting: bytes = b"") -> bool:
    """Whether somebody listens at a port; with a `greeting`, whether it is answered, for servers that listen first and
    get ready afterwards.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
            link.sendall(greeting)
            return not greeting or bool(link.recv(1))
    except OSError:
        return False


def wait_until_answering(
    process: "subprocess.Popen[bytes]", port: int, within_s: float, said: Callable[[], str], greeting: bytes = b""
) -> None:
    """Wait until a server `answers`. Raises `RuntimeError` with what it `said` where it has ended, or takes longer."""
    deadline = time.monotonic() + within_s
    while not answers(port, greeting):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"A server did not start: {said()}")
        time.sleep(BETWEEN_LOOKS_S)
