"""What the memory leaderboard costs: building it, one change, one dashboard, the whole board, memory.

    python bench/micro/memory_leaderboard.py --members 1000000

The feed is made up from a seed: a new member now and then, with a first order, and between them orders of members who
are here already. Most have few points, so ties are thick at the low end; some have very many. Everything goes through
the port, as other packages use it. Making up the feed is not counted. The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import gc
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import msgspec

from laurels.engines.memory import MemoryLeaderboard
from laurels.leaderboard import ALL_TIME, Change, Followed, Joined, Scored
from laurels.model import Mark
from laurels.workbench.bench.circumstances import circumstances

BATCH = 1_000
ORDERS_BETWEEN_ENROLMENTS = 2


class Run:
    """One leaderboard that is filled and measured."""

    def __init__(self, members: int, samples: int, seed: int) -> None:
        self.members = members
        self.samples = samples
        self.rng = Random(seed)
        self.engine = MemoryLeaderboard()
        self.position = 0
        self.figures: dict[str, float] = {}

    async def measure(self) -> dict[str, float]:
        """Measure all; gives the figures by name, the unit last."""
        before = resident_bytes()
        await self.engine.reset(Followed(identity="bench", epoch=1))
        await self.build()
        await self.engine.confirm(1)
        gc.collect()
        self.figures["memory_bytes_per_member"] = (resident_bytes() - before) / self.members
        await self.change(1, "change_alone_us")
        await self.change(BATCH, f"change_of_{BATCH}_us")
        await self.read(0, "dashboard_us")
        await self.read(1, "dashboard_after_change_us")
        await self.export()
        return self.figures

    async def build(self) -> None:
        """Apply enrolments and orders in batches, as the projector does."""
        feed, seconds, longest_s = self.feed(), 0.0, 0.0
        while changes := list(islice(feed, BATCH)):
            took = await self.apply(changes)
            seconds, longest_s = seconds + took, max(longest_s, took)
        self.figures |= {
            "build_s": seconds,
            "build_changes": self.position,
            "build_per_change_us": seconds / self.position * 1e6,
            "build_longest_batch_ms": longest_s * 1e3,
        }

    async def change(self, size: int, name: str) -> None:
        """Score members at random, in batches of one size; the time is that of one change."""
        batches = max(self.samples // size, 100)
        times = [await self.apply([self.order(self.members) for _ in range(size)]) / size for _ in range(batches)]
        self.note(name, times)

    async def read(self, changes: int, name: str) -> None:
        """Read the top 10 and 2 neighbours on each side of members at random, each time after so many changes."""
        times = []
        for _ in range(self.samples):
            if changes:
                await self.apply([self.order(self.members) for _ in range(changes)])
            member_id = f"customer-{self.rng.randrange(self.members)}"
            start = perf_counter()
            await self.engine.read(ALL_TIME, member_id, top=10, around=2)
            times.append(perf_counter() - start)
        self.note(name, times)

    async def export(self) -> None:
        """Read the whole board; the longest pause is what a dashboard may have to wait."""
        start = last = perf_counter()
        longest_s = 0.0
        async for _ in self.engine.standings(ALL_TIME):
            now = perf_counter()
            last, longest_s = now, max(longest_s, now - last)
        self.figures |= {"standings_s": perf_counter() - start, "standings_longest_pause_ms": longest_s * 1e3}

    async def apply(self, changes: list[Change]) -> float:
        """Apply a batch; gives the seconds it took."""
        numbered = list(enumerate(changes, self.position + 1))
        self.position += len(changes)
        upto = Mark(self.position, b"")
        start = perf_counter()
        await self.engine.apply(0, numbered, upto)
        return perf_counter() - start

    def feed(self) -> Iterator[Change]:
        """Give enrolments and orders until all members are enrolled."""
        for member in range(self.members):
            yield Joined(member, f"customer-{member}", member)
            yield Scored(member, ALL_TIME, self.points())
            for _ in range(ORDERS_BETWEEN_ENROLMENTS):
                yield self.order(member + 1)

    def order(self, members: int) -> Scored:
        """Give an order of one of the first members; a few of them order much more often."""
        return Scored(int(members * self.rng.random() ** 2), ALL_TIME, self.points())

    def points(self) -> int:
        """Give the points of one order: 1 to 3 for most, thousands for a few."""
        return min(int(self.rng.paretovariate(1.1)), 10_000)

    def note(self, name: str, seconds: list[float]) -> None:
        """Keep the median and the 99th percentile, in microseconds."""
        ordered = sorted(seconds)
        self.figures |= {name: median(ordered) * 1e6, f"p99_{name}": ordered[len(ordered) * 99 // 100] * 1e6}


def resident_bytes() -> int:
    """This process's resident memory (Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure, and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=20_000, help="measurements of each kind")
    parser.add_argument("--seed", type=int, default=4711)
    arguments = parser.parse_args()
    command = f"memory_leaderboard.py --members {arguments.members} --seed {arguments.seed}"
    about = msgspec.to_builtins(circumstances()) | {"command": command}
    figures = asyncio.run(Run(arguments.members, arguments.samples, arguments.seed).measure())
    for name, text in about.items():
        print(f"{name:>32}  {text}")
    for name, figure in figures.items():
        print(f"{name:>32}  {figure:,.1f}")
    print(json.dumps(about | {name: round(figure, 3) for name, figure in figures.items()}))


if __name__ == "__main__":
    main()
