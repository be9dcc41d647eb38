"""Several processes at one file: each document is awarded once, by whoever takes it, and all see the same."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger
from laurels.model import EntryKind, Mark, Order, Refund
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.verifying import findings_of

PROCESSES = 3
ORDERS = 200
"""For each process; every order is also handed in by the next process."""

MEMBERS = 17
EARNED, TAKEN_BACK = 3, 1


async def work(path: Path, process: int) -> int:
    """Accept this process's orders and the next one's, their refunds, and award whatever is there meanwhile."""
    ledger = SqliteLedger.open(path)
    program = parse_program(DEFAULT_PROGRAM)
    await ledger.publish(program.version, program.text, None, actor="test")
    awarder = Awarder(ledger, Programs.of(program))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    accepting = asyncio.gather(*(_accept(ledger, process, lane) for lane in range(8)))
    taken = 0
    while not accepting.done() or await ledger.inbox_depth():
        taken += await awarder.step(limit=20)
        await ledger.wait_for_work(0.01)
    await accepting
    await ledger.close()
    return taken


async def _accept(ledger: SqliteLedger, process: int, lane: int) -> None:
    for whose in (process, (process + 1) % PROCESSES):
        for n in range(lane, ORDERS, 8):
            id = f"{whose}-{n}"
            common: Any = {"source": "shop", "member_id": f"m{n % MEMBERS}", "currency": "GBP"}
            await ledger.accept(
                [
                    Refund(refund_id=f"R{id}", order_id=f"A{id}", amount=500, **common).document(),
                    Order(order_id=f"A{id}", total=2500, **common).document(),
                ]
            )


def test_processes_that_share_an_inbox_award_each_document_once(tmp_path: Path) -> None:
    path = tmp_path / "laurels.db"
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(path), str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=200)
        assert (process.returncode, err) == (0, "")
        answers.append(int(out))
    assert sum(answers) == 2 * ORDERS * PROCESSES
    assert sum(taken > 0 for taken in answers) > 1, "one process did it all: nothing was tried"
    asyncio.run(_check(path))


async def _check(path: Path) -> None:
    ledger = SqliteLedger.open(path)
    entries = []
    mark = Mark()
    while read := await ledger.feed(0, mark, 1000):
        entries += read
        mark = Mark(read[-1].position, read[-1].hash)
    kinds = Counter(entry.kind for entry in entries)
    assert kinds == {
        EntryKind.ENROL: MEMBERS,
        EntryKind.EARN: ORDERS * PROCESSES,
        EntryKind.REVERSE: ORDERS * PROCESSES,
    }
    assert len({(entry.kind, entry.order_id) for entry in entries if entry.order_id}) == 2 * ORDERS * PROCESSES
    balances = [await ledger.balance(f"m{n}") for n in range(MEMBERS)]
    assert sum(found[0].balance for found in balances if found) == ORDERS * PROCESSES * (EARNED - TAKEN_BACK)
    assert await findings_of(ledger) == []
    await ledger.close()


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))}\n")
