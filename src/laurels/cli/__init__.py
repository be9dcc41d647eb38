"""The command line: one file for each group of commands. Results go to standard output, logs and progress to
standard error.

Exit codes: 0 done, 1 not done (said why), 2 wrong use.
"""

import errno
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from laurels.errors import ForeignFile, InvalidInput, LaurelsError, SchemaTooNew, SchemaTooOld, SettingsError

LEAN = ("serve", "work", "project", "notify", "consume", "publish")
"""Commands that may run without the command line that people use: see `laurels.runtime.child`."""

DONE = (0, None)
"""The codes with which a command leaves that did what it was asked for."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Of the system: a disk that is full, or a limit that is reached, wherever results go."""

NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})
"""Of the system: as many files are open as this process, or the whole system, may have."""

WRONG_PLACE = frozenset(
    {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP}
)
"""Of the system: a path that cannot be what it is named for. A missing file is looked for where it is read."""

SHOWN_CHARACTERS = 120
"""Of a path in a message: one that is too long for the system is too long for a line."""

WRONG_SET_UP = (SettingsError, InvalidInput, SchemaTooOld, SchemaTooNew, ForeignFile)
"""What a person has to fix before it is of any use to try again."""


def main() -> None:
    """Run the command line; an error that Laurels knows is one line, without a traceback. It leaves with 0 only when
    its results are written.
    """
    # The imports stand here so that errors while loading are reported as well. All that they load stays, and looking
    # through it for what may go would take a tenth of the start.
    gc.disable()
    with _ended_at_once():
        from laurels.runtime.telling import (  # noqa: PLC0415
            fill_standard_streams,
            spell_out,
            stop_for_no_message,
            write_out,
        )

    fill_standard_streams()
    spell_out()
    stop_for_no_message()
    code = _code_of(_run)
    sys.exit(_code_of(partial(write_out, quietly=code not in DONE)) or code)


def _code_of(work: Callable[[], None]) -> int | str | None:
    """The exit code of some work; what went wrong is said."""
    from laurels.runtime.telling import complain  # noqa: PLC0415

    try:
        work()
    except SystemExit as leaving:
        return leaving.code
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        return 1
    except Exception as error:  # noqa: BLE001 - the last place: below, Python would print all that an error says
        foreseen = _foreseen(error)
        complain(f"A fault in Laurels. {_where(error)}" if foreseen is None else foreseen.message)
        return 2 if isinstance(foreseen, WRONG_SET_UP) else 1
    except KeyboardInterrupt:  # between loading and running; from a command that runs it does not come this far
        return 130
    return 0


def _run() -> None:
    if sys.argv[1:2] and sys.argv[1] in LEAN:
        with _ended_at_once():
            _load_structlog_alone()
            from laurels.runtime.child import take  # noqa: PLC0415

        gc.enable()
        if take(sys.argv[1:]):
            return
    with _ended_at_once():
        from laurels.cli.app import app  # noqa: PLC0415

    gc.enable()
    app()


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process by the system's own way while it loads: nothing has begun. Python's way would be a
    traceback out of whatever is being loaded, or be swallowed there and turn into a fault.
    """
    in_main = threading.current_thread() is threading.main_thread()  # no other thread may say what a signal does
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody else's
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _load_structlog_alone() -> None:
    """Load structlog without Rich, which it would load for tracebacks that we never print: 60 ms, 12 MB."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's way to say that it is not there
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]


def _foreseen(error: Exception) -> LaurelsError | None:
    """The error that Laurels raised on purpose, or the system for want of room or of a place, also out of several tasks
    that ended together.
    """
    if isinstance(error, ExceptionGroup):
        return next((found for each in error.exceptions if (found := _foreseen(each)) is not None), None)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return LaurelsError(f"Nothing more can be written: {(error.strerror or '').lower()}.")
    if isinstance(error, OSError) and error.errno in NO_DESCRIPTOR:
        return SettingsError("No more files can be opened: raise the limit (ulimit -n, LimitNOFILE).")
    if isinstance(error, OSError) and error.errno in WRONG_PLACE and error.filename is not None:
        why = "it is no folder" if error.errno == errno.EEXIST else (error.strerror or "").lower()
        return SettingsError(f"{_shortened(error.filename)} cannot be used: {why}.")
    return error if isinstance(error, LaurelsError) else None


def _shortened(path: object) -> str:
    said = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    return said if len(said) <= SHOWN_CHARACTERS else f"{said[:SHOWN_CHARACTERS]}…"


def _where(error: Exception) -> str:
    from laurels.logs import describe  # noqa: PLC0415 - structlog takes a while to load

    return f"Please report this, which holds no one's data: {describe(error)}"
