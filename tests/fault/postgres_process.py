"""A process of a shop on a PostgreSQL server, to be killed: takes orders in, settles, or awards, until it is. One that
is `stopped between` stops itself after the first batch that it awarded, and one `stopped inside` in the middle of its
transaction, until somebody lets it go on.

    python -m tests.fault.postgres_process ROLE URL TAG FOLDER

Who takes orders in or settles writes down in FOLDER/TAG what was answered, before it goes on, and sends the same again
where no answer came.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LedgerUnavailable, NotOwned
from laurels.ledger import Claim, Decide, Outcome
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import adjustment, order

T = TypeVar("T")

MEMBERS = 60
AGAIN_S = 0.05
"""How soon it is tried again where the server is away."""


async def main(role: str, url: str, tag: str, folder: Path) -> None:
    """Run until killed."""
    ledger = await patient(lambda: PostgresLedger.open(url))
    awarder = Awarder(ledger, await patient(lambda: publish(ledger, parse_program(DEFAULT_PROGRAM))))
    if role == "stopped inside":
        stop_inside(ledger)
    answered = folder / tag
    rng = Random(tag)
    n = 0
    while True:
        n += 1
        if role in {"award", "stopped inside", "stopped between"}:
            if await patient(awarder.step) and role == "stopped between":
                os.kill(os.getpid(), signal.SIGSTOP)
                role = "award"
            await patient(lambda: ledger.wait_for_work(0.2))
        elif role == "settle":
            document = adjustment(f"{tag}-{n}", f"m{rng.randrange(MEMBERS)}", 1)
            await patient(lambda: awarder.settle(document))  # noqa: B023 - awaited before the next
            note(answered, [document.id])
        else:
            sold = [order(f"{tag}-{n}-{i}", f"m{rng.randrange(MEMBERS)}", "10.00") for i in range(rng.randint(1, 20))]
            documents = [each.document() for each in sold]
            await patient(lambda: ledger.accept(documents))  # noqa: B023
            note(answered, [each.id for each in documents])


def stop_inside(ledger: PostgresLedger) -> None:
    """Stop this process at the first document that it judges: the shard is locked, nothing is written yet."""
    award = ledger.award
    slept = False

    async def stopping(shard: int, limit: int, decide: Decide, **more: Any) -> int:
        def judge(claim: Claim) -> Outcome:
            nonlocal slept
            if not slept:
                slept = True
                os.kill(os.getpid(), signal.SIGSTOP)
            return decide(claim)

        return await award(shard, limit, judge, **more)

    ledger.award = stopping  # type: ignore[method-assign] # what stands in for it in this process


async def patient(work: Callable[[], Awaitable[T]]) -> T:
    """Do something as often as it takes."""
    while True:
        try:
            return await work()
        except (LedgerUnavailable, NotOwned):
            await asyncio.sleep(AGAIN_S)


def note(answered: Path, ids: list[str]) -> None:
    """Write down what was answered."""
    with answered.open("a") as file:
        file.write("".join(f"{id}\n" for id in ids))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
