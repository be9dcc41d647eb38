"""Other processes' commits are heard at once, and waiting costs nothing while there are none."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from laurels.engines.sqlite import SqliteLedger, change_notice
from laurels.engines.sqlite.change_notice import GIVE_EVERY_S, IDLE_POLL_S, POLL_S, ChangeNotice
from laurels.engines.sqlite.reader import Reader
from laurels.intake import Intake
from laurels.model import Order

pytestmark = pytest.mark.anyio

NEVER_S = 1000.0
TIMEOUT_S = 60.0

OTHER = """
import asyncio, sys
from pathlib import Path
from laurels.engines.sqlite import SqliteLedger
from laurels.intake import Intake
from laurels.model import Order

async def main():
    ledger = SqliteLedger.open(Path(sys.argv[1]))
    print("open", flush=True)
    for number, _ in enumerate(sys.stdin):
        order = Order(source="till", order_id=f"A{number}", member_id="ann", currency="GBP", total=1000)
        await Intake(ledger).accept(order)
        print("accepted", flush=True)
    await ledger.close()

asyncio.run(main())
"""

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has inotify")


class Other:
    """Another process with the same ledger, which accepts an order when told to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    async def accept(self) -> None:
        self._stdin.write(b"\n")
        assert await self._stdout.readline() == b"accepted\n"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    yield ledger
    await ledger.close()


@pytest.fixture
async def other(ledger: SqliteLedger, tmp_path: Path) -> AsyncIterator[Other]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OTHER,
        str(tmp_path / "laurels.db"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert await process.stdout.readline() == b"open\n"
    yield Other(process)
    process.stdin.close()
    assert await process.wait() == 0


def looks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows with every look into the ledger."""
    counted: list[None] = []
    run = Reader.run

    async def counting(self: Reader, *arguments: Any) -> Any:
        counted.append(None)
        return await run(self, *arguments)

    monkeypatch.setattr(Reader, "run", counting)
    return counted


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


async def heard(ledger: SqliteLedger) -> None:
    """Return when there is work; fails where only the time limit ends the wait."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await ledger.wait_for_work(TIMEOUT_S)
    assert loop.time() - began < TIMEOUT_S / 2


@needs_inotify
async def test_another_process_s_commit_is_heard_without_looking(
    ledger: SqliteLedger, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_notice, "LOOK_AGAIN_S", NEVER_S)
    counted = looks(monkeypatch)
    waiting = asyncio.create_task(heard(ledger))
    await asyncio.sleep(0.5)
    assert len(counted) == 1, "one look, and then it waits"
    await other.accept()
    await waiting


@needs_inotify
async def test_a_notice_file_that_somebody_removed_is_watched_again(
    ledger: SqliteLedger, other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_notice, "LOOK_AGAIN_S", NEVER_S)
    waiting = asyncio.create_task(heard(ledger))
    notice = tmp_path / "laurels.db-notice"
    await until(notice.exists)
    notice.unlink()
    await until(notice.exists)  # made anew by the one that listens
    await other.accept()
    await waiting


async def test_where_there_are_no_notices_it_is_looked(
    ledger: SqliteLedger, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> int:
        raise OSError

    monkeypatch.setattr(change_notice, "_inotify", refuse)
    counted = looks(monkeypatch)
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = asyncio.create_task(heard(ledger))
    await asyncio.sleep(1)
    assert len(counted) <= 1 + (loop.time() - began) / IDLE_POLL_S, "slowly, since nothing changes"
    await other.accept()
    await waiting


async def test_looking_slows_down_while_nothing_changes(tmp_path: Path) -> None:
    notice = ChangeNotice(tmp_path / "notice", lambda: None)
    assert notice.pause_s() == IDLE_POLL_S
    notice.found()
    assert notice.pause_s() == POLL_S
    notice.close()


async def test_many_commits_share_a_notice_and_the_last_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = ChangeNotice(tmp_path / "notice", lambda: None)
    written: list[float] = []
    give_now = notice._give_now
    loop = asyncio.get_running_loop()

    def counting() -> None:
        written.append(loop.time())
        give_now()

    monkeypatch.setattr(notice, "_give_now", counting)
    began = loop.time()
    last = began
    while loop.time() - began < 0.3:
        notice.give()
        last = loop.time()
        await asyncio.sleep(0)
    await until(lambda: written[-1] >= last)
    assert len(written) <= 2 + (loop.time() - began) / GIVE_EVERY_S
    notice.close()


async def test_closing_gives_what_was_to_be_given(tmp_path: Path) -> None:
    path = tmp_path / "notice"
    notice = ChangeNotice(path, lambda: None)
    notice.give()
    path.unlink()
    notice.give()
    notice.close()
    assert path.exists()


async def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    notice = ChangeNotice(tmp_path / "nowhere" / "notice", lambda: None)
    notice.listen()
    notice.give()
    notice.close()


async def test_our_own_commits_wake_us_too(ledger: SqliteLedger) -> None:
    waiting = asyncio.create_task(heard(ledger))
    await asyncio.sleep(0)
    await Intake(ledger).accept(Order(source="till", order_id="A1", member_id="ann", currency="GBP", total=1000))
    await waiting
