"""Two real `laurels work` on one ledger of 16 shards: a newcomer gets its share; what one leaves the other takes."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.fault.test_process_tree import PATIENCE_S, until
from tests.ledgers import open_ledger

from laurels.ledger import Ledger
from laurels.model import Mark
from laurels.testing.ledger_contract.base import order
from laurels.testing.verifying import findings_of

pytestmark = pytest.mark.anyio

SHARDS = 16
BATCH = 48
"""Orders of as many members: some in every shard, or nearly."""


class Desk:
    """The state directory, the ledger as another process sees it, and the workers."""

    def __init__(self, state: Path, ledger: Ledger) -> None:
        self.state = state
        self.ledger = ledger
        self.workers: list[subprocess.Popen[bytes]] = []
        self._handed_in = 0

    def start(self) -> "subprocess.Popen[bytes]":
        """Another worker."""
        command = [sys.executable, "-m", "laurels", "work", "--state", str(self.state)]
        worker = subprocess.Popen(command, env={**os.environ, "LAURELS_LEDGER_SHARDS": str(SHARDS)})
        self.workers.append(worker)
        return worker

    def stop(self, worker: "subprocess.Popen[bytes]") -> None:
        """Have a worker sleep outside of a transaction: who sleeps in one has the whole file, and nobody can help."""
        with closing(apsw.Connection(str(self.state / "laurels.db"))) as db:
            db.set_busy_timeout(100)
            while True:
                worker.send_signal(signal.SIGSTOP)
                try:
                    db.execute("BEGIN IMMEDIATE; ROLLBACK")
                except apsw.BusyError:
                    worker.send_signal(signal.SIGCONT)
                else:
                    return

    def shares(self) -> list[int]:
        """How many shards each owner has, the most first."""
        with closing(apsw.Connection(str(self.state / "laurels.db"), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            db.set_busy_timeout(5000)
            owners = Counter(owner for [owner] in db.execute("SELECT owner FROM lease WHERE owner <> ''"))
        return sorted(owners.values(), reverse=True)

    async def hand_in(self) -> None:
        """Orders of members in all shards."""
        numbers = range(self._handed_in, self._handed_in + BATCH)
        await self.ledger.accept([order(f"A{n}", f"m{n % BATCH}", "10.00").document() for n in numbers])
        self._handed_in += BATCH

    async def all_awarded_once(self) -> None:
        """Wait until nothing is left, and see that each order has one entry."""
        heads = await self.ledger.heads()
        while await self.ledger.inbox_depth():
            await self.ledger.wait_for_entries(heads, 0.1)
        earned = [
            entry.order_id
            for shard in range(SHARDS)
            for entry in await self.ledger.feed(shard, Mark(), 10_000)
            if entry.kind == "earn"
        ]
        assert sorted(map(str, earned)) == sorted(f"A{n}" for n in range(self._handed_in))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    desk = Desk(state, await open_ledger(state / "laurels.db", shards=SHARDS))
    yield desk
    for worker in desk.workers:
        worker.kill()
        worker.wait()
    findings = await findings_of(desk.ledger)
    await desk.ledger.close()
    assert findings == []


@pytest.mark.long
async def test_never_keeps_all_shards_from_a_newcomer_nor_leaves_one_to_nobody(desk: Desk) -> None:
    first = desk.start()
    until(lambda: desk.shares() == [16])
    await desk.hand_in()
    second = desk.start()
    until(lambda: desk.shares() == [8, 8])
    await desk.hand_in()
    await desk.all_awarded_once()

    desk.stop(second)  # asleep: its shards go to who is awake, and half of them back when it wakes
    until(lambda: desk.shares() == [16])
    await desk.hand_in()
    await desk.all_awarded_once()
    second.send_signal(signal.SIGCONT)
    until(lambda: desk.shares() == [8, 8])

    first.send_signal(signal.SIGTERM)  # it leaves, and hands over at once
    assert first.wait(PATIENCE_S) == 0
    assert desk.shares() in ([8], [16])
    until(lambda: desk.shares() == [16])
    await desk.hand_in()
    await desk.all_awarded_once()

    desk.start()
    until(lambda: desk.shares() == [8, 8])
    second.kill()
    await desk.hand_in()
    until(lambda: desk.shares() == [16])
    await desk.all_awarded_once()
