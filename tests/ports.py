"""Loopback ports of servers that tests start: which are free, and when one is answered at."""

import socket
import subprocess
import time
from collections.abc import Callable

BETWEEN_LOOKS_S = 0.1


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens at."""
    open_ones = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in open_ones]
    for each in open_ones:
        each.close()
    return ports


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
