"""Statements with many rows: every count is made up of a few lengths, which stay prepared."""

from pathlib import Path

import pytest

from laurels.engines.sqlite.connection import ROWS_AT_ONCE, Database, padded, parts_of, with_rows
from laurels.workers.consume import BATCH, MORE_BEHIND


@pytest.mark.parametrize("name", ["insert_remark", "insert_entry"])
def test_parts_leave_fewer_than_the_shortest(name: str) -> None:
    for count in range(1200):
        parts = list(parts_of(name, count))
        assert set(parts) <= set(ROWS_AT_ONCE)
        assert 0 <= count - sum(parts) < min(ROWS_AT_ONCE)


@pytest.mark.parametrize("rows", [0, 1, 4, 7, 700])
def test_rows_are_written_as_one_by_one(tmp_path: Path, rows: int) -> None:
    db = Database(tmp_path / "laurels.db")
    db.connection.execute("CREATE TABLE remark (place INTEGER PRIMARY KEY, reason TEXT, note TEXT)")
    written = [(n, f"reason {n}", "'),(") for n in range(rows)]
    db.run_rows("insert_remark", written)
    assert db.connection.execute("SELECT * FROM remark ORDER BY place").fetchall() == written
    db.close()


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 300, 512, 513, 1281])
def test_padded_parts_are_few_and_hold_every_row(rows: int) -> None:
    values = list(range(2 * rows))
    parts = padded("hold_arriving", values, rows)
    assert len(parts) == -(-rows // max(ROWS_AT_ONCE))
    assert {count for count, _ in parts} <= set(ROWS_AT_ONCE)
    assert all(len(part) == 2 * count for count, part in parts)
    held = [value for _, part in parts for value in part]
    assert held == values + [None] * (len(held) - len(values))


@pytest.mark.parametrize("name", ["hold_arriving", "look_up_many", "insert_entry", "write_award"])
def test_the_longest_statement_stays_prepared(tmp_path: Path, name: str) -> None:
    db = Database(tmp_path / "laurels.db")
    longest = max(parts_of(name, max(ROWS_AT_ONCE)))
    assert len(with_rows(name, longest)) < db.connection.cache_stats()["max_cacheable_bytes"]
    db.close()


def test_a_statement_with_many_rows_stays_prepared_while_others_are_used_often(tmp_path: Path) -> None:
    """Preparing it takes longer than running it, and between two transactions hundreds of short ones are run."""
    db = Database(tmp_path / "laurels.db")
    db.connection.execute("CREATE TABLE remark (place INTEGER PRIMARY KEY, reason TEXT, note TEXT)")
    prepared = []
    for transaction in range(4):
        db.run_rows("insert_remark", [(transaction * 1000 + n, "", "") for n in range(256)])
        for n in range(400):
            db.run("insert_remark", transaction * 1000 + 500 + n, "", "")
        prepared.append(db.connection.cache_stats()["misses"])
    assert prepared[-1] == prepared[0]
    db.close()


@pytest.mark.parametrize("name", ["hold_arriving", "look_up_many"])
@pytest.mark.parametrize("batch", [BATCH, MORE_BEHIND])
def test_a_batch_of_a_queue_is_few_statements(name: str, batch: int) -> None:
    """Each statement more is a wait for the interpreter's lock, which the reading of the next batch holds."""
    assert list(parts_of(name, batch)) == [512] * (batch // 512)
