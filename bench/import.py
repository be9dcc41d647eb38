"""What it takes to import a large file of orders into an empty SQLite ledger, and whether that gets slower on the way.

    python bench/import.py --orders 200000
    python bench/import.py --orders 5000000 --directory /var/tmp    # 10 GB there: the file, the ledger, a bare copy

The file is made up from a seed; it is imported as `laurels import` does it, awarding and board included, by this
process. Beside it stand, of the same run: polars reading the file; and the rows that the ledger then holds written to
another one by bare SQLite statements, in transactions of so many rows a table as an import begins with. `written_mb` is
what was handed to the system to be written, however busy the machine was. `falls_by` is how much slower the last fifth
of the documents was than the first. Where others work on the machine, the figures by processor time say more. The last
line is JSON.
"""

import argparse
import asyncio
import json
import resource
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from time import perf_counter, process_time

import polars as pl
from msgspec.structs import asdict

from laurels.cli.bringing_in import CHUNK, Imported, bring_in
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.connection import Database
from laurels.exchange import Mapping, OrdersFile, open_documents
from laurels.runtime.process import run
from laurels.runtime.telling import Report
from laurels.settings import Settings
from laurels.wiring import build
from laurels.workbench.bench.circumstances import circumstances

DAYS = 700
ORDERS_A_MEMBER = 18
FIFTHS = 5
TABLES = ("member", "balance", "accepted", "entry", "award", "content", "closed_month")
"""What an order is kept in for good, in the order in which it is written."""


class Clock:
    """How far the import was at which moment."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []
        self.worked: list[tuple[int, float]] = []

    @contextmanager
    def progress(self, _: str, unit: str) -> Generator[Report]:
        """A `Progress` that notes the documents and shows nothing."""
        if unit == "documents":
            self._note(0)
        yield lambda done, _: self._note(done) if unit == "documents" else None

    def _note(self, done: int) -> None:
        self.seen.append((done, perf_counter()))
        self.worked.append((done, process_time()))


def rates(seen: list[tuple[int, float]], parts: int) -> list[float]:
    """Documents a second in so many equal parts of the file, one after the other; within a commit they are even."""
    size = seen[-1][0] / parts
    ends = [_moment(seen, size * part) for part in range(parts + 1)]
    return [size / (end - begin) for begin, end in pairwise(ends)]


def _moment(seen: list[tuple[int, float]], done: float) -> float:
    """When so many documents were done."""
    for (before, begin), (after, end) in pairwise(seen):
        if done <= after:
            return begin + (end - begin) * (done - before) / (after - before)
    return seen[-1][1]


def write_file(path: Path, orders: int, seed: int) -> None:
    """A CSV of orders in the order of their times, 51 bytes each; few members buy often, many seldom."""
    rng, members = Random(seed), max(1, orders // ORDERS_A_MEMBER)
    with path.open("w", encoding="utf-8") as file:
        file.write("order_id,member_id,currency,total,occurred_at\n")
        for number in range(orders):
            second = number * DAYS * 86_400 // orders
            day, of_day = divmod(second, 86_400)
            when = f"{2024 + day // 360}-{day % 360 // 30 + 1:02}-{day % 30 % 28 + 1:02}"
            clock = f"{of_day // 3600:02}:{of_day // 60 % 60:02}:{of_day % 60:02}"
            member = int(members * rng.random() ** 2)
            file.write(f"{1_000_000 + number},{member},GBP,{rng.randrange(100, 20_000) / 100:.2f},{when}T{clock}Z\n")


def read_by_polars(path: Path) -> float:
    """Seconds that polars takes to read every cell as text."""
    start = perf_counter()
    pl.read_csv(path, infer_schema=False)
    return perf_counter() - start


async def run_import(state: Path, file: OrdersFile, clock: Clock) -> Imported:
    """Import what was opened, as the command does it. `run` runs it, with the command's event loop and collector."""
    async with build(Settings(state=state)) as services:
        return await bring_in(services, file, file.total, clock.progress)


def written() -> int:
    """Bytes that this process handed to the system to be written; 0 where the system does not count them."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        return 0
    return int(dict(line.split(": ") for line in counters.read_text("ascii").splitlines())["wchar"])


def write_bare(source: Path, target: Path) -> float:
    """Processor seconds that bare statements take to write the ledger's rows again, a chunk a transaction."""
    asyncio.run(SqliteLedger.open(target).close())
    old, new = Database(source), Database(target)
    new.connection.pragma("foreign_keys", "off")  # a chunk of one table may name what the next chunk of another holds
    reads = {table: old.connection.execute(f"SELECT * FROM {table}") for table in TABLES}  # noqa: S608 - our own names
    seconds, is_left = 0.0, True
    while is_left:
        rows = {table: list(islice(cursor, CHUNK)) for table, cursor in reads.items()}
        is_left = any(rows.values())
        start = process_time()
        new.connection.execute("BEGIN IMMEDIATE")
        for table, some in rows.items():
            if some:
                marks = ",".join("?" * len(some[0]))
                new.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608
        new.connection.execute("COMMIT")
        seconds += process_time() - start
    old.close()
    new.close()
    return seconds


def measure(directory: Path, orders: int, seed: int) -> dict[str, float | list[float]]:
    """Import once; tell the figures."""
    path, state = directory / "orders.csv", directory / "state"
    write_file(path, orders, seed)
    polars_s = read_by_polars(path)
    clock, start, worked, written_before = Clock(), perf_counter(), process_time(), written()
    file = open_documents(path, Mapping())
    opened = perf_counter()
    imported = run(run_import(state, file, clock))
    took_s, worked_s = perf_counter() - start, process_time() - worked
    written_mb = (written() - written_before) / 1e6
    assert imported.complete, "all of it is awarded"
    assert imported.awarded == orders, "and none twice"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    by_clock, by_processor = rates(clock.seen, FIFTHS), rates(clock.worked, FIFTHS)
    bare_s = write_bare(state / "laurels.db", directory / "bare.db")
    return {
        "orders_per_s": orders / took_s,
        "awarded_per_s": orders / (clock.seen[-1][1] - clock.seen[0][1]),
        "rates_per_s": [round(rate) for rate in by_clock],
        "falls_by": 1 - by_clock[-1] / by_clock[0],
        "rates_per_processor_s": [round(rate) for rate in by_processor],
        "falls_by_processor": 1 - by_processor[-1] / by_processor[0],
        "took_s": took_s,
        "processor_s": worked_s,
        "orders_per_processor_s": orders / worked_s,
        "check_s": opened - start,
        "polars_s": polars_s,
        "bare_sqlite_processor_s": bare_s,
        "times_bare_sqlite": worked_s / bare_s,
        "written_mb": written_mb,
        "file_mb": path.stat().st_size / 1e6,
        "ledger_mb": (state / "laurels.db").stat().st_size / 1e6,
        "peak_memory_mb": peak_mb,
    }


def table(figures: Iterable[tuple[str, object]]) -> None:
    """Print names and figures."""
    for name, figure in figures:
        print(f"{name:>24}  {round(figure, 3) if isinstance(figure, float) else figure}")


def main() -> None:
    """Measure, and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--directory", type=Path, help="where the file and the ledgers are made")
    parser.add_argument("--seed", type=int, default=4711)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laurels-import-", dir=arguments.directory) as scratch:
        figures = measure(Path(scratch), arguments.orders, arguments.seed)
    about = asdict(circumstances()) | {"orders": arguments.orders}
    table((about | figures).items())
    print(json.dumps(about | figures))


if __name__ == "__main__":
    main()
