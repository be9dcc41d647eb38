"""A process that writes is killed at random moments, again and again: what it acknowledged is there, and no more.

NEVER loses an acknowledged order, never counts one twice: acked <= applied <= acked + unknown at each moment, and
equality once the unknown were sent again.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger
from laurels.model import DocumentKind, EntryKind, Mark, Order
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.verifying import findings_of

SECONDS = float(os.environ.get("LAURELS_KILL_SECONDS") or 8)
"""How long the killing goes on; give more to look harder."""

MEMBERS = 23


def order(n: int) -> Order:
    return Order(source="shop", order_id=f"A{n}", member_id=f"m{n % MEMBERS}", currency="GBP", total=1000 + n % 7 * 500)


async def write(path: Path, first: int) -> None:
    """The process that is killed: many tasks accept and award; each says before and after what it does."""
    ledger = SqliteLedger.open(path)
    program = parse_program(DEFAULT_PROGRAM)
    await ledger.publish(program.version, program.text, None, actor="test")
    awarder = Awarder(ledger, Programs.of(program))

    async def keep_accepting(start: int) -> None:
        for n in range(start, first + 1_000_000, 16):
            _say(f"invoked {n}")
            await ledger.accept([order(n).document()])
            _say(f"acked {n}")

    async def keep_awarding() -> None:
        while True:
            if not await awarder.step(limit=50):
                await ledger.wait_for_work(1)

    await asyncio.gather(*(keep_accepting(first + task) for task in range(16)), keep_awarding(), keep_awarding())


def _say(what: str) -> None:
    """Straight to the pipe: what was said is heard, whenever the process dies."""
    os.write(1, f"{what}\n".encode())


@pytest.mark.long
@pytest.mark.timeout(SECONDS * 3 + 300)
def test_killed_again_and_again_it_keeps_what_it_acknowledged(
    tmp_path: Path, rng: random.Random, figures: Counter[str]
) -> None:
    kill_for(SECONDS, tmp_path / "laurels.db", rng, figures)


def kill_for(seconds: float, path: Path, rng: random.Random, figures: Counter[str]) -> None:
    """Kill writers at one file for so long, and until one died between a call and its answer; look after each, and
    count everything at the end.
    """
    invoked: set[int] = set()
    acked: set[int] = set()
    kills = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline or not 0 < len(acked) < len(invoked):
        _run_and_kill(path, rng, max(invoked, default=-1) + 1, invoked, acked)
        kills += 1
        applied = asyncio.run(_applied(path, invoked))
        figures["lost"] += len(acked - applied)
        assert acked <= applied <= invoked, f"kill {kills}: lost {acked - applied}, not asked for {applied - invoked}"
    print(f"{kills} kills, {len(invoked)} orders invoked, {len(acked)} acknowledged")
    figures["kills"] += kills
    figures["acknowledged"] += len(acked)
    figures["unknown, sent again"] += len(invoked - acked)
    asyncio.run(_retry_and_check(path, invoked, acked))


def _run_and_kill(path: Path, rng: random.Random, first: int, invoked: set[int], acked: set[int]) -> None:
    """Start a writer, kill it at a random moment after its first call, and read what it said."""
    with subprocess.Popen([sys.executable, __file__, str(path), str(first)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first_line = process.stdout.readline()
        assert first_line, "the writer could not start"
        killing = rng.choice((0.0, 0.01, 0.05, 0.2, 0.4)) * rng.random()
        heard = [first_line]
        at = time.monotonic() + killing
        os.set_blocking(process.stdout.fileno(), False)
        while time.monotonic() < at:
            heard.append(process.stdout.read() or b"")
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.set_blocking(process.stdout.fileno(), True)
        heard.append(process.stdout.read())
    for line in b"".join(heard).decode().splitlines():
        what, n = line.split()
        (acked if what == "acked" else invoked).add(int(n))


async def _applied(path: Path, invoked: set[int]) -> set[int]:
    """The orders that the ledger has, after whatever recovery it needs. It is sound each time."""
    ledger = SqliteLedger.open(path)
    found = {n for n in invoked if await ledger.document(DocumentKind.ORDER, "shop", f"A{n}")}
    assert await findings_of(ledger) == []
    await ledger.close()
    return found


async def _retry_and_check(path: Path, invoked: set[int], acked: set[int]) -> None:
    """Send everything again that was not answered, and what was: each order counts once."""
    ledger = SqliteLedger.open(path)
    program = parse_program(DEFAULT_PROGRAM)
    awarder = Awarder(ledger, Programs.of(program))
    receipts = await ledger.accept([order(n).document() for n in sorted(acked)])
    assert all(receipt.repeated for receipt in receipts)
    await ledger.accept([order(n).document() for n in sorted(invoked - acked)])
    await awarder.drain()
    entries = []
    mark = Mark()
    while read := await ledger.feed(0, mark, 5000):
        entries += read
        mark = Mark(read[-1].position, read[-1].hash)
    earned = [entry.order_id for entry in entries if entry.kind is EntryKind.EARN]
    assert sorted(earned, key=str) == sorted((f"A{n}" for n in invoked), key=str)
    for member in range(MEMBERS):
        found = await ledger.balance(f"m{member}")
        expected = sum((1500 + n % 7 * 500) // 1000 for n in invoked if n % MEMBERS == member)
        assert (found[0].balance if found else 0) == expected
    assert await findings_of(ledger) == []
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
