"""An old ledger comes up to date by the same steps that make a fresh one, and loses nothing on the way."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec.structs import replace

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger, schema
from laurels.engines.sqlite.schema import LATEST
from laurels.errors import SchemaTooOld
from laurels.ledger import Finding
from laurels.model import Balance, EntryKind, Mark, MemberEvent, Order
from laurels.model.documents import keyed
from laurels.program import parse_program
from laurels.testing.verifying import findings_of
from laurels.wiring.ledgers import old_rules

pytestmark = pytest.mark.anyio

OLD = Path(__file__).with_name("ledger_of_schema_1.sql")

KEPT = {
    "accepted": "sequence, kind, source, id, member, status, place, accepted_at",
    "award": "source, order_id, member, program_version, currency, amount, left_amount, points, reversed, board_at",
    "balance": "member, balance, earned, score",
    "contact": "member, email",
    "entry": "place, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version, "
    "name_number, actor, occurred_at, board_at, recorded_at, hash",
    "inbox": "sequence, state, kind, source, id, order_id, changed_at, reason, content, raw",
    "ledger": "one, identity, epoch, created_at, next_member, next_name",
    "member": "number, member_id, name_number, hidden, enrolled_at",
    "milestone": "member, name, points, reached_at, quiet",
    "program": "version, text, published_at",
}
"""The columns of schema 1 that stay as they were, by table, under their present names."""

NAMED = {"place": "position"}
"""What they are called in schema 1."""


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
    assert SqliteLedger.migrate(tmp_path / "fresh.db") == (0, LATEST)
    assert _schema(old) == _schema(tmp_path / "fresh.db")


@pytest.mark.parametrize("begin", ["old", "fresh"])
def test_states_are_checked_in_words_that_cost_nothing(old: Path, tmp_path: Path, begin: str) -> None:
    """No list in a condition that every order is held against; a state that there is not is refused all the same."""
    path = old if begin == "old" else tmp_path / "fresh.db"
    _migrate(path)
    with closing(apsw.Connection(str(path))) as connection:
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
        for table, column in (("accepted", "status"), ("inbox", "state"), ("message", "state")):
            assert f"CHECK ({column} = " in tables[table]
            assert " IN (" not in tables[table]
        connection.execute("PRAGMA foreign_keys = OFF")
        put = "INSERT INTO inbox (sequence, state, kind, source, id, changed_at, content, raw) "
        put += "VALUES (99, ?, '', '', '', 0, x'', x'')"
        with pytest.raises(apsw.ConstraintError, match="CHECK"):
            connection.execute(put, ("wrong",))
        connection.execute(put, ("ready",))
        assert connection.pragma("integrity_check") == "ok"


def test_migrating_again_changes_nothing(old: Path) -> None:
    _migrate(old)
    before = _rows(old)
    assert _migrate(old) == (LATEST, LATEST)
    assert _rows(old) == before


def test_no_row_is_lost_or_changed(old: Path) -> None:
    before = _kept(old, NAMED)
    [head] = _query(old, "SELECT head_position, head_hash, recorded_at FROM ledger")
    _migrate(old)
    after = _kept(old, {})
    [(secret,)] = _query(old, "SELECT secret FROM ledger")
    digested = [
        (*row[:3], keyed(secret, row[3].encode()).hex(), *row[4:]) if row[1] == "adjustment" else row
        for row in before["accepted"]
    ]
    assert digested != before["accepted"], "the key of an adjustment may be a customer's id"
    assert after == before | {"accepted": digested}
    assert _query(old, "SELECT * FROM shard") == [(0, *head)]


def test_fingerprints_are_keyed_by_the_members_secret(old: Path) -> None:
    """Of who was erased no secret is left, so nothing can be tried against theirs."""
    plain = dict(_query(old, "SELECT sequence, fingerprint FROM accepted"))
    _migrate(old)
    kept = _query(
        old,
        "SELECT sequence, fingerprint, accepted.member, secret, member_id FROM accepted "
        "LEFT JOIN member ON number = accepted.member",
    )
    [(of_all,)] = _query(old, "SELECT secret FROM ledger")
    assert len({secret for *_, secret, _ in kept} - {None}) > 1, "a secret for each member"
    for sequence, fingerprint, member, secret, member_id in kept:
        assert (secret is None) == (member_id is None), member
        if member is None or secret is not None:
            assert fingerprint == keyed(secret or of_all, plain[sequence])
        else:
            assert fingerprint not in {plain[sequence], keyed(of_all, plain[sequence])}


def test_the_file_is_copied_before_it_is_changed(old: Path) -> None:
    before = _rows(old)
    _migrate(old)
    copy = old.with_name("old.db.schema-1")
    assert (_rows(copy), copy.stat().st_mode & 0o077) == (before, 0)


async def test_a_migrated_ledger_is_sound_and_works_on(old: Path) -> None:
    _migrate(old)
    ledger = SqliteLedger.open(old)
    assert await _findings(ledger) == []
    feed = await ledger.feed(0, Mark(), 100)
    assert len(feed) == 12
    published = await ledger.publish(1, _published_program(old), None, actor="test")
    program = parse_program(published[0].text)
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


async def test_what_people_said_of_who_is_erased_is_told_to_nobody(old: Path) -> None:
    """Version 0.1 kept it under the entry's hash, so it stays in the file."""
    _migrate(old)
    ledger = SqliteLedger.open(old)
    programs = Programs.of(parse_program(_published_program(old)))
    [entry] = [each for each in await ledger.feed(0, Mark(), 100) if each.kind is EntryKind.ADJUST]
    assert (entry.reason, entry.member_id, entry.format) == ("goodwill", None, 1)
    known = replace(entry, member_id="dee")
    assert [each.reason for each in await programs.worded([entry, known], ledger)] == ["", "goodwill"]
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
        "from laurels.wiring.ledgers import old_rules; "
        "print('ready', flush=True); sys.stdin.readline(); SqliteLedger.migrate(Path(sys.argv[1]), upgrade=old_rules)"
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


