"""Awarding on SQLite beside the bare statements that it runs: the same file, the same rows, nothing else.

    python bench/micro/award_beside_sql.py [--orders 10000] [--members 2500] [--pairs 7] [--lines 0] [--program FILE]

Orders of members who are known and have points are accepted once. An award of all of them is traced, for its
statements. Then in turns, each on a copy of that file: the awarding through the port, and the traced statements by the
driver alone. Three ways: what writes, as the awarding writes it, many rows to a statement; what writes, a row to a
statement; and all statements, as they are. Processor time of this process decides; rates by the clock are told too. The
last line is JSON.
"""

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from award import CHUNK, orders

from laurels.awarding import Awarder, publish
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.connection import ROWS_AT_ONCE, Database, with_rows
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.workbench.bench.circumstances import circumstances

Statement = tuple[str, Any]
"""Text and bindings."""

WITH_ROWS = ("insert_entry", "insert_content", "write_balance", "write_award", "add_to_closed_month", "set_awarded")
"""What the awarding writes many rows of with one statement."""

NOT_BARE = ("SAVEPOINT", "RELEASE", "PRAGMA")


class Took(NamedTuple):
    """Seconds of the processor, and by the clock."""

    cpu_s: float
    clock_s: float


async def prepare(path: Path, asked: argparse.Namespace) -> int:
    """Make a ledger whose members have points, with orders that are accepted and not awarded. Returns how many."""
    first = orders(asked.orders, asked.lines, asked.members, "A")
    second = orders(asked.orders, asked.lines, asked.members, "B")
    ledger = SqliteLedger.open(path)
    try:
        awarder = Awarder(ledger, await publish(ledger, parse_program(program_of(asked)), at_start=True))
        for start in range(0, asked.orders, CHUNK):
            await ledger.accept([order.document() for order in first[start : start + CHUNK]])
        await awarder.drain()
        for start in range(0, asked.orders, CHUNK):
            await ledger.accept([order.document() for order in second[start : start + CHUNK]])
        return await ledger.inbox_depth()
    finally:
        await ledger.close()


async def award(path: Path, asked: argparse.Namespace, trace: list[Statement] | None = None) -> Took:
    """Award all that lies in the inbox, through the port; with a list, its statements go there."""
    ledger = SqliteLedger.open(path)
    try:
        awarder = Awarder(ledger, await publish(ledger, parse_program(program_of(asked)), at_start=True))
        if trace is not None:
            ledger._writer._db.connection.exec_trace = lambda _, sql, bindings: trace.append((sql, bindings)) or True
        with timed() as took:
            await awarder.drain()
        return took()
    finally:
        await ledger.close()


def run(path: Path, statements: list[Statement]) -> Took:
    """Run statements by the driver alone, by `executemany` where one text follows itself."""
    db = Database(path)
    db.undo_in_memory()
    try:
        runs = [(text, [each[1] for each in same]) for text, same in groupby(statements, key=itemgetter(0))]
        with timed() as took:
            for text, rows in runs:
                if rows[0] is None:
                    db.execute(text)
                elif len(rows) == 1:
                    db.execute(text, rows[0]).fetchall()
                else:
                    db.connection.executemany(text, rows).fetchall()
        return took()
    finally:
        db.close()


def row_by_row(statements: list[Statement]) -> Iterator[Statement]:
    """The same with a row to a statement, where one has many rows of `VALUES`."""
    names = {with_rows(name, count): (name, count) for name in WITH_ROWS for count in ROWS_AT_ONCE}
    for text, bindings in statements:
        if text not in names:
            yield text, bindings
            continue
        name, count = names[text]
        width = len(bindings) // count
        for start in range(0, len(bindings), width):
            yield with_rows(name, 1), bindings[start : start + width]


def is_bare(statement: Statement) -> bool:
    """Whether a statement writes, or begins or ends a transaction."""
    text = statement[0].lstrip()
    return not text.upper().startswith(("SELECT", "WITH", *NOT_BARE))


@contextmanager
def timed() -> Iterator[Callable[[], Took]]:
    """What passes meanwhile."""
    cpu, clock = time.process_time(), time.perf_counter()
    took = Took(0, 0)
    yield lambda: took
    took = Took(time.process_time() - cpu, time.perf_counter() - clock)


def program_of(asked: argparse.Namespace) -> str:
    """The program's text."""
    return asked.program.read_text("utf-8") if asked.program else DEFAULT_PROGRAM


def measure(folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """All the pairs; prints each."""
    accepted = folder / "accepted.db"
    count = asyncio.run(prepare(accepted, asked))
    copies = iter(folder / f"copy-{n}.db" for n in range(4 * asked.pairs + 5))

    def copy() -> Path:
        return Path(shutil.copy(accepted, next(copies)))

    trace: list[Statement] = []
    asyncio.run(award(copy(), asked, trace))
    bare = [each for each in trace if is_bare(each)]
    print(f"{count} orders; {len(trace) / count:.2f} statements an order, {len(bare) / count:.2f} of them write")
    apart = list(row_by_row(bare))
    us: dict[str, list[float]] = {"award": [], "writes": [], "row_by_row": [], "all": []}
    per_s: list[float] = []
    for pair in range(-1, asked.pairs):
        took = asyncio.run(award(copy(), asked))
        bare_took = run(copy(), bare), run(copy(), apart), run(copy(), trace)
        if pair < 0:  # warms up
            continue
        per_s.append(count / took.clock_s)
        for name, each in zip(us, (took, *bare_took), strict=True):
            us[name].append(each.cpu_s / count * 1e6)
        told = ", ".join(f"{name} {of[-1]:.1f} us" for name, of in us.items())
        print(f"pair {pair}: {told}; {per_s[-1]:,.0f} awards a second by the clock")
    figures = {"award_per_s": median(per_s), **{f"{name}_us": median(of) for name, of in us.items()}}
    for name in ("writes", "row_by_row", "all"):
        ratios = [bare / took for bare, took in zip(us[name], us["award"], strict=True)]
        figures[f"ratio_{name}"] = median(ratios)
        print(
            f"awarding by processor time beside {name}: {median(ratios):.0%} ({min(ratios):.0%} to {max(ratios):.0%})"
        )
    return figures


def main() -> None:
    """Measure, print, and end with JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--members", type=int, default=2_500)
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--program", type=Path)
    asked = parser.parse_args()
    about = circumstances()
    print(about)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), asked)
    print(json.dumps({"orders": asked.orders, "pairs": asked.pairs, "lines": asked.lines, **figures}))


if __name__ == "__main__":
    main()
