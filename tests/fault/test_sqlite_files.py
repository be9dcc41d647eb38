"""Whatever lies where the ledger should be: it is refused in plain words, and left as it was."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.schema import APPLICATION_ID, LATEST
from laurels.errors import ForeignFile, LedgerReadOnly, LedgerUnavailable, SchemaTooNew, SchemaTooOld
from laurels.model import Order

NOBODY = 65534


def _sqlite(path: Path, *statements: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("Dear diary,\n" * 500),
    "a few bytes": lambda path: path.write_bytes(b"hello"),
    "another application's SQLite file": lambda path: _sqlite(path, "CREATE TABLE bookmark (url)"),
    "another application's, which names itself": lambda path: _sqlite(
        path, "PRAGMA application_id = 77", "PRAGMA user_version = 1", "CREATE TABLE bookmark (url)"
    ),
    "another application's in WAL mode": lambda path: _sqlite(
        path, "PRAGMA journal_mode = wal", "CREATE TABLE bookmark (url)"
    ),
}


@pytest.mark.parametrize("opener", [SqliteLedger.open, SqliteLedger.migrate])
@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused_and_not_changed(
    tmp_path: Path, make: Callable[[Path], object], opener: Callable[[Path], object]
) -> None:
    path = tmp_path / "laurels.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(ForeignFile, match="not a Laurels ledger"):
        opener(path)
    assert path.read_bytes() == before
    assert path.stat().st_size == len(before)


def test_a_ledger_of_a_newer_laurels_is_refused_and_not_changed(tmp_path: Path) -> None:
    path = _fresh(tmp_path)
    _sqlite(path, f"PRAGMA user_version = {LATEST + 1}")
    before = path.read_bytes()
    for opener in (SqliteLedger.open, SqliteLedger.migrate):
        with pytest.raises(SchemaTooNew, match=f"has schema {LATEST + 1}, this Laurels knows {LATEST}"):
            opener(path)
    assert path.read_bytes() == before


def test_a_ledger_of_an_older_laurels_asks_for_migration(tmp_path: Path) -> None:
    path = _fresh(tmp_path)
    _sqlite(path, f"PRAGMA user_version = {LATEST - 1}")
    with pytest.raises(SchemaTooOld, match="laurels migrate"):
        SqliteLedger.open(path)


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "laurels.db"
    path.mkdir()
    with pytest.raises(LedgerReadOnly):
        SqliteLedger.open(path)
    assert list(path.iterdir()) == []


def test_a_file_where_a_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a note")
    with pytest.raises(LedgerReadOnly, match="state"):
        SqliteLedger.open(tmp_path / "state" / "laurels.db")
    with pytest.raises(LedgerReadOnly, match="state"):
        SqliteLedger.open(tmp_path / "state" / "deeper" / "laurels.db")


def test_a_fresh_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state" / "laurels.db"
    ledger = SqliteLedger.open(path)
    asyncio.run(_use(ledger))
    for each in path.parent.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each
    assert path.parent.stat().st_mode & 0o077 == 0


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "laurels.db"
    path.touch()
    asyncio.run(_use(SqliteLedger.open(path)))
    assert int.from_bytes(path.read_bytes()[68:72]) == APPLICATION_ID


@pytest.mark.parametrize("beside", ["-wal", "-notice"])
@pytest.mark.parametrize("opener", [SqliteLedger.open, SqliteLedger.migrate, SqliteLedger.has_members])
def test_a_ledger_that_was_cut_off_is_refused_and_left_as_it_was(
    tmp_path: Path, opener: Callable[[Path], object], beside: str
) -> None:
    """SQLite would take the empty file for a new one, and delete the log that may hold the last of what it was."""
    path = tmp_path / "laurels.db"
    path.touch()
    log = path.with_name(path.name + beside)
    log.write_bytes(b"x" * 100)
    with pytest.raises(ForeignFile, match="held a ledger before"):
        opener(path)
    assert (path.stat().st_size, log.stat().st_size) == (0, 100)


def test_a_ledger_leaves_what_tells_that_it_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "laurels.db"

    async def accept() -> None:
        ledger = SqliteLedger.open(path)
        await ledger.accept([_ORDER])
        await ledger.close()

    asyncio.run(accept())
    os.truncate(path, 0)
    with pytest.raises(ForeignFile, match="held a ledger before"):
        SqliteLedger.open(path)


@pytest.mark.parametrize("what", ["file", "directory", "missing"])
def test_without_the_right_to_write_it_says_so(tmp_path: Path, what: str) -> None:
    state = tmp_path / "state"
    path = _fresh(state)
    if what == "missing":
        path.unlink()
    else:
        path.chmod(0o444)
    state.chmod(0o755 if what == "file" else 0o555)
    with (
        _reachable(tmp_path),
        _without_the_powers_of_root(),
        pytest.raises(LedgerReadOnly, match=r"laurels\.db|rights"),
    ):
        asyncio.run(_use(SqliteLedger.open(path)))


def test_a_file_that_becomes_unwritable_refuses_and_recovers(tmp_path: Path) -> None:
    """Another process holds the file for longer than a writer waits: nothing is written, and then all is well."""
    path = _fresh(tmp_path)

    async def run() -> None:
        ledger = SqliteLedger.open(path)
        ledger._writer._db.connection.set_busy_timeout(50)
        with closing(apsw.Connection(str(path))) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailable, match="Nothing was accepted"):
                await ledger.accept([_ORDER])
            other.execute("ROLLBACK")
        assert await ledger.inbox_depth() == 0
        assert [receipt.repeated for receipt in await ledger.accept([_ORDER])] == [False]
        await ledger.close()

    asyncio.run(run())


_ORDER = Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=2500).document()


def _fresh(folder: Path) -> Path:
    path = folder / "laurels.db"
    asyncio.run(SqliteLedger.open(path).close())
    return path


async def _use(ledger: SqliteLedger) -> None:
    """While it is open, its log and its index of the log lie beside the file."""
    await ledger.accept([_ORDER])
    assert await ledger.inbox_depth() == 1
    await ledger.close()


@contextmanager
def _reachable(folder: Path) -> Iterator[None]:
    """Let everybody pass the folders above a path meanwhile."""
    modes = {each: each.stat().st_mode for each in (folder, *folder.parents) if not each.stat().st_mode & 0o001}
    for each, mode in modes.items():
        each.chmod(mode | 0o001)
    try:
        yield
    finally:
        for each, mode in modes.items():
            each.chmod(mode)


@contextmanager
def _without_the_powers_of_root() -> Iterator[None]:
    """Root may write anything: be nobody meanwhile."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
