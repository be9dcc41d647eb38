"""A commit that reached the log whole, and whose sync failed: what was answered "nothing was accepted" stays out, also
for whoever opens the file after a crash.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.simulation.disk import SYSTEM, writable

from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerUnavailable, LedgerUncertain
from laurels.model import Document, DocumentKind, MemberEvent, Order

pytestmark = pytest.mark.anyio


class FailingDisk(apsw.VFS):
    """SQLite's file layer. Of the next syncs, those fail for which `fails` says so."""

    def __init__(self) -> None:
        super().__init__("failing", SYSTEM, makedefault=True)
        self.fails: list[bool] = []

    def xOpen(self, name: Any, flags: list[int]) -> "FailingFile":  # noqa: N802 - SQLite's name
        return FailingFile(self, name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__(SYSTEM, name, writable(flags))

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._disk.fails and self._disk.fails.pop(0):
            raise apsw.IOError("the sync failed")
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()


async def test_a_commit_whose_sync_failed_does_not_come_back(tmp_path: Path, disk: FailingDisk) -> None:
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    await ledger.accept([_order("A1")])
    disk.fails = [True]
    with pytest.raises(LedgerUnavailable, match="Nothing was accepted"):
        await ledger.accept([_order("A2")])
    left = shutil.copytree(tmp_path, tmp_path / "left", ignore=shutil.ignore_patterns("*-shm"))
    assert await _orders(left / "laurels.db") == ["A1"]
    await ledger.accept([_order("A2")])
    await ledger.close()


async def test_where_that_fails_too_nobody_says_that_nothing_was_accepted(tmp_path: Path, disk: FailingDisk) -> None:
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    disk.fails = [True, True]
    with pytest.raises(LedgerUncertain):
        await ledger.accept([_order("A1")])
    await ledger.accept([_order("A1")])
    await ledger.close()


async def test_who_was_erased_is_erased_even_where_the_log_cannot_be_folded(tmp_path: Path, disk: FailingDisk) -> None:
    """The commit is synced, and folding the log into the file is not."""
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    await ledger.accept([_order("A1")])
    disk.fails = [False, True]
    await ledger.change_member("ann", MemberEvent.ERASE, actor="clerk")
    assert await ledger.member("ann") is None
    assert (tmp_path / "laurels.db-wal").stat().st_size > 0
    await ledger.close()


def _order(order_id: str) -> Document:
    return Order(source="shop", order_id=order_id, member_id="ann", currency="GBP", total=1000).document()


async def _orders(path: Path) -> list[str]:
    ledger = SqliteLedger.open(path)
    found = [id for id in ("A1", "A2") if await ledger.document(DocumentKind.ORDER, "shop", id)]
    await ledger.close()
    return found
