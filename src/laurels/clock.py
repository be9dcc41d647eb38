"""The one place that reads the time. Instants everywhere else are integers: microseconds since 1970, UTC."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Anything that tells the present instant; tests and simulations pass their own."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> int:
    """The present instant in microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


def elapsed() -> float:
    """Seconds on a clock that never jumps; only differences mean something."""
    return time.monotonic()
