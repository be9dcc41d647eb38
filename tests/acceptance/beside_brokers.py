"""`laurels` beside a broker: a command that goes on, and what came of it in the ledger."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import kafka_server
from tests.acceptance.command_line import LAURELS, laurels
from tests.acceptance.test_how_tos import commands
from tests.fault.brokers import Kafka
from tests.ledgers import open_ledger


def shown_command(page: Path, *beginning: str, but: list[str] | None = None) -> list[str]:
    """The first command of a page that begins so, other than another; the last word is the beginning of a word."""
    *whole, first = beginning
    for each in commands(page):
        if each != but and each[: len(whole)] == whole and "".join(each[len(whole) :][:1]).startswith(first):
            return each
    raise AssertionError(f"{page.name} has no laurels {' '.join(beginning)}")


def made_ledger(folder: Path) -> Path:
    """The state directory of a new ledger."""
    state = folder / "state"
    assert laurels("work", "--once", "--state", state).returncode == 0
    return state


@contextmanager
def running(state: Path, arguments: list[str], **environment: str) -> Iterator[None]:
    """A command that goes on until the end of the block, and then leaves in order."""
    command = [str(LAURELS), *arguments, "--state", str(state)]
    with (state.parent / "log").open("ab") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
        try:
            yield
            assert process.poll() is None, (state.parent / "log").read_text()
        finally:
            process.terminate()
            assert process.wait(60) == 0, (state.parent / "log").read_text()


def counted(state: Path) -> tuple[int, int]:
    """How many documents wait to be awarded, and how many are in quarantine."""

    async def ask() -> tuple[int, int]:
        ledger = await open_ledger(state / "laurels.db")
        try:
            return await ledger.inbox_depth(), len(await ledger.quarantine(limit=1000))
        finally:
            await ledger.close()

    return asyncio.run(ask())


def points_of(state: Path, member_id: str) -> int:
    """What a member has, after all was awarded."""
    assert laurels("work", "--once", "--state", state).returncode == 0

    async def ask() -> int:
        ledger = await open_ledger(state / "laurels.db")
        try:
            balance = await ledger.balance(member_id)
            assert balance is not None
            return balance[0].balance
        finally:
            await ledger.close()

    return asyncio.run(ask())


def fill_kafka(server: kafka_server.KafkaServer, *bodies: bytes) -> None:
    """Make the topic of orders, with messages in it."""

    async def fill() -> None:
        broker = Kafka(server)
        await broker.make()
        await broker.send(bodies)

    asyncio.run(fill())
