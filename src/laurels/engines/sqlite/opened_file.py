"""The file that a connection has open, and whether it is still the one that the ledger's path names."""

import os
from pathlib import Path

import structlog

from laurels.errors import LedgerUnavailable

log = structlog.get_logger(__name__)


class OpenedFile:
    """A file that was opened. SQLite goes on writing into it wherever it went: into a folder that was moved away, the
    file that a restored one took the place of, or one that was removed. Nobody would look there for what is written.
    """

    def __init__(self, path: Path) -> None:
        """Note which file the path names now. Raises `LedgerUnavailable` where it names none."""
        self._path = path
        self._is_gone = False
        opened = _identity(path)
        if opened is None:
            raise LedgerUnavailable
        self._opened = opened

    def check(self) -> None:
        """Raise `LedgerUnavailable` unless the path names that file; the log says it once. Costs 2 us."""
        is_gone = _identity(self._path) != self._opened
        if is_gone and not self._is_gone:
            log.error(
                "ledger.moved",
                path=str(self._path),
                do="Put it back, and all goes on; or start anew, for what is there now.",
            )
        self._is_gone = is_gone
        if is_gone:
            raise LedgerUnavailable("The ledger's file was moved, replaced or removed. Nothing was accepted.")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from every other one. None where there is none, or it cannot be looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of the time
    except OSError:
        return None
    return found.st_dev, found.st_ino
