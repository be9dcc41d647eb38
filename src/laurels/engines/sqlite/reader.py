"""Reading: a few threads, each with a read-only connection of its own. Every read is short, so that no checkpoint
waits for it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from laurels.engines.sqlite.connection import Database, wrapped
from laurels.engines.sqlite.opened_file import OpenedFile
from laurels.errors import LedgerUnavailable

T = TypeVar("T")

THREADS = 6
"""So that who looks for what the disk has to find first keeps nobody waiting. They are begun as they are needed."""

CACHE_KB = 16_384
"""Of pages, of each thread. Whatever is committed empties it, so more would seldom be filled."""


class Reader:
    """Runs functions on read-only connections, each in one read transaction: all that it reads is of one moment."""

    def __init__(self, file: OpenedFile) -> None:
        self._file = file
        self._local = threading.local()
        self._open: list[Database] = []
        self._closed = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="laurels-sqlite-reader")

    async def run(self, work: Callable[[Database], T]) -> T:
        """Run `work` in a read transaction. Raises `LedgerUnavailable` when the file cannot be read."""
        if self._closed:
            raise LedgerUnavailable("The ledger is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    def now(self, work: Callable[[Database], T]) -> T:
        """The same on the calling thread, with a connection that is closed again: for opening the ledger."""
        with wrapped(), closing(self._file.reading()) as db:
            return work(db)

    def close(self) -> None:
        """Wait for the reads under way and close the connections."""
        self._closed = True
        self._pool.shutdown()
        for db in self._open:
            db.close()
        self._open.clear()

    def _read(self, work: Callable[[Database], T]) -> T:
        with wrapped():
            db = self._database()
            self._file.check()
            db.execute("BEGIN")
            try:
                return work(db)
            finally:
                db.execute("COMMIT")

    def _database(self) -> Database:
        db: Database | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._file.reading()
            db.keep_pages(CACHE_KB)
            self._open.append(db)
        return db
