"""The other processes of `serve`: started, watched, started again when they die, and told to finish at the end.

A child exits with its parent: its standard input is a pipe from there. When the parent ends, however it ends, the pipe
closes and the child finishes and leaves; no process is left behind.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

import structlog

from laurels import clock
from laurels.workers import sleep

CHILD = "--exit-with-parent"
"""Marks a child's command line."""

FINISH_WITHIN_S = 20.0
"""How long a child may take for what it has begun, once told to stop."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pauses before a child is started again; they double while it keeps dying."""

STEADY_S = 60.0
"""A child that ran this long did not die at its start."""

ChildEvent = Literal["started", "died"]

log = structlog.get_logger(__name__)


async def keep_running(
    arguments: Sequence[str], stop: asyncio.Event, tell: Callable[[ChildEvent], object] = str
) -> None:
    """Run `laurels ARGUMENTS` as a child until `stop` is set; start it again whenever it ends before that.

    `tell` hears when it is started and when it died.
    """
    pause = FIRST_PAUSE_S
    while not stop.is_set():
        started = clock.elapsed()
        ended_as: dict[str, object]
        try:
            child = await _start(arguments)
        except OSError as error:  # no process or no descriptor is left for it just now
            ended_as = {"error": error.strerror}
        else:
            tell("started")
            ended_as = {"code": await _ended(child, stop)}
        if stop.is_set():
            return
        if clock.elapsed() - started > STEADY_S:
            pause = FIRST_PAUSE_S
        tell("died")
        log.error("process.died", part=arguments[0], again_in_s=pause, **ended_as)
        await sleep(pause, stop)
        pause = min(2 * pause, LONGEST_PAUSE_S)


async def _start(arguments: Sequence[str]) -> asyncio.subprocess.Process:
    # A session of its own, so that Ctrl-C reaches the parent alone, which then tells its children in its own order.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "laurels", *arguments, CHILD, stdin=asyncio.subprocess.PIPE, start_new_session=True
    )


async def _ended(child: asyncio.subprocess.Process, stop: asyncio.Event) -> int | None:
    """Wait for a child's end, which a stop brings about; its exit code."""
    stopping = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(child.wait())
    try:
        await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not ended.done():
            await _finish(child, ended)
    return child.returncode


def stop_on_signals(*, with_parent: bool = False) -> asyncio.Event:
    """An event that SIGINT, SIGTERM and SIGHUP set; `with_parent`, the end of standard input too."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _stop_signals():
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _parent_gone, loop, stop)
    return stop


@contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """The same for the length of a block; after it, Ctrl-C interrupts as ever."""
    yield stop_on_signals()
    for number in _stop_signals():
        asyncio.get_running_loop().remove_signal_handler(number)


def _stop_signals() -> list[signal.Signals]:
    """Those that end a process in peace. A terminal that is closed is one, unless `nohup` says otherwise."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    return heard


def _parent_gone(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Nobody writes to the pipe, so it is readable when it is closed."""
    loop.remove_reader(sys.stdin.fileno())
    stop.set()


async def _finish(child: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    with suppress(ProcessLookupError):  # it ended a moment ago
        child.terminate()
    _, late = await asyncio.wait({ended}, timeout=FINISH_WITHIN_S)
    if late:
        log.error("process.killed", pid=child.pid)
        with suppress(ProcessLookupError):
            child.kill()
        await ended
