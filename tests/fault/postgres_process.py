"""A process of a shop on a PostgreSQL server, to be killed: takes orders in, settles, or awards, until it is.

    python -m tests.fault.postgres_process ROLE URL TAG FOLDER

Who takes orders in or settles writes down in FOLDER/TAG what was answered, before it goes on, and sends the same again
where no answer came.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LedgerUnavailable
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
    answered = folder / tag
    rng = Random(tag)
    n = 0
    while True:
        n += 1
        if role == "award":
            await patient(awarder.step)
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


async def patient(work: Callable[[], Awaitable[T]]) -> T:
    """Do something as often as it takes."""
    while True:
        try:
            return await work()
        except LedgerUnavailable:
            await asyncio.sleep(AGAIN_S)


def note(answered: Path, ids: list[str]) -> None:
    """Write down what was answered."""
    with answered.open("a") as file:
        file.write("".join(f"{id}\n" for id in ids))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
