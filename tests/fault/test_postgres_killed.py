"""Processes of a shop on one PostgreSQL server are killed at any moment, and so is the server: nothing acknowledged is
lost, nothing counts twice, and the ledger verifies.
"""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest
from tests.postgres_server import PostgresServer, binaries, running

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.model import EntryKind
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock

pytestmark = pytest.mark.timeout(900)

REPOSITORY = Path(__file__).parents[2]
ROLES = ("accept", "accept", "settle", "award", "award")
PROGRESS_WITHIN_S = 60


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own."""
    with running(binaries()) as server:
        server.sql("CREATE DATABASE shop")
        asyncio.run(PostgresLedger.migrate(server.url("shop")))
        yield server


class Process:
    """One of the shop's processes, started anew whenever it is killed."""

    def __init__(self, role: str, url: str, folder: Path, number: int) -> None:
        self._arguments = role, url
        self._folder = folder
        self._number = number
        self._starts = 0
        self.start()

    def start(self) -> None:
        self._starts += 1
        tag = f"{self._arguments[0]}-{self._number}-{self._starts}"
        command = [sys.executable, "-m", "tests.fault.postgres_process", *self._arguments, tag, str(self._folder)]
        self._process = subprocess.Popen(command, cwd=REPOSITORY)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def answered(folder: Path) -> list[str]:
    """What was acknowledged so far. The last line of a file may be half written."""
    return [id for file in folder.iterdir() for id in file.read_text().splitlines(keepends=True) if id.endswith("\n")]


def wait_for_more(folder: Path, before: int) -> None:
    """Wait until something more was acknowledged: the kill comes while the shop is at work."""
    until = monotonic() + PROGRESS_WITHIN_S
    while len(answered(folder)) <= before:
        assert monotonic() < until, "nobody gets anywhere"
        sleep(0.02)


def kill_and_crash(server: PostgresServer, folder: Path, rng: Random, kills: int) -> None:
    """Let the shop run, kill one of its processes so many times, and crash the server on the way."""
    crash_at = rng.randrange(kills)
    processes = [Process(role, server.url("shop"), folder, n) for n, role in enumerate(ROLES)]
    try:
        for kill in range(kills):
            wait_for_more(folder, len(answered(folder)))
            sleep(rng.random() / 5)
            if kill == crash_at:
                server.stop(signal.SIGQUIT)
                server.start()
            victim = rng.choice(processes)
            victim.kill()
            victim.start()
        wait_for_more(folder, len(answered(folder)))
    finally:
        for process in processes:
            process.kill()


async def nothing_is_lost_or_double(url: str, acknowledged: set[str]) -> int:
    """Award what is left, and count."""
    ledger = await PostgresLedger.open(url)
    try:
        shop = Shop(ledger, TurnedClock())
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs)
        await shop.award()
        counted = Counter(entry.order_id for entry in await shop.feed() if entry.kind is EntryKind.EARN)
        assert set(counted.values()) <= {1}
        orders = {id for id in acknowledged if id.startswith("accept")}
        assert orders <= set(counted)
        adjusted = sum(entry.kind is EntryKind.ADJUST for entry in await shop.feed())
        assert adjusted >= len(acknowledged - orders)
        assert await shop.findings() == []
        return len(acknowledged)
    finally:
        await ledger.close()


@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=pytest.mark.long)])
def test_whoever_is_killed_nothing_acknowledged_is_lost(
    server: PostgresServer, tmp_path: Path, rng: Random, kills: int, figures: Counter[str]
) -> None:
    kill_and_crash(server, tmp_path, rng, kills)
    figures["acknowledged"] += asyncio.run(
        nothing_is_lost_or_double(server.url("shop"), {id.strip() for id in answered(tmp_path)})
    )
    figures["kills"] += kills
