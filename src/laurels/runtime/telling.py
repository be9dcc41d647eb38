"""Telling people what goes on, on standard error, with nothing that takes long to load."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import TextIOWrapper
from typing import TextIO

from laurels import clock
from laurels.runtime.visible import visible

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


def spell_out() -> None:
    """Let what a terminal of another encoding cannot show be spelt out on it: no answer is lost for one letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
