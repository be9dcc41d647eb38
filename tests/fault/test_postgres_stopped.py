"""A worker is stopped, as a machine stops that runs out of memory or is moved: between two batches, or in the middle of
one with a shard's row locked. Its kernel goes on answering. The others award what lies in its shards, and when it wakes
it changes nothing.
"""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.fault.test_postgres_killed import REPOSITORY
from tests.postgres_server import Databases, name_of

from laurels.awarding import Awarder, publish
from laurels.clock import elapsed
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LedgerUnavailable
from laurels.model import EntryKind
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

SOON_S = 60

STOPPED_S, TAKEN_OVER_S = 30.0, 4.0
"""In the long form: how long the worker is stopped, and within which others award what lies in its shards."""


def state_of(process: "subprocess.Popen[bytes]") -> str:
    """What the kernel says of a process: T where it is stopped."""
    return Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(SOON_S):
        while not await is_so():  # noqa: ASYNC110 - another process makes it so
            await asyncio.sleep(0.05)


async def count(postgres: Databases, database: str, query: str) -> int:
    return int(await asyncio.to_thread(postgres.server.sql, query, name_of(database)))


@pytest.mark.long
@pytest.mark.parametrize("where", ["stopped between", "stopped inside"])
async def test_others_award_for_a_worker_that_is_stopped(
    database: str, postgres: Databases, tmp_path: Path, where: str
) -> None:
    """It sleeps for as long as it takes the others to award: longer than a lease, which has to lapse first."""
    await stopped_for(0, database, postgres, tmp_path, where)


@pytest.mark.soak
@pytest.mark.parametrize("where", ["stopped between", "stopped inside"])
async def test_others_award_within_four_seconds(database: str, postgres: Databases, tmp_path: Path, where: str) -> None:
    took_s = await stopped_for(STOPPED_S, database, postgres, tmp_path, where)
    print(f"{where}: all was awarded {took_s:.1f} s after the worker was stopped, for {STOPPED_S:.0f} s")
    assert took_s <= TAKEN_OVER_S


async def stopped_for(stopped_s: float, database: str, postgres: Databases, folder: Path, where: str) -> float:
    """Stop a worker, for so long at least, and see that nothing is lost, doubled, or changed as it wakes; gives after
    how many seconds the others had awarded all that lay there.
    """
    ledger = await PostgresLedger.open(database)
    shop = Shop(ledger, TurnedClock())
    shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
    shop.awarder = Awarder(ledger, shop.programs)
    command = [sys.executable, "-m", "tests.fault.postgres_process", where, database, "worker", str(folder)]
    worker = await asyncio.to_thread(subprocess.Popen, command, cwd=REPOSITORY)
    try:
        await until(lambda: is_so(count(postgres, database, "SELECT count(*) FROM lease WHERE until > now()"), 16))
        await shop.accept(*(order(f"A{n}", f"m{n}", "10.00") for n in range(40)))
        await until(lambda: is_so(asyncio.to_thread(state_of, worker), "T"))
        stopped_at = elapsed()
        await shop.accept(*(order(f"B{n}", f"m{n}", "10.00") for n in range(40)))
        await until(lambda: is_awarded(shop))  # of all shards, those of the one that is stopped too
        took_s = elapsed() - stopped_at
        sold = [f"{letter}{n}" for letter in "AB" for n in range(40)]
        while elapsed() < stopped_at + stopped_s:
            sold.append(f"D{len(sold)}")
            await shop.sell(order(sold[-1], f"m{len(sold) % 40}", "10.00"))
            await asyncio.sleep(0.5)
        before = await ledger.heads()
        earned = Counter(entry.order_id for entry in await shop.feed() if entry.kind is EntryKind.EARN)
        assert earned == Counter(sold)
        worker.send_signal(signal.SIGCONT)
        await until(lambda: is_so(count(postgres, database, "SELECT count(*) FROM awarder WHERE until > now()"), 2))
        await ledger.own()
        assert (await ledger.heads()).marks == before.marks
        await shop.sell(*(order(f"C{n}", f"m{n}", "10.00") for n in range(16)))
        assert await shop.findings() == []
    finally:
        worker.kill()
        worker.wait()
        await ledger.close()
    return took_s


async def is_awarded(shop: Shop) -> bool:
    """Whether nothing is left, tried as a worker does: again where the stopped one still holds a shard's lock."""
    try:
        await shop.award()
    except LedgerUnavailable:
        return False
    return await shop.ledger.inbox_depth() == 0


async def is_so(asked: Awaitable[object], expected: object) -> bool:
    return await asked == expected
