"""Makes a ledger of millions out of a small one, by statements that copy its rows: minutes in place of hours.

    .venv/bin/python bench/copies.py STATE --copies 999                  # a ledger in a file, which nobody has open
    .venv/bin/python bench/copies.py postgresql://… --copies 999         # one on a server

Every copy is a set of members of its own, with documents and entries of their own; what reports are read from is
multiplied. Hashes are copied as they are, so `laurels verify` finds the joints between copies, and a figure about
hashes cannot be had from it. While it is made a file is not safe from a loss of power.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import apsw
import asyncpg

HERE = Path(__file__).parent
EACH = (
    "members",
    "names",
    "balances",
    "entries",
    "contents",
    "documents",
    "awards",
    "milestones",
    "messages",
    "counted",
)
FIRST = ("free", "renumber", "apart")
"""Names by the members' numbers, so that no copy's name is another one's."""

END = ("end", "sums", "mark", "numbers", "statistics")


def queries(name: str) -> dict[str, str]:
    """Statements by their names."""
    text = (HERE / name).read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)!\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def multiply_file(path: Path, copies: int) -> int:
    """Add so many copies to the ledger in a file; gives how many entries there are then."""
    said = queries("copies_sqlite.sql")
    with closing(apsw.Connection(str(path))) as db:
        for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -1000000", "foreign_keys = off"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        sizes = {
            "members": _value(db, "SELECT max(number) + 1 FROM member"),
            "entries": _value(db, "SELECT max(place) FROM entry"),
            "documents": _value(db, "SELECT max(sequence) FROM accepted"),
        }
        for name in FIRST:
            db.execute(said[name])
        for n in _told(copies):
            for name in EACH:
                if name in said:
                    db.execute(_filled(said[name], {**sizes, "n": n}))
        for name in END:
            if name in said:
                db.execute(_filled(said[name], {**sizes, "n": copies}))
        db.execute("PRAGMA journal_mode = wal").fetchall()
        return (copies + 1) * sizes["entries"]


async def multiply_server(url: str, copies: int) -> int:
    """The same on a server. Each copy is a transaction."""
    said = queries("copies_postgres.sql")
    db = await asyncpg.connect(url)
    try:
        await db.execute("SET synchronous_commit = off")
        sizes = {
            "members": await db.fetchval("SELECT max(number) + 1 FROM member"),
            "documents": await db.fetchval("SELECT max(sequence) FROM document"),
        }
        for name in (*FIRST, "sizes", "ranks"):
            await db.execute(_filled(said[name], sizes))
        for n in _told(copies):
            async with db.transaction():
                for name in ("ids", *EACH, "forget_ids"):
                    await db.execute(_filled(said[name], {**sizes, "n": n}))
        for name in END:
            if name in said:
                await db.execute(_filled(said[name], {**sizes, "n": copies}))
        entries: int = (copies + 1) * await db.fetchval("SELECT sum(entries) FROM size")
        return entries
    finally:
        await db.close()


def _filled(statement: str, numbers: Mapping[str, int]) -> str:
    """A statement with whole numbers in it: it is run once, and these are our own."""
    return re.sub(r"(?<!:):(\w+)", lambda found: str(int(numbers[found[1]])), statement)


def _value(db: apsw.Connection, statement: str) -> int:
    found = db.execute(statement).get
    assert isinstance(found, int), statement
    return found


def _told(copies: int) -> Iterator[int]:
    """The numbers of the copies; says now and then how far it is."""
    began = time.monotonic()

    def tell(n: int) -> int:
        if n % max(1, copies // 10) == 0:
            print(f"copy {n:,} of {copies:,} after {time.monotonic() - began:,.0f} s", flush=True)
        return n

    return map(tell, range(1, copies + 1))


if __name__ == "__main__":
    assert __doc__
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("ledger", help="the folder of a small ledger, or its address on a server")
    parser.add_argument("--copies", type=int, default=100)
    options = parser.parse_args()
    if "://" in options.ledger:
        total = asyncio.run(multiply_server(options.ledger, options.copies))
    else:
        total = multiply_file(Path(options.ledger, "laurels.db"), options.copies)
    print(f"{total:,} entries")
