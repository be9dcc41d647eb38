"""What people at the console cost those who are served meanwhile: awards, and the hot read, with the console in use and
without, in turns.

Where there are several processors the shop has half of them for itself as long as this lasts: `laurels serve`, the
load, and a database's server of our own. The console, its people, and what the database does for it have the others, as
on hosts of their own; left to be seen is what the console costs the shop through all that both share: locks, the log
and its flushes, pages in memory, caches. On one processor the console's own work takes from the rate whatever it is.
Told are rates by the clock, and processor time of `laurels serve` for each award and each read.
"""

import argparse
import asyncio
import json
import os
import random
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.console_load import Measured
from bench.console_people import round_of
from bench.console_processes import Processes
from tests.console.console_shop import Visitor

LOAD = Path(__file__).with_name("console_load.py")
KINDS = {"awards": "awards", "hot reads": "reads"}


class Pair(NamedTuple):
    """The same without the console in use, and with it."""

    without: Measured
    used: Measured


async def pairs(shop: Processes, options: argparse.Namespace) -> dict[str, list[Pair]]:
    """So many pairs of each kind."""
    return {name: [await pair(shop, options, what, n) for n in range(options.pairs)] for name, what in KINDS.items()}


async def pair(shop: Processes, options: argparse.Namespace, what: str, n: int) -> Pair:
    """Both ways, this one first and the next time the other one."""
    if n % 2:
        used = await with_people(shop, options, what, n)
        return Pair(await measured(shop, options, what, n), used)
    without = await measured(shop, options, what, n)
    return Pair(without, await with_people(shop, options, what, n))


async def with_people(shop: Processes, options: argparse.Namespace, what: str, n: int) -> Measured:
    """Measure while people are at work."""

    async def at_work(visitor: Visitor, rng: random.Random) -> None:
        while True:
            await round_of(visitor, rng, options, {})

    people = [asyncio.create_task(at_work(each, random.Random(n * 1000 + m))) for m, each in enumerate(shop.visitors)]
    try:
        return await measured(shop, options, what, n)
    finally:
        for each in people:
            each.cancel()
        for error in await asyncio.gather(*people, return_exceptions=True):
            assert isinstance(error, asyncio.CancelledError), error


async def measured(shop: Processes, options: argparse.Namespace, what: str, n: int) -> Measured:
    """Run the load once."""
    known = {
        "state": shop.settings.state,
        "port": shop.base.rpartition(":")[2],
        "serve": shop.serve,
        "members": options.members // options.copies,
        "span": options.span,
        "seed": options.seed + n,
    }
    flags = [f"--{name}={value}" for name, value in known.items()]
    process = await asyncio.create_subprocess_exec(sys.executable, LOAD, what, *flags, stdout=asyncio.subprocess.PIPE)
    with apart(shop, process.pid):
        answer, _ = await process.communicate()
    assert process.returncode == 0, f"{LOAD.name} {what} has failed"
    return Measured(*json.loads(answer))


@contextmanager
def apart(shop: Processes, load: int) -> Iterator[None]:
    """Half of the processors for the shop and its load, half for the console and its people: where there are two."""
    every = sorted(os.sched_getaffinity(0))
    half = len(every) // 2
    database = [] if shop.server is None else [shop.server.pid]
    if half:
        _put([os.getpid(), shop.console], every[half:])
        _put([shop.serve, load, *database], every[:half])
        _put(shop.backends(), every[half:])
    try:
        yield
    finally:
        _put([os.getpid(), shop.serve, shop.console, *database], every)


def _put(pids: Collection[int], processors: Collection[int]) -> None:
    """On these processors: the processes, their threads and their children's."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if not {int(entry.name), parent}.isdisjoint(pids):
                    for thread in (entry / "task").iterdir():
                        os.sched_setaffinity(int(thread.name), processors)


def told(found: dict[str, list[Pair]]) -> list[str]:
    """A line for each kind: medians of both, and of what each pair came to."""
    lines = []
    for name, each in found.items():
        rates = median(it.without.rate for it in each), median(it.used.rate for it in each)
        costs = median(it.without.cpu_us for it in each), median(it.used.cpu_us for it in each)
        rate = sorted(100 * it.used.rate / it.without.rate for it in each)
        cost = sorted(100 * it.without.cpu_us / it.used.cpu_us for it in each)
        lines.append(
            f"{name:12} {rates[0]:8,.0f}/s alone, {rates[1]:8,.0f}/s with the console in use: {median(rate):.1f} % "
            f"({rate[0]:.0f} to {rate[-1]:.0f}); processor {costs[0]:,.0f} and {costs[1]:,.0f} us each: "
            f"{median(cost):.1f} % ({cost[0]:.0f} to {cost[-1]:.0f})  (bound 98)"
        )
    return lines
