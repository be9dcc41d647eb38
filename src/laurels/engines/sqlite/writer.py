"""The one thread of a process that writes. It owns the writing connection; everyone else hands it jobs.

Group commit without a timer: whatever arrived while the last commit was on its way to the disk is the next batch,
and shares one commit. One that fails takes nobody with it: neighbours of one kind are run together, and where that
fails one by one. Nobody hears "done" before the commit is durable. What a person asked for has its row of the audit log
written with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import apsw

from laurels.engines.sqlite.connection import BUSY_TIMEOUT_MS, Database, wrapped
from laurels.engines.sqlite.opened_file import OpenedFile
from laurels.errors import LedgerReadOnly, LedgerRefused, LedgerUnavailable, LedgerUncertain
from laurels.ledger import Act, NameNumbers
from laurels.ledger.audit import as_repeated, to_record

JobItem = TypeVar("JobItem")
T = TypeVar("T")

CHECKPOINT_TIMEOUT_MS = 200
"""How long the log's readers are waited for, and every job with them."""

MOST_JOBS = 1000
"""Jobs that share one commit; what was handed in together is not parted, so there may be a few more."""


class _PendingWrite(NamedTuple):
    work: Callable[[Database, list[Any]], Sequence[Any]]
    item: Any
    in_transaction: bool
    is_told: bool
    act: Act | None
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