async def _findings(ledger: SqliteLedger) -> list[Finding]:
    return await findings_of(ledger)


def _order(order_id: str, member_id: str, total: int) -> Order:
    return Order(source="shop", order_id=order_id, member_id=member_id, currency="GBP", total=total)


def _published_program(path: Path) -> str:
    with closing(apsw.Connection(str(path))) as connection:
        return str(connection.execute("SELECT text FROM program").get)


def _migrate(path: Path) -> tuple[int, int]:
    return SqliteLedger.migrate(path, upgrade=old_rules)


def _rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in every table."""
    tables = [name for [name] in _query(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {table: _query(path, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}  # noqa: S608


def _kept(path: Path, named: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    """What is in the columns that stay; `named` has those of another name here."""
    return {
        table: _query(path, f"SELECT {', '.join(named.get(each, each) for each in columns.split(', '))} FROM {table}")  # noqa: S608
        for table, columns in KEPT.items()
    }


def _query(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(query).fetchall()


def _schema(path: Path) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def test_a_ledger_of_schema_4_gets_an_empty_audit_log_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "four.db"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "_STEPS", schema._STEPS[:4])
        patched.setattr(schema, "LATEST", 4)
        patched.setattr("laurels.engines.sqlite.ledger.LATEST", 4)
        assert SqliteLedger.migrate(path) == (0, 4)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("INSERT INTO member VALUES (0, 'ann', 0, 0, 1, 0, NULL, x'00', NULL)")
        connection.execute("INSERT INTO contact VALUES (0, 'Ann@Example.com')")
    kept = _query(path, "SELECT * FROM member JOIN contact ON member = number")
    assert _migrate(path) == (4, LATEST)
    assert _query(path, "SELECT * FROM member JOIN contact ON member = number") == kept
    assert _query(path, "SELECT count(*) FROM audit") == [(0,)]
    assert _schema(path) == _schema_of_fresh(tmp_path)


def _schema_of_fresh(folder: Path) -> Any:
    SqliteLedger.migrate(folder / "new.db")
    return _schema(folder / "new.db")
