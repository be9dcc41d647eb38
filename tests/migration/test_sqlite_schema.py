"""An old ledger comes up to date by the same steps that make a fresh one, and loses nothing on the way."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger, schema
from laurels.engines.sqlite.schema import LATEST
from laurels.errors import SchemaTooOld
from laurels.ledger import Finding
from laurels.model import Balance, Mark, MemberEvent, Order
from laurels.program import parse_program
from laurels.wiring.ledgers import old_rules

pytestmark = pytest.mark.anyio

OLD = Path(__file__).with_name("ledger_of_schema_1.sql")

TABLES_OF_SCHEMA_1 = [
    "accepted",
    "award",
    "balance",
    "contact",
    "entry",
    "inbox",
    "ledger",
    "member",
    "milestone",
    "program",
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger that an earlier Laurels wrote."""
    path = tmp_path / "old.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(OLD.read_text("utf-8"))
        assert connection.pragma("user_version") == 1
    return path


def test_an_old_ledger_asks_for_its_migration_and_is_not_changed_before(old: Path) -> None:
    before = _rows(old)
    with pytest.raises(SchemaTooOld, match="laurels migrate"):
        SqliteLedger.open(old)
    assert _rows(old) == before


def test_migrated_and_fresh_have_one_schema(old: Path, tmp_path: Path) -> None:
    assert _migrate(old) == (1, LATEST)
    assert _migrate(tmp_path / "fresh.db") == (0, LATEST)
    assert _schema(old) == _schema(tmp_path / "fresh.db")


def test_migrating_again_changes_nothing(old: Path) -> None:
    _migrate(old)
    before = _rows(old)
    assert _migrate(old) == (LATEST, LATEST)
    assert _rows(old) == before


def test_no_row_is_lost_or_changed(old: Path) -> None:
    """What is kept otherwise now says the same: fingerprints are keyed, ids of strangers are digests."""
    before = _rows(old)
    _migrate(old)
    after = _rows(old)
    kept = {"accepted": 5, "inbox": 4, "ledger": 4}  # columns up to the first that changed
    for table, rows in before.items():
        columns = kept.get(table, len(rows[0]) if rows else 0)
        assert [row[:columns] for row in after[table]] == [row[:columns] for row in rows], table


def test_a_copy_is_kept_as_it_was(old: Path) -> None:
    before = _rows(old)
    _migrate(old)
    copy = old.with_name("old.db.schema-1")
    assert _rows(copy) == before
    assert copy.stat().st_mode & 0o077 == 0


def test_what_was_refunded_and_scored_is_added_up(old: Path) -> None:
    """Where each order's entries are, its refunds, and the scores by month follow from the entries."""
    _migrate(old)
    with closing(apsw.Connection(str(old))) as connection:
        for places, left, amount, refunded in connection.execute(
            "SELECT CAST(places AS TEXT), left_amount, amount, refunded FROM award"
        ):
            assert places.startswith("[")
            assert (refunded is None) == (left == amount)
        scores = dict(connection.execute("SELECT member, score FROM balance").fetchall())
        months = dict(connection.execute("SELECT member, month_score + before_score FROM balance").fetchall())
        for month, member, score in connection.execute("SELECT month, member, score FROM closed_month"):
            assert 200_000 < month < 210_000
            months[member] += score
        assert months == scores


async def test_a_migrated_ledger_is_sound_and_works_on(old: Path) -> None:
    _migrate(old)
    ledger = SqliteLedger.open(old)
    assert await _findings(ledger) == []
    feed = await ledger.feed(0, Mark(), 100)
    assert len(feed) == 12
    await ledger.publish(1, _published_program(old), None, actor="test")
    program = parse_program(_published_program(old))
    awarder = Awarder(ledger, Programs.of(program))
    await ledger.accept([_order("A9", "cy", 2500).document(), _order("A1", "ann", 2500).document()])
    assert await awarder.drain() == 2
    totals = {each: await ledger.balance(each) for each in ("ann", "bob", "cy", "eve")}
    assert {each: found[0] for each, found in totals.items() if found} == {
        "ann": Balance(3, 3, 3),
        "bob": Balance(51, 101, 101),
        "cy": Balance(2, 2, 2),
        "eve": Balance(),
    }
    await ledger.change_member("bob", MemberEvent.SHOW, actor="clerk")
    assert await _findings(ledger) == []
    await ledger.close()


@pytest.mark.parametrize("broken", range(2, LATEST + 1))
def test_a_step_that_fails_leaves_the_ledger_as_it_was(old: Path, broken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle: what the step did before it failed is undone, and so is no earlier step."""
    steps = list(schema._STEPS)
    name, text = steps[broken - 1]
    steps[broken - 1] = (name, text + "\nSELECT * FROM no_such_table;")
    monkeypatch.setattr(schema, "_STEPS", steps)
    with pytest.raises(Exception, match="no such table"):
        _migrate(old)
    with closing(apsw.Connection(str(old))) as connection:
        assert connection.pragma("user_version") == broken - 1
    monkeypatch.undo()
    assert _migrate(old) == (broken - 1, LATEST)


@pytest.mark.parametrize("begin", ["old", "fresh"])
def test_many_processes_at_once_make_one_ledger(old: Path, tmp_path: Path, begin: str) -> None:
    """Each waits for the one that is at it, and finds it done."""
    path = old if begin == "old" else tmp_path / "fresh.db"
    script = (
        "import sys; from pathlib import Path; from laurels.engines.sqlite import SqliteLedger; "
        "from laurels.wiring.ledgers import old_rules; print('ready', flush=True); sys.stdin.readline(); "
        "SqliteLedger.migrate(Path(sys.argv[1]), upgrade=old_rules)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 6
    assert [process.returncode for process in processes] == [0] * 6
    asyncio.run(_is_sound(path))


async def _is_sound(path: Path) -> None:
    ledger = SqliteLedger.open(path)
    assert await _findings(ledger) == []
    await ledger.close()


def _migrate(path: Path) -> tuple[int, int]:
    return SqliteLedger.migrate(path, upgrade=old_rules)


async def _findings(ledger: SqliteLedger) -> list[Finding]:
    return [finding async for step in ledger.verify() for finding in step.findings]


def _order(order_id: str, member_id: str, total: int) -> Order:
    return Order(source="shop", order_id=order_id, member_id=member_id, currency="GBP", total=total)


def _published_program(path: Path) -> str:
    with closing(apsw.Connection(str(path))) as connection:
        return str(connection.execute("SELECT text FROM program").get)


def _rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of schema 1 hold. A table that a later step changes needs a comparison of its own here."""
    with closing(apsw.Connection(str(path))) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
            for table in TABLES_OF_SCHEMA_1
        }


def _schema(path: Path) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
