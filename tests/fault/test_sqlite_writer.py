"""The one writing thread: many callers share a commit, and one that fails takes nobody with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.connection import Database
from laurels.errors import LedgerRefused, LedgerUnavailable
from laurels.model import Document, Order
from laurels.program import DEFAULT_PROGRAM, parse_program

pytestmark = pytest.mark.anyio

WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    yield ledger
    await ledger.close()


async def test_what_arrives_during_a_commit_shares_the_next_one(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Counted in the log itself: 500 calls, one document each, of which the first may go alone."""
    before = _commits(tmp_path / "laurels.db-wal")
    receipts = await asyncio.gather(*(ledger.accept([_order(n)]) for n in range(500)))
    assert len(receipts) == 500
    commits = _commits(tmp_path / "laurels.db-wal") - before
    assert 1 <= commits <= 10


async def test_callers_one_after_another_wait_for_no_timer(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Each has its own commit: nobody is kept waiting for company."""
    before = _commits(tmp_path / "laurels.db-wal")
    for n in range(10):
        await ledger.accept([_order(n)])
    assert _commits(tmp_path / "laurels.db-wal") - before == 10


async def test_one_that_breaks_a_constraint_fails_alone(ledger: SqliteLedger) -> None:
    """Here an award under a program that was never published, in one commit with orders that are accepted."""
    await ledger.accept([_order(0)])
    program = parse_program(DEFAULT_PROGRAM)
    awarder = Awarder(ledger, Programs.of(program))
    first, failed, *others = await asyncio.gather(
        ledger.accept([_order(1)]),
        awarder.step(),
        *(ledger.accept([_order(n)]) for n in range(2, 20)),
        return_exceptions=True,
    )
    assert isinstance(failed, LedgerUnavailable)
    assert "Nothing was written" in failed.message
    assert [type(answer) for answer in (first, *others)] == [list] * 19
    assert await ledger.inbox_depth() == 20
    await ledger.publish(program.version, program.text, None, actor="test")
    assert await awarder.drain() == 20


async def test_a_job_that_raises_undoes_its_own_writes_alone(ledger: SqliteLedger, tmp_path: Path) -> None:
    """In one commit with its neighbours. All three are handed to the writer itself: `publish` reads first, and two of
    them at once come to the writer in any order.
    """

    def write(version: int, text: str) -> Callable[[Database], None]:
        return lambda db: db.run("insert_program", version, text, 0, None, "test")

    def write_and_raise(db: Database) -> None:
        write(7, "text")(db)
        raise ZeroDivisionError

    before = _commits(tmp_path / "laurels.db-wal")
    answers = await asyncio.gather(
        ledger._writer.run(write(1, "one")),
        ledger._writer.run(write_and_raise),
        ledger._writer.run(write(2, "two")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [type(None), ZeroDivisionError, type(None)]
    assert [(each.version, each.text) for each in await ledger.programs()] == [(1, "one"), (2, "two")]
    assert _commits(tmp_path / "laurels.db-wal") - before == 1


async def test_neighbours_of_one_kind_that_fail_together_are_done_one_by_one(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    def write(db: Database, versions: list[int]) -> list[int]:
        for version in versions:
            db.run("insert_program", version, f"text {version}", 0, None, "test")
            if version == 2:
                raise ZeroDivisionError
        return versions

    before = _commits(tmp_path / "laurels.db-wal")
    calls = [ledger._writer.run_batched(write, version) for version in (1, 2, 3, 3)]
    first, second, third, again = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, type(second), third, type(again)) == (1, ZeroDivisionError, 3, LedgerRefused)
    assert [each.version for each in await ledger.programs()] == [1, 3]
    assert _commits(tmp_path / "laurels.db-wal") - before == 1


async def test_one_that_fails_alone_leaves_nothing_behind(ledger: SqliteLedger, tmp_path: Path) -> None:
    def fail(db: Database) -> None:
        db.run("insert_program", 1, "text", 0, None, "test")
        raise ZeroDivisionError

    before = _commits(tmp_path / "laurels.db-wal")
    with pytest.raises(ZeroDivisionError):
        await ledger._writer.run(fail)
    assert await ledger.programs() == []
    await ledger.accept([_order(1)])
    assert await ledger.inbox_depth() == 1
    assert _commits(tmp_path / "laurels.db-wal") - before == 1


async def test_what_would_undo_a_statement_is_written_to_no_file(ledger: SqliteLedger, tmp_path: Path) -> None:
    """All that is handed to the system is the log: copies of pages as they were before would be as much again."""
    program = parse_program(DEFAULT_PROGRAM)
    await ledger.publish(program.version, program.text, None, actor="test")
    awarder, wal = Awarder(ledger, Programs.of(program)), tmp_path / "laurels.db-wal"
    scattered = [
        Order(source="shop", order_id=f"B{n * 331 % 600}", member_id=f"m{n * 7 % 300}", currency="GBP", total=1000)
        for n in range(600)
    ]
    await ledger.accept([order.document() for order in scattered])
    assert await awarder.step(limit=300) == 300
    log, written = wal.stat().st_size, _written()
    assert await awarder.step(limit=300) == 300
    grown = wal.stat().st_size - log
    assert grown > 64 * 1024, "more than SQLite keeps in memory anyhow"
    assert _written() - written < grown + PAGE


async def test_who_gives_up_waiting_does_not_stop_the_others(ledger: SqliteLedger) -> None:
    """A caller that is cancelled does not know; its document may be in, and whoever asks again hears."""
    calls = [asyncio.create_task(ledger.accept([_order(n)])) for n in range(50)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, list) for answer in answers[1::2])
    await ledger.accept([_order(n) for n in range(50)])
    assert await ledger.inbox_depth() == 50


async def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    ledger = SqliteLedger.open(path)
    calls = [asyncio.create_task(ledger.accept([_order(n)])) for n in range(200)]
    await asyncio.sleep(0)
    await ledger.close()
    assert [receipt.repeated for call in calls for receipt in await call] == [False] * 200
    again = SqliteLedger.open(path)
    assert await again.inbox_depth() == 200
    await again.close()


def _commits(wal: Path) -> int:
    """Commits in a write-ahead log: frames that carry the database's size, under the log's present salt."""
    log = wal.read_bytes() if wal.exists() else b""
    salt = log[16:24]
    frames = (log[at : at + FRAME_HEADER] for at in range(WAL_HEADER, len(log), FRAME_HEADER + PAGE))
    return sum(frame[8:16] == salt and frame[4:8] != b"\0\0\0\0" for frame in frames)


def _written() -> int:
    """Bytes that this process handed to the system to be written."""
    counters = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(dict(line.split(": ") for line in counters)["wchar"])


def _order(n: int) -> Document:
    return Order(source="shop", order_id=f"A{n}", member_id=f"m{n % 5}", currency="GBP", total=1000).document()
