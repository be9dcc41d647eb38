"""A file of corrections is made exactly, wherever the process that makes it is killed."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.ledgers import open_ledger

from laurels import clock
from laurels.clock import SECOND
from laurels.jobs import CORRECTIONS, Correction, Corrections, check_corrections
from laurels.ledger.jobs import LEASE, JobState, NewJob
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock

pytestmark = pytest.mark.anyio

WORK = """
import asyncio, sys
from pathlib import Path
from tests.ledgers import open_ledger
from laurels import clock
from laurels.awarding import Awarder, publish
from laurels.intake import Intake
from laurels.jobs import JobRunner, corrections
from laurels.members import Members
from laurels.points import Points
from laurels.program import DEFAULT_PROGRAM, parse_program

async def forget(mails):
    assert not mails

async def main():
    later = int(sys.argv[3])
    now = lambda: clock.now() + later
    corrections.AT_ONCE = int(sys.argv[2])
    ledger = await open_ledger(Path(sys.argv[1]), now)
    programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
    noted = ledger.note_job
    async def note(*args, **named):
        answer = await noted(*args, **named)
        print("noted", flush=True)
        sys.stdin.readline()  # until it is let go on: no step more than one is done before the kill
        return answer
    ledger.note_job = note
    awarder = Awarder(ledger, programs, now)
    members = Members(ledger, awarder, forget, forget)
    runner = JobRunner(ledger, Points(awarder, ledger), members, Intake(ledger), programs)
    print("begun", flush=True)
    while await runner.step():
        pass
    print("done", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("rows", "at_once", "kills"),
    [(300, 40, 3), pytest.param(100_000, 500, 20, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
async def test_killed_again_and_again_it_is_exact(
    tmp_path: Path, seed: int, rows: int, at_once: int, kills: int
) -> None:
    """Each time after so many steps, wherever the next one is by then; then it is run to its end, and run again."""
    rng = random.Random(seed)
    path = tmp_path / "laurels.db"
    later = 0
    shop = Shop(await open_ledger(path, lambda: clock.now() + later), TurnedClock())
    await shop.ledger.publish(1, DEFAULT_PROGRAM, None, actor="test")
    members = [f"m{n}" for n in range(rows // 20)]
    await shop.ledger.enrol([(member, None) for member in members], actor="test")
    points = [rng.choice([-3, 1, 5, 40]) for _ in range(rows)]
    found = Corrections("f.csv", [_row(n, n % len(members), each) for n, each in enumerate(points)])
    said = await check_corrections(shop.ledger, found, None, clock.now())
    for again in (False, True):
        await _start(shop, found)
        for _ in range(0 if again else kills):
            later += LEASE + SECOND
            assert not _is_done(path, at_once, later, rng.randrange(1, max(2, rows // at_once // kills)))
        later += LEASE + SECOND
        assert _is_done(path, at_once, later, rows)
        [job] = await shop.ledger.jobs(limit=1)
        tally = msgspec.json.decode(job.tally)
        made, before = (0, rows) if again else (rows, 0)
        assert (job.state, tally["made"], tally["before"], tally["refused"]) == (JobState.DONE, made, before, 0), seed
        if not again:
            assert (tally["given"], tally["taken"]) == (said.given, said.taken)
        for number, member in enumerate(members[:50]):
            assert (await shop.balance(member)).balance == sum(points[number :: len(members)]), (seed, member)
    heads = await shop.ledger.heads()
    assert sum(mark.position for mark in heads.marks.values()) == rows + len(members)
    await shop.ledger.close()


def _row(n: int, member: int, points: int) -> Correction:
    return Correction(n + 1, member, points, "import", f"k{n}", "late", "", board=True, quiet=True)


async def _start(shop: Shop, found: Corrections) -> None:
    job = NewJob(
        kind=CORRECTIONS,
        actor="test",
        digest="d",
        about=b"{}",
        total=len(found.rows),
        content=msgspec.json.encode(found),
    )
    await shop.ledger.add_job(job)


def _is_done(path: Path, at_once: int, later: int, steps: int) -> bool:
    """Work in a process of its own, by a clock so much later, and kill it after so many steps. Whether it was done."""
    command = [sys.executable, "-c", WORK, str(path), str(at_once), str(later)]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert worker.stdin is not None
    assert worker.stdout is not None
    said = worker.stdout.readline().strip()
    for _ in range(steps + 1):
        said = worker.stdout.readline().strip()
        if said in {"done", ""}:
            break
        worker.stdin.write("\n")
        worker.stdin.flush()
    worker.send_signal(signal.SIGKILL)
    worker.stdin.close()
    worker.stdout.close()
    worker.wait()
    assert said, "it ended by itself"
    return said == "done"


READS = """
import asyncio, os, signal
from laurels.exchange import adjustments
from laurels.jobs import read_corrections
adjustments.open_table = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(read_corrections(None, "f.csv", "member_id,points,reason\\nann,5,secret\\n"))
"""
"""Reads a file that came over the wire, and dies over it."""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file has a name while it is read")
def test_who_dies_over_a_file_leaves_none(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", READS], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    assert died.returncode == -signal.SIGKILL
    assert [*tmp_path.iterdir()] == []
