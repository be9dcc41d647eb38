"""The file that connections have open, and whether it is still the one that the ledger's path names."""

import os
from pathlib import Path
from threading import Lock

import structlog

from laurels.engines.sqlite.connection import Database
from laurels.errors import LedgerUnavailable
from laurels.ledger import NameNumbers

log = structlog.get_logger(__name__)


class OpenedFile:
    """A file that was opened. SQLite goes on reading and writing it wherever it went: into a folder that was moved
    away, the file that a restored one took the place of, or one that was removed. Nobody would look there for what is
    written, and what is read there may never have been.
    """

    def __init__(self, path: Path) -> None:
        """Note which file the path names now. Raises `LedgerUnavailable` where it names none."""
        self.path = path
        self._is_gone = False
        self._telling = Lock()
        opened = _identity(path)
        if opened is None:
            raise LedgerUnavailable
        self._opened = opened

    def reading(self, names: NameNumbers | None = None) -> Database:
        """A connection that reads that file. Raises `LedgerUnavailable` where the path names another one by now."""
        db = Database(self.path, read_only=True, names=names)
        try:
            self.check()
        except BaseException:
            db.close()
            raise
        return db

    def check(self) -> None:
        """Raise `LedgerUnavailable` unless the path names that file; the log says it once, whichever thread finds it.
        Costs 2 us.
        """
        if _identity(self.path) == self._opened:
            self._is_gone = False
            return
        with self._telling:
            if not self._is_gone:
                self._is_gone = True
                log.error(
                    "ledger.moved",
                    path=str(self.path),
                    do="Put it back, and all goes on; or start anew, for what is there now.",
                )
        raise LedgerUnavailable("The ledger's file was moved, replaced or removed. Nothing was accepted.")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from every other one. None where there is none, or it cannot be looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of the time
    except OSError:
        return None
    return found.st_dev, found.st_ino
