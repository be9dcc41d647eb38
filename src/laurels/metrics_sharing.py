"""Where processes that serve together count together. Apart from `laurels.metrics`, because it has to be settled
before prometheus-client is loaded.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from laurels import clock

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's own: a process that finds it set counts into files there, and so do its children."""

_PREFIX = "laurels-metrics-"
_LOCK = "owner.lock"
_YOUNG = clock.HOUR


@contextmanager
def shared() -> Iterator[None]:
    """Let this process and those that it starts count together, from zero, into files that are removed at the end.

    To be entered before `laurels.metrics` is loaded. Where the environment names a directory already, that one is used
    and kept: so an operator brings processes together that are started one by one.
    """
    if is_shared():
        yield
        return
    assert "prometheus_client" not in sys.modules, "it has decided already where to count"
    _remove_left_behind()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory, _locked(Path(directory)):
        os.environ[VARIABLE] = directory
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def is_shared() -> bool:
    """Whether this process counts together with others."""
    return VARIABLE in os.environ


def is_counting() -> bool:
    """Whether somebody is told what this process counts: together with others, or by itself."""
    return is_shared() or "laurels.metrics" in sys.modules


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Mark a directory as in use for the length of a block, or of this process's life."""
    import fcntl  # noqa: PLC0415 - not made for Windows

    with (directory / _LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_left_behind() -> None:
    """Remove the directories of processes that were killed: this user's, whose lock nobody holds."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if directory.stat().st_uid == os.getuid() and _is_left_behind(directory):
                shutil.rmtree(directory, ignore_errors=True)


def _is_left_behind(directory: Path) -> bool:
    import fcntl  # noqa: PLC0415 - not made for Windows

    try:
        with (directory / _LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        # Made a moment ago by a process that has not come to its lock, or by a version that had none.
        return clock.now() - directory.stat().st_mtime_ns // 1000 > _YOUNG
    except OSError:
        return False
    return True
