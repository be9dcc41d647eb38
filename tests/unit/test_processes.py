"""Child processes are started again, also where the system had none to give."""

import asyncio
import signal
import sys
from typing import Any

import pytest

from laurels.runtime import processes
from laurels.runtime.processes import keep_running, stop_on_signals

pytestmark = pytest.mark.anyio


async def test_a_child_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()
    told: list[str] = []
    tries = 0
    start = asyncio.create_subprocess_exec

    async def refusing(*_: Any, **options: Any) -> asyncio.subprocess.Process:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return await start(sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(3)", **options)

    def tell(event: str) -> None:
        told.append(event)
        if event == "started":
            stop.set()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refusing)
    monkeypatch.setattr(processes, "FIRST_PAUSE_S", 0.01)
    await asyncio.wait_for(keep_running(["work"], stop, tell), 60)
    assert (tries, told) == (3, ["died", "died", "started"])


async def test_pauses_double_while_a_child_keeps_dying(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()
    paused: list[float] = []
    start = asyncio.create_subprocess_exec

    async def dying(*_: Any, **options: Any) -> asyncio.subprocess.Process:
        return await start(sys.executable, "-S", "-c", "raise SystemExit(1)", **options)

    async def sleep(seconds: float, stop: asyncio.Event) -> None:
        paused.append(seconds)
        if len(paused) == 8:
            stop.set()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", dying)
    monkeypatch.setattr(processes, "sleep", sleep)
    await asyncio.wait_for(keep_running(["work"], stop), 60)
    assert paused == [0.5, 1, 2, 4, 8, 16, 30, 30]


NOHUP = """
import asyncio, signal
from laurels.runtime.processes import stop_on_signals

async def main():
    stop_on_signals()
    signal.raise_signal(signal.SIGHUP)
    await asyncio.sleep(0)
    print("goes on")

signal.signal(signal.SIGHUP, signal.SIG_IGN)
asyncio.run(main())
"""


async def test_a_terminal_that_is_closed_stops_it_unless_nohup_says_otherwise() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may be run under nohup themselves
    stop = stop_on_signals()
    signal.raise_signal(signal.SIGHUP)
    await asyncio.wait_for(stop.wait(), 60)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", NOHUP, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert (child.returncode, said) == (0, b"goes on\n")