class Writer:
    """Runs jobs on the writing connection, many to a commit. `appends` counts the commits that made the feed grow;
    `on_commit` is called on the event loop after each commit.
    """

    def __init__(
        self,
        file: OpenedFile,
        on_commit: Callable[[], None],
        write_row: Callable[[Database, Act, Any], None],
        names: NameNumbers | None = None,
    ) -> None:
        """`write_row` writes the row of the audit log for an act, given what came of it."""
        self._write_row = write_row
        self._db = Database(file.path, names=names)
        self._db.undo_in_memory()
        self._db.run("make_arriving")
        self._file = file
        self._on_commit = on_commit
        self.appends = 0
        self._arrived: list[_PendingWrite] = []
        self._batches: deque[list[_PendingWrite]] = deque()
        self._is_called = False
        self._closed = False
        self._checkpoint_is_due = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="laurels-sqlite-writer")

    async def run(self, work: Callable[[Database], T], *, in_transaction: bool = True, is_told: bool = True) -> T:
        """Run `work` in a transaction and return its result once that is durable; what it raises undoes its own
        writes alone. Of a commit of which nothing `is_told` nobody is given notice: nobody waits for it.

        Raises `LedgerUnavailable` when the file cannot be written, its kind `LedgerUncertain` when it may have been
        written none the less. A caller that is cancelled does not know whether it was done.
        """
        return await self._run(lambda db, _: [work(db)], None, in_transaction=in_transaction, is_told=is_told)

    async def run_batched(self, work: Callable[[Database, list[JobItem]], Sequence[T]], item: JobItem) -> T:
        """The same, where `work` can do many at once: it is given the items of neighbours that came with equal work,
        and gives a result for each. Where it raises, they are done one by one.
        """
        return await self._run(work, item)

    async def _run(
        self,
        work: Callable[[Database, list[JobItem]], Sequence[T]],
        item: JobItem,
        *,
        in_transaction: bool = True,
        is_told: bool = True,
    ) -> T:
        if self._closed:
            raise LedgerUnavailable("The ledger is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._arrived:
            # After all else that this turn of the loop has to do: requests that came together are handed over together.
            # Else the thread would run off with the first one, and fight with the loop for every further one.
            loop.call_soon(self._hand_over)
        recorded = to_record() if in_transaction else None
        act = None if recorded is None else recorded.act
        self._arrived.append(_PendingWrite(work, item, in_transaction, is_told, act, future, loop))
        result = await future
        if recorded is not None:
            recorded.row_is_written = True
        return result

    async def checkpoint(self) -> None:
        """Checkpoint the write-ahead log into the file and empty it, so that bytes which were erased are in neither.

        Waits a moment for readers under way. Where one reads on, or the disk fails, it is tried again after each
        commit: nobody is kept waiting meanwhile. Of a ledger that was closed meanwhile, closing has done it.
        """
        if self._closed:
            return
        await self.run(lambda db: self._checkpoint(db, CHECKPOINT_TIMEOUT_MS), in_transaction=False)

    async def close(self) -> None:
        """Finish every job that was handed in, checkpoint the log, and close."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown()

    def _hand_over(self) -> None:
        if not self._arrived:
            return
        self._batches.append(self._arrived)
        self._arrived = []
        # Put first and look second, while the thread lowers the flag first and looks second: one of the two sees it.
        if not self._is_called:
            self._is_called = True
            # Through the loop, so that a loop with a time of its own has its word about when work is done.
            asyncio.get_running_loop().run_in_executor(self._thread, self._work)

    def _work(self) -> None:
        self._is_called = False
        while jobs := self._next_batch():
            together = [job for job in jobs if job.in_transaction]
            self._answer(together, self._commit(together))
            if together and (self._checkpoint_is_due or self._db.erased):
                self._checkpoint(self._db, 0)
            for job in jobs:
                if not job.in_transaction:
                    self._answer([job], self._run_alone(job))

    def _next_batch(self) -> list[_PendingWrite]:
        """All that has arrived; nothing, where nothing has."""
        jobs: list[_PendingWrite] = []
        with suppress(IndexError):
            while len(jobs) < MOST_JOBS:
                jobs += self._batches.popleft()
        return jobs

    def _commit(self, jobs: list[_PendingWrite]) -> list[Any]:
        """Results in the order of the jobs; an exception stands for a job that failed."""
        if not jobs:
            return []
        try:
            self._file.check()
            with wrapped():
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    results = self._run_all(jobs)
                    if self._db.connection.in_transaction:
                        self._db.execute("COMMIT")
                        self.appends = self._db.appends
                except BaseException as error:
                    if self._db.connection.in_transaction:
                        self._db.execute("ROLLBACK")
                    if isinstance(error, apsw.IOError):
                        self._write_over(error)
                    raise
                return results
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            return [error] * len(jobs)

    def _write_over(self, error: apsw.IOError) -> None:
        """Make sure that a commit which the disk broke off is undone, so that whoever waits can be told so.

        It may lie in the log whole, and only its sync have failed. This connection does not count it then, but whoever
        opens the file after a crash would. So something that changes nothing is committed in its place: the number that
        the file's header has already. (An UPDATE to the same values would write nothing.)
        """
        connection = self._db.connection
        try:
            connection.pragma("user_version", connection.pragma("user_version"))
        except apsw.Error:
            raise LedgerUncertain from error

    def _run_all(self, jobs: list[_PendingWrite]) -> list[Any]:
        """Run the jobs of a transaction; where the only one failed, the transaction is over.

        Where all are of one kind, which is nearly always so, the transaction itself is what is undone where they fail:
        within a savepoint, SQLite first copies each page that it changes.
        """
        groups = [list(alike) for _, alike in groupby(jobs, attrgetter("work"))]
        if len(groups) == 1:
            results = self._try(jobs, undo="ROLLBACK")
            if results is not None:
                return results
            self._db.execute("BEGIN IMMEDIATE")
        return [result for alike in groups for result in self._run_in_savepoint(alike)]

    def _run_in_savepoint(self, jobs: list[_PendingWrite]) -> list[Any]:
        """Run jobs of one kind, one by one where they fail together."""
        self._db.execute("SAVEPOINT job")
        results = self._try(jobs, undo="ROLLBACK TO job")
        self._db.execute("RELEASE job")
        if results is not None:
            return results
        return [result for job in jobs for result in self._run_in_savepoint([job])]

    def _try(self, jobs: list[_PendingWrite], undo: str) -> list[Any] | None:
        """Run jobs of one kind together. Where they fail, what they wrote is undone; the answer of one alone is then
        why, of several there is none.
        """
        try:
            self._db.changed_nothing = False
            results = list(jobs[0].work(self._db, [job.item for job in jobs]))
            for job, result in zip(jobs, results, strict=True):
                if job.act is not None:
                    act = as_repeated(job.act) if self._db.changed_nothing else job.act
                    self._write_row(self._db, act, result)
        except (apsw.ConstraintError, apsw.TooBigError) as error:  # the jobs' own fault: the file is sound
            refused = LedgerRefused(f"The ledger cannot hold this ({error}). Nothing was written.")
            refused.__cause__ = error
            failed: Exception = refused
        except apsw.Error:  # the disk or the file: nobody in this batch can be told "done"
            raise
        except Exception as error:  # noqa: BLE001 - it is this job's answer
            failed = error
        else:
            return results
        self._db.execute(undo)
        return [failed] if len(jobs) == 1 else None

    def _run_alone(self, job: _PendingWrite) -> list[Any]:
        try:
            with wrapped():
                return list(job.work(self._db, [job.item]))
        except BaseException as error:  # noqa: BLE001 - as above
            return [error]

    def _checkpoint(self, db: Database, timeout_ms: int) -> None:
        self._checkpoint_is_due, db.erased = True, False
        db.wait_for_others(timeout_ms)
        try:
            db.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._checkpoint_is_due = False
        except apsw.Error:  # a reader reads on, or the disk fails: what was erased is committed all the same
            return
        finally:
            db.wait_for_others(BUSY_TIMEOUT_MS)

    def _answer(self, jobs: list[_PendingWrite], results: list[Any]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for job, result in zip(jobs, results, strict=True):
            by_loop.setdefault(job.loop, []).append((job.future, result))
        for loop, answers in by_loop.items():
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                resolve = partial(self._resolve, answers, is_told=any(job.is_told for job in jobs))
                loop.call_soon_threadsafe(resolve)

    def _resolve(self, answers: list[tuple["asyncio.Future[Any]", Any]], *, is_told: bool) -> None:
        for future, result in answers:
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        if is_told:
            self._on_commit()


class NoWriter(Writer):
    """Where the ledger's files cannot be written: every job is refused."""

    def __init__(self) -> None:
        self.appends = 0
        self._closed = True

    async def _run(
        self,
        work: Callable[[Database, list[JobItem]], Sequence[T]],
        item: JobItem,
        *,
        in_transaction: bool = True,
        is_told: bool = True,
    ) -> T:
        raise LedgerReadOnly
