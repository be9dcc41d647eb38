"""The process that draws charts, started, watched, and started again when it dies.

The library keeps the interpreter while it draws, some 20 ms: in the console's own process nobody would be answered
meanwhile, whatever thread it ran in.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from laurels import clock
from laurels.logs import describe

LENGTH_BYTES = 4
"""As `draw_charts.py` has it, which is run and not imported."""

DRAW_WITHIN_S, BEGIN_WITHIN_S, END_WITHIN_S = 5.0, 30.0, 5.0
"""How long a picture may take; how long the first one, with what is loaded for it; and its end."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pauses before it is started again; they double while it keeps dying."""

STEADY_S = 60.0
"""One that ran this long did not die at its start."""

_PROGRAM = str(Path(__file__).with_name("draw_charts.py"))
_BROKEN = (OSError, EOFError, TimeoutError, RuntimeError)
"""How a process is found to be gone, or to be of no use; the last one is uvloop's for a pipe that is closed."""

log = structlog.get_logger(__name__)


class ChartProcess:
    """Draws one picture at a time in another process, which is begun when it is first needed. Close it at the end."""

    def __init__(self, first: bytes, first_pause_s: float = FIRST_PAUSE_S) -> None:
        """`first` is drawn for nobody whenever the process was started: the first picture takes half a second."""
        self._first = first
        self._first_pause_s = first_pause_s
        self._child: asyncio.subprocess.Process | None = None
        self._started: asyncio.subprocess.Process | None = None
        self._has_begun = asyncio.Event()
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None where none is there to draw."""
        return None if self._child is None else self._child.pid

    @property
    def has_died(self) -> bool:
        """Whether it was there, or could not be started, and there is none now."""
        return self._has_begun.is_set() and self._child is None

    def begin(self) -> None:
        """Start it, and keep it running."""
        if self._running is None:
            self._running = asyncio.create_task(self._keep_running(), name="laurels-charts")

    async def close(self) -> None:
        """End it."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        if self._started is not None:  # it may have been about to end
            await _end(self._started)

    async def draw(self, spec: bytes) -> bytes:
        """The picture of a specification; empty where it is not drawn: there is no process now, or this one died of it
        or took too long. Waits for the first start, and for no later one. Must not be cancelled: the answer would be
        taken for the next one's.
        """
        self.begin()
        await self._has_begun.wait()
        async with self._turn:
            child = self._child
            if child is None:
                return b""
            try:
                async with asyncio.timeout(DRAW_WITHIN_S):
                    return await _ask(child, spec)
            except _BROKEN:
                self._child = None
                _kill(child)
                return b""

    async def _keep_running(self) -> None:
        pause_s = self._first_pause_s
        while True:
            started = clock.elapsed()
            try:
                code = await self._run()
            except Exception as error:  # noqa: BLE001 - whatever it was, pictures are drawn again
                code = None
                log.error("charts.failed", **describe(error))  # noqa: TRY400 - not its words
            self._has_begun.set()  # nobody waits for what could not be started
            if clock.elapsed() - started > STEADY_S:
                pause_s = self._first_pause_s
            log.error("charts.died", code=code, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _run(self) -> int | None:
        """Run it once, to its end; gives its exit code. Raises what there is where it could not be started: `OSError`
        where no process or no descriptor is left for it just now.
        """
        child = self._started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # modules beside the program are not for it
            _PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the console, which then ends it
        )
        try:
            async with asyncio.timeout(BEGIN_WITHIN_S):
                await _ask(child, self._first)
            self._child = child
            self._has_begun.set()
            await child.wait()
        except _BROKEN:
            _kill(child)
        finally:
            self._child = None
            await _end(child)
        return child.returncode


async def _ask(child: asyncio.subprocess.Process, spec: bytes) -> bytes:
    assert child.stdin is not None, "piped"
    assert child.stdout is not None, "piped"
    child.stdin.write(len(spec).to_bytes(LENGTH_BYTES, "big") + spec)
    await child.stdin.drain()
    length = int.from_bytes(await child.stdout.readexactly(LENGTH_BYTES), "big")
    return await child.stdout.readexactly(length)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Let it end, which it does as soon as nobody can ask it any more."""
    assert child.stdin is not None, "piped"
    child.stdin.close()
    try:
        async with asyncio.timeout(END_WITHIN_S):
            await child.wait()
    except TimeoutError:
        _kill(child)
        await child.wait()


def _kill(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it ended a moment ago
        child.kill()
