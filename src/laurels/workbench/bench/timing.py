"""Timing a call again and again, in turns with one that does less: on a machine with neighbours only ratios of the same
run mean much.
"""

import asyncio
from array import array
from collections.abc import Awaitable, Callable
from time import process_time

from laurels import clock

TURNS = 4
"""How often what is measured and its bound take turns."""

BOUND_SHARE = 0.1
"""The part of the time that the bound is measured for: it does little, so its figures settle soon."""

Call = Callable[[], Awaitable[object]]


class Timing:
    """Durations of one call, in seconds, in no order; how long all of them took together; and how much of this
    process's processor time, which neighbours disturb less.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_s = 0.0
        self.each_s = array("d")

    @property
    def per_s(self) -> float:
        """Calls a second."""
        return len(self.each_s) / self.seconds if self.seconds else 0.0

    def percentile_us(self, percent: float) -> float:
        """A percentile of the durations in microseconds; 0 where there are none."""
        ordered = sorted(self.each_s)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1e6 if ordered else 0.0


async def repeat(timing: Timing, call: Call, *, seconds: float, lanes: int = 1) -> None:
    """Call and call for so many seconds, and at least once in each of `lanes` that go on beside each other."""
    start, cpu_start = clock.elapsed(), process_time()

    async def lane() -> None:
        begin = start
        while True:
            await call()
            end = clock.elapsed()
            timing.each_s.append(end - begin)
            if end - start >= seconds:
                return
            begin = end

    await asyncio.gather(*(lane() for _ in range(lanes)))
    timing.seconds += clock.elapsed() - start
    timing.cpu_s += process_time() - cpu_start


async def in_turns(call: Call, bound: Call, *, seconds: float, lanes: int = 1) -> tuple[Timing, Timing]:
    """Time a call for so many seconds in all, and beside it one that does less."""
    timing, bound_timing = Timing(), Timing()
    for _ in range(TURNS):
        await repeat(timing, call, seconds=seconds / TURNS, lanes=lanes)
        await repeat(bound_timing, bound, seconds=seconds / TURNS * BOUND_SHARE, lanes=lanes)
    return timing, bound_timing
