"""A full disk, or one that refuses to write: what is refused was not accepted, and once there is room all goes on."""

import asyncio
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerUnavailable
from laurels.model import Document, DocumentKind, Order, Status
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.verifying import findings_of

pytestmark = pytest.mark.anyio

SPACE_KIB = 2048
RAW = b"x" * 3000
"""As received: what fills the disk."""

_program = parse_program(DEFAULT_PROGRAM)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 2 MiB; where none may be mounted, a limit in the ledger's file takes its place."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = os.geteuid() == 0 and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", f"size={SPACE_KIB}k", "tmpfs", str(folder)], stderr=subprocess.DEVNULL
    )
    yield folder
    if mounted:
        subprocess.check_call(["umount", str(folder)])


async def test_a_full_disk_accepts_nothing_by_halves_and_goes_on_with_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (SPACE_KIB * 512))
    ledger = SqliteLedger.open(small_disk / "laurels.db")
    _limit_pages(ledger, small_disk)
    awarder = await _awarder(ledger)
    acknowledged, refused = await _accept_until_refused(ledger)
    with pytest.raises(LedgerUnavailable, match=r"full|cannot take this now"):
        await awarder.drain()
    assert await _accepted(ledger, [*acknowledged, *refused]) == acknowledged

    ballast.unlink()
    _unlimit_pages(ledger)
    receipts = await ledger.accept([_order(n) for n in refused])
    assert not any(receipt.repeated for receipt in receipts)
    assert await awarder.drain() == len(acknowledged) + len(refused)
    await _is_sound(ledger, len(acknowledged) + len(refused))
    await ledger.close()


async def test_a_disk_too_small_for_a_ledger_is_refused(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"\0" * (SPACE_KIB * 1024 - 40 * 1024))
    path = small_disk / "laurels.db"
    with _little_room(small_disk), pytest.raises(LedgerUnavailable, match=r"full|cannot take this now"):
        SqliteLedger.open(path)
    (small_disk / "ballast").unlink()
    ledger = SqliteLedger.open(path)
    await ledger.accept([_order(0)])
    await ledger.close()


async def test_a_write_that_fails_accepts_nothing_by_halves(tmp_path: Path) -> None:
    """The system refuses to let the file or its log grow: an error in the middle of writing, not a full disk."""
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    awarder = await _awarder(ledger)
    with _files_no_larger_than(SPACE_KIB * 512):
        acknowledged, refused = await _accept_until_refused(ledger)
        assert await _accepted(ledger, [*acknowledged, *refused]) == acknowledged
    receipts = await ledger.accept([_order(n) for n in refused])
    assert not any(receipt.repeated for receipt in receipts)
    assert await awarder.drain() == len(acknowledged) + len(refused)
    await _is_sound(ledger, len(acknowledged) + len(refused))
    await ledger.close()


def _little_room(folder: Path) -> AbstractContextManager[None]:
    return nullcontext() if folder.is_mount() else _files_no_larger_than(40 * 1024)


def _limit_pages(ledger: SqliteLedger, folder: Path) -> None:
    if not folder.is_mount():
        _pragma(ledger, "max_page_count", SPACE_KIB // 8)


def _unlimit_pages(ledger: SqliteLedger) -> None:
    _pragma(ledger, "max_page_count", 2**30)


def _pragma(ledger: SqliteLedger, name: str, value: int) -> None:
    ledger._writer._db.connection.pragma(name, value)


@contextmanager
def _files_no_larger_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def _awarder(ledger: SqliteLedger) -> Awarder:
    await ledger.publish(_program.version, _program.text, None, actor="test")
    return Awarder(ledger, Programs.of(_program))


async def _accept_until_refused(ledger: SqliteLedger) -> tuple[list[int], list[int]]:
    """Many at once, until the ledger refuses; which orders were acknowledged and which refused."""
    acknowledged: list[int] = []
    refused: list[int] = []

    async def accept(n: int) -> None:
        try:
            await ledger.accept([_order(n)])
        except LedgerUnavailable:
            refused.append(n)
        else:
            acknowledged.append(n)

    for start in range(0, 2000, 20):
        await asyncio.gather(*(accept(n) for n in range(start, start + 20)))
        if refused:
            return sorted(acknowledged), sorted(refused)
    raise AssertionError("the disk never became full")


async def _accepted(ledger: SqliteLedger, orders: list[int]) -> list[int]:
    """Which of them the ledger knows. Reading goes on while nothing can be written."""
    found = {n: await ledger.document(DocumentKind.ORDER, "shop", f"A{n}") for n in orders}
    assert {state.status for state in found.values() if state} <= {Status.ACCEPTED}
    return sorted(n for n, state in found.items() if state)


async def _is_sound(ledger: SqliteLedger, orders: int) -> None:
    assert await findings_of(ledger) == []
    totals = [await ledger.balance(f"m{member}") for member in range(7)]
    assert sum(found[0].balance for found in totals if found) == orders


def _order(n: int) -> Document:
    order = Order(source="shop", order_id=f"A{n}", member_id=f"m{n % 7}", currency="GBP", total=1000)
    return order.document(raw=RAW)
