"""Whatever number or text a damaged ledger holds, `verify` names it: with no error, and in bounded memory."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from random import Random

import apsw
import pytest
from tests.fault.test_sqlite_tampering import findings_of, make

EXTREMES = [
    *("NULL", "-1", "0", str(2**40), str(2**62), str(-(2**63)), str(2**63 - 1), "1.5"),
    *("'x'", "''", "x'ff'", "x'80808080'", "CAST(x'ff' AS TEXT)", "'{}'", "'[1]'"),
]
"""In SQL; what a column's type refuses is passed over."""

MEMORY = 1 << 30
"""Bytes that `verify` may add to what the process has: one count of shards of 2^40 would take all there is."""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extremes") / "laurels.db"
    asyncio.run(make(path))
    return path


def test_some_extremes_are_named_or_change_nothing(ledger: Path, rng: Random) -> None:
    assert _try(ledger, rng.sample(_all(ledger), 100)) > 3  # some 26
    assert _try(ledger, [("ledger", "shards", str(2**40)), ("shard", "position", str(2**62))]) == 2


@pytest.mark.long
def test_every_extreme_is_named_or_changes_nothing(ledger: Path) -> None:
    assert _try(ledger, _all(ledger)) > 300


def _all(ledger: Path) -> list[tuple[str, str, str]]:
    with closing(apsw.Connection(str(ledger), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        tables = map(str, connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").get)
        columns = [
            (table, str(column))
            for table in tables
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()
        ]
    return [(table, column, value) for (table, column), value in product(columns, EXTREMES)]


def _try(ledger: Path, changes: list[tuple[str, str, str]]) -> int:
    """How many changes the file took; `verify` came to its end over each."""
    content, taken = ledger.read_bytes(), 0
    with _bounded_memory():
        for table, column, value in changes:
            if _change(ledger, table, column, value):
                taken += 1
                asyncio.run(findings_of(ledger))
            for suffix in ("-wal", "-shm"):
                ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)
            ledger.write_bytes(content)
    return taken


def _change(ledger: Path, table: str, column: str, value: str) -> bool:
    with closing(apsw.Connection(str(ledger))) as connection:
        connection.pragma("ignore_check_constraints", 1)
        for trigger in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger[0]}")
        try:
            connection.execute(f"UPDATE {table} SET {column} = {value}")  # noqa: S608
        except apsw.Error:
            return False
        return bool(connection.changes())


@contextmanager
def _bounded_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
