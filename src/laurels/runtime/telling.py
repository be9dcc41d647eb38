"""Telling people what goes on, on standard error, with nothing that takes long to load."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from laurels import clock
from laurels.runtime.visible import visible

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SECONDS_BETWEEN_LINES = 10.0

Report = Callable[[int, int], None]
"""Called with (done, total)."""

ShowProgress = Callable[[str, str], AbstractContextManager[Report]]
"""Called with what is being done ("projecting") and to what ("entries"); shows it for the length of a block."""


def say(text: str) -> None:
    """Tell what is going on."""
    _write(visible(text))


def complain(text: str) -> None:
    """Say in one line what could not be done."""
    line = f"laurels: {visible(' '.join(text.split()))}"
    _write(f"\x1b[31m{line}\x1b[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else line)


@contextmanager
def lines(doing: str, of: str) -> Iterator[Report]:
    """Progress for a log: a line every ten seconds."""
    last = clock.elapsed()

    def report(done: int, total: int) -> None:
        nonlocal last
        if clock.elapsed() - last >= SECONDS_BETWEEN_LINES:
            last = clock.elapsed()
            say(f"{doing}: {done:,} of {total:,} {of}")

    yield report


def is_unicode(stream: TextIO) -> bool:
    """Whether a stream can take any character."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def fill_standard_streams() -> None:
    """Give a standard stream that was closed (`>&-`) its place back, before a file of ours gets its number and what is
    printed goes into that. Input is empty then, and what is told goes nowhere; a result fails as where nobody reads it.
    """
    if sys.stdin is None:
        _put(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        _put(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        reading, writing = os.pipe()
        _put(writing, 1)
        if reading != 1:
            os.close(reading)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def write_out(*, quietly: bool = False) -> None:
    """Write what is still held back of results. Raises `OSError` where that cannot be, or nothing if `quietly`; the
    rest is then given up, else Python would stumble over it at its own end.
    """
    try:
        sys.stdout.flush()
    except OSError:
        _put(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not quietly:
            raise


def is_unread() -> bool:
    """Whether nobody reads results any more, as behind `| head`."""
    if sys.platform == "win32":
        return True  # nothing tells
    look = select.poll()
    try:
        look.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # it is no file
        return False
    return bool(look.poll(0))


def stop_for_no_message() -> None:
    """Let nothing fail because what is told of it cannot be written: the disk of the log is full, or who read it is
    gone. Such lines are lost.
    """
    told = sys.stderr
    if isinstance(told, TextIOWrapper):
        told.flush()
        lossy = BufferedWriter(_Lossy(told.fileno(), "w", closefd=False))
        sys.stderr = TextIOWrapper(lossy, encoding=told.encoding, errors=told.errors, line_buffering=True)


class _Lossy(FileIO):
    """A file that takes everything, and loses what cannot be written now."""

    def write(self, what: "ReadableBuffer", /) -> int:
        try:
            written = super().write(what)
        except OSError:
            written = None
        return memoryview(what).nbytes if written is None else written


def spell_out() -> None:
    """Let what a terminal of another encoding cannot show be spelt out on it: no answer is lost for one letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _put(opened: int, number: int) -> None:
    """Move what was opened to this number. The lowest that is free is given out first, so it may be there."""
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    os.set_inheritable(number, True)  # noqa: FBT003 - it takes no names


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
