"""The power fails: what was written and not synced is lost, all of it or any part. What was acknowledged is there.

The disk is the simulation's (`tests/simulation/disk.py`), here under the real threads and the real sync.
"""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.simulation.disk import LUCK, SYSTEM, Stored, writable

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger
from laurels.model import DocumentKind, Order, Redemption, Status
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.verifying import findings_of

pytestmark = pytest.mark.anyio

LOSSES = 30
"""Power failures, each at another moment."""


class Disk(apsw.VFS):
    """SQLite's file layer, which remembers what was synced. It is the default one until it is unregistered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Stored] = {}
        super().__init__("forgetful", SYSTEM, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "File":  # noqa: N802 - SQLite's name
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        stored = Stored(b"", named=False)
        # Without a path it is for sorting, on no disk.
        return File(stored if path is None else self.files.setdefault(path, stored), name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.files.pop(filename, None)
        super().xDelete(filename, syncdir)

    def fail(self, folder: Path, rng: random.Random) -> None:
        """Write into another folder what a disk may hold after the power failed now."""
        luck = rng.choice(LUCK)
        for name, stored in self.files.items():
            if Path(name).parent == self.folder:
                (folder / Path(name).name).write_bytes(stored.after_power_loss(rng, luck))


class File(apsw.VFSFile):
    """An open file."""

    def __init__(self, stored: Stored, name: Any, flags: list[int]) -> None:
        self._stored = stored
        super().__init__(SYSTEM, name, writable(flags))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._stored.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._stored.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._stored.sync()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    yield disk
    disk.unregister()


async def test_what_was_acknowledged_outlives_a_power_failure(tmp_path: Path, disk: Disk, rng: random.Random) -> None:
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    program = parse_program(DEFAULT_PROGRAM)
    awarder = Awarder(ledger, Programs.of(program))
    await ledger.publish(program.version, program.text, None, actor="test")
    accepted: list[str] = []
    settled: list[str] = []
    awarded = 0
    for loss in range(LOSSES):
        await asyncio.gather(*(_accept(ledger, f"A{loss}-{n}", accepted) for n in range(rng.randint(1, 9))))
        if rng.random() < 0.5:
            await awarder.drain()
            awarded = len(accepted)
            if awarded > 5 * len(settled):
                settled.append(f"S{loss}")
                await awarder.settle(
                    Redemption(source="shop", redemption_id=f"S{loss}", member_id="ann", points=1).document()
                )
        folder = tmp_path / f"after-{loss}"
        folder.mkdir()
        disk.fail(folder, rng)
        await _holds(folder / "laurels.db", accepted, awarded, settled)
    await ledger.close()


async def test_the_file_layer_forgets(tmp_path: Path, disk: Disk) -> None:
    """The test above could not fail if it did not: without syncing, a power failure takes what was acknowledged."""
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    ledger._writer._db.connection.pragma("synchronous", "off")
    accepted: list[str] = []
    await _accept(ledger, "A1", accepted)
    (tmp_path / "after").mkdir()
    disk.fail(tmp_path / "after", _Unlucky())
    with pytest.raises(AssertionError, match="A1"):
        await _holds(tmp_path / "after" / "laurels.db", accepted, 0, [])
    await ledger.close()


class _Unlucky(random.Random):
    """Nothing that was not synced was written."""

    def choice(self, seq: Any) -> Any:
        return seq[0]


async def _accept(ledger: SqliteLedger, order_id: str, accepted: list[str]) -> None:
    order = Order(source="shop", order_id=order_id, member_id="ann", currency="GBP", total=1000)
    await ledger.accept([order.document(raw=b"as received" * 1000)])
    accepted.append(order_id)


async def _holds(path: Path, accepted: list[str], awarded: int, settled: list[str]) -> None:
    """Whether the ledger that is left is sound and has everything that was acknowledged."""
    ledger = SqliteLedger.open(path)
    try:
        assert await findings_of(ledger) == []
        for n, order_id in enumerate(accepted):
            state = await ledger.document(DocumentKind.ORDER, "shop", order_id)
            assert state is not None, order_id
            assert n >= awarded or state.status is Status.AWARDED
        for redemption_id in settled:
            assert await ledger.document(DocumentKind.REDEMPTION, "shop", redemption_id), redemption_id
    finally:
        await ledger.close()
