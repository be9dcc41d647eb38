"""How much the connections of one process may take together: descriptors, and bytes that wait their turn.

What one connection may take is in `connections.py`. Both are bounds that no client can talk its way around: beyond them
a connection is refused, counted and logged, and those that stand go on.
"""

import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

import structlog

from laurels.metrics import CONNECTIONS, REFUSED

SPARE_DESCRIPTORS = 64
"""Left for files: the ledger, the board's new files after a rebuild, keys, mails."""

MOST_WITHOUT_LIMIT = 10_000
"""Connections where the system tells of no limit to descriptors."""

MOST_WAITING_BYTES = 16 << 20
"""Bytes of requests sent behind unanswered ones, over all connections. Who would exceed it is cut off."""

CROWDED, ROOMY = 0.9, 0.8
"""Shares of the connections: above the first, connections on which nothing goes on are closed down to the second."""

log = structlog.get_logger(__name__)


class Idle(Protocol):
    """What is known of a connection here."""

    @property
    def idle_since(self) -> float | None:
        """Since when nothing goes on, in seconds of the loop's clock; None while something does."""

    def close(self) -> None:
        """End it, once what was written is sent."""


class Capacity:
    """The bounds of one process."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: connections; by default as many as there are descriptors left, but a few. `elsewhere` tells how many
        of them others in this process hold.
        """
        self.most = most_connections() if most is None else most
        self.waiting_bytes = 0
        self.elsewhere: Callable[[], int] = lambda: 0

    @staticmethod
    def enter() -> None:
        """Note that there is one more."""
        CONNECTIONS.inc()

    def has_room(self, connections: int) -> bool:
        """Whether one more may stay, of as many as there are with it."""
        if connections + self.elsewhere() <= self.most:
            return True
        log.warning("http.full", connections=self.most, hint="raise the limit on open files (LimitNOFILE)")
        return False

    @staticmethod
    def leave() -> None:
        """Note that one is gone."""
        CONNECTIONS.dec()

    def wait(self, size: int) -> bool:
        """Whether `size` bytes more may wait; if so they are counted until `go_on`."""
        if self.waiting_bytes + size > MOST_WAITING_BYTES:
            return False
        self.waiting_bytes += size
        return True

    def go_on(self, size: int) -> None:
        """Note that so many bytes wait no longer."""
        self.waiting_bytes -= size

    def make_room(self, connections: Collection[Idle]) -> None:
        """Where it is crowded, close those that have been idle longest: a client asks again on a new one."""
        if len(connections) <= CROWDED * self.most:
            return
        idle = sorted((since, id(one), one) for one in connections if (since := one.idle_since) is not None)
        for _, _, one in idle[: len(connections) - int(ROOMY * self.most)]:
            refused("crowded")
            one.close()


def refused(reason: str, count: int = 1) -> None:
    """Count connections, or requests on them, that came to an end for this reason."""
    REFUSED.labels(reason).inc(count)


def most_connections() -> int:
    """The descriptors that this process may still open, but for `SPARE_DESCRIPTORS`; at least 1."""
    if sys.platform == "win32":
        return MOST_WITHOUT_LIMIT
    import resource  # noqa: PLC0415 - not there on Windows

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MOST_WITHOUT_LIMIT
    return max(1, limit - _open_descriptors() - SPARE_DESCRIPTORS)


def _open_descriptors() -> int:
    folder = Path("/proc/self/fd") if sys.platform == "linux" else Path("/dev/fd")
    try:
        return len(os.listdir(folder))  # noqa: PTH208 - a path object for each is of no use here
    except OSError:
        return 0
