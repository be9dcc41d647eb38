"""Connections to the server, shared by all who read and write; and what a transaction on one of them is.

A connection that anything went wrong with is cut off and never closed politely: the driver's polite ways wait for a
server that may never answer. What a write that broke off came to is told apart: an error of the server's before the
commit was sent means that nothing was written; a lost connection, a time that ran out, or a warning after that means
that nobody knows.

A call has `COMMAND_TIMEOUT_S` for all that it does, waiting for a connection and opening it included: a server that
answers one byte at a time answers each statement in time, and no call.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import TypeVar

import asyncpg

from laurels.clock import elapsed
from laurels.engines.postgres import reaching
from laurels.engines.postgres.budgets import BudgetsMoved
from laurels.engines.postgres.reaching import said
from laurels.engines.postgres.statements import Statements
from laurels.errors import LaurelsError, LedgerReadOnly, LedgerUnavailable, LedgerUncertain
from laurels.ledger import Act, Recording
from laurels.ledger.audit import to_record

MOST = 8
"""Connections of one process that are open at a time, besides those of long reads."""

IDLE_S = 300.0
"""After so long without work a connection is given back to the server, unless it was made ready to be kept: what a rush
needed for a minute would be missing elsewhere for as long as the process runs.
"""

FULL_S, AGAIN_S = 1.0, 0.05
"""For how long a process makes do with the connections that it has, where the server gave it no further one; and after
which it asks again where it has none: one that was cut off just now is counted for a moment yet.
"""

BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '2s'"
)
"""Set in each transaction, so that it holds behind a pooler too: nobody waits for one who sleeps, and what is read
after a lock is as the one before left it. Who sleeps between having a statement prepared and running it is not idle to
the server: `end_sleepers` finds those.
"""

BEGIN_LOOK = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = '5min'"
"""A view may be built in between. Who sleeps for longer keeps no old rows from being vacuumed."""

BEGIN_READ = f"{BEGIN_LOOK}; SET LOCAL plan_cache_mode = auto; SET LOCAL statement_timeout = 0"
"""The same for what reads much: it is worth being planned for what it reads."""

T = TypeVar("T")

Open = Callable[[], Awaitable[Statements]]

WriteRows = Callable[[Statements, Sequence[Act]], Awaitable[None]]
"""Writes the rows of the audit log for acts, in the transaction under way."""

LOST = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
)
"""The connection is gone, or nothing was heard in time. The driver's internal error is what it says of a connection
that the server is just ending, of which it heard between two statements.
"""

CUT_OFF = (asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError)
"""The server ended the connection, whatever was under way."""


class Overtaken(LedgerUnavailable):
    """Another process was quicker. Nothing was accepted; try again."""


OVERTAKING = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""What the server says where another process was quicker."""

RETRIED = (BudgetsMoved, Overtaken)
"""Another process was quicker: nothing was written, and who looks again sees what it did."""

TRIES = 20


def begin_on(shards: Sequence[int]) -> str:
    """What begins a transaction with these shards' feeds locked, in one round trip. All who write entries of a shard
    come through here; what is read after it is as the one before left it.
    """
    listed = ", ".join(map(str, shards))
    lock = f"; SELECT shard FROM shard WHERE shard IN ({listed}) ORDER BY shard FOR UPDATE"  # noqa: S608 - numbers of our own
    return BEGIN + lock if shards else BEGIN


def begin_on_free(shards: Sequence[int]) -> str:
    """The same with those of these shards' feeds locked that nobody else has: none is waited for."""
    return f"{begin_on(shards)} SKIP LOCKED"


class Connections:
    """At most `MOST` connections, opened when they are needed."""

    def __init__(self, open_one: Open, write_rows: WriteRows) -> None:
        self._open = open_one
        self.write_rows = write_rows
        self._idle: list[Statements] = []
        self._free = asyncio.Semaphore(MOST)
        self._in_use = 0
        self._closed = False
        self._letting_go: asyncio.TimerHandle | None = None
        self.kept = 1
        """How many stay open however long nobody needs them."""
        self.opened = 0
        """How many connections were opened so far: each may lead to a server with another history."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Statements]:
        """A connection for single statements that read. Raises `LedgerUnavailable`."""
        async with self._one() as (db, ends):
            with wrapped():
                async with asyncio.timeout_at(ends):
                    yield db

    @asynccontextmanager
    async def snapshot(self, limit_s: float | None = None, *, much: bool = False) -> AsyncIterator[Statements]:
        """The same, where all statements see one moment; within `limit_s` where that is not the usual time. What reads
        `much` is planned for it; what looks a few rows up is not planned again, which would take longer than the look.
        """
        async with self._one(limit_s) as (db, ends):
            with wrapped():
                async with asyncio.timeout_at(ends):
                    await db.connection.execute(BEGIN_READ if much else BEGIN_LOOK)
                    yield db
                    await db.connection.execute("COMMIT")

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Statements]:
        """A connection for one statement that writes and commits by itself. Raises `LedgerUnavailable`, and its kind
        `LedgerUncertain` where it may have been written.
        """
        async with self._one() as (db, ends):
            db.warnings.clear()
            with wrapped(written=True):
                async with asyncio.timeout_at(ends):
                    yield db
            _check_warnings(db)

    @asynccontextmanager
    async def transaction(self, shards: Sequence[int] = (), *, recorded: bool = True) -> AsyncIterator[Statements]:
        """A transaction that writes, with these shards' feeds locked. What is raised inside undoes it. What a person
        asked for has its row of the audit log written in it, unless that is done inside (`recorded=False`).
        """
        doing = to_record() if recorded else None
        if doing is not None:
            doing.changed_nothing = False  # whatever an earlier try found
        async with self._begun(begin_on(shards), doing) as (db, _):
            yield db
        if doing is not None:
            doing.row_is_written = True

    @asynccontextmanager
    async def transaction_on_free(self, shards: Sequence[int]) -> AsyncIterator[tuple[Statements, Sequence[int]]]:
        """A transaction that writes, with those of these shards' feeds locked that nobody else has; gives which."""
        async with self._begun(begin_on_free(shards), None) as (db, status):
            locked = shards
            if status != f"SELECT {len(shards)}":
                locked = [shard for (shard,) in await db.all("lock_free_shards", shards)]
            yield db, locked

    @asynccontextmanager
    async def _begun(self, begin: str, doing: Recording | None) -> AsyncIterator[tuple[Statements, str]]:
        """A transaction, and what the server said of the last statement that began it."""
        async with self._one() as (db, ends):
            db.warnings.clear()
            with wrapped():
                async with asyncio.timeout_at(ends):
                    yield db, await self._begin(db, begin)
                    if doing is not None:
                        await self.write_rows(db, [doing.told()])
            with wrapped(written=True):
                async with asyncio.timeout_at(ends):
                    await db.connection.execute("COMMIT")
            _check_warnings(db)

    async def _begin(self, db: Statements, begin: str) -> str:
        try:
            return str(await db.connection.execute(begin))
        except asyncpg.LockNotAvailableError:
            await db.connection.execute("ROLLBACK")
            await db.run("end_sleepers")  # whoever comes next finds the shard free
            raise

    async def lent(self) -> Statements:
        """A connection of its own for a long read. Whoever has it cuts it off."""
        with wrapped():
            return await self._open()

    async def close(self) -> None:
        """Cut off every connection. Those in use are cut off when they come back."""
        self._closed = True
        if self._letting_go is not None:
            self._letting_go.cancel()
        for db in self._idle:
            cut_off(db)
        self._idle.clear()
        await asyncio.sleep(0)  # the loop lets go of their sockets in its next turn
        await asyncio.sleep(0)

    @asynccontextmanager
    async def _one(self, limit_s: float | None = None) -> AsyncIterator[tuple[Statements, float]]:
        """A connection, and when by the loop's clock whoever has it must be done."""
        if self._closed:
            raise LedgerUnavailable("The ledger is closed.")
        ends = asyncio.get_running_loop().time() + (limit_s or reaching.COMMAND_TIMEOUT_S)
        db = await self._within(ends)
        try:
            yield db, ends
        except BaseException as error:
            if not await _undone(db, error, ends):
                cut_off(db)
            raise
        finally:
            self._give_back(db)

    async def _within(self, ends: float) -> Statements:
        """A connection, if there is one in time. Where the server has no more for us, those that we have do: one less
        for a while is asked for.
        """
        gives_up = elapsed() + FULL_S
        with wrapped():
            async with asyncio.timeout_at(ends):
                while (db := await self._next(gives_up)) is None:
                    pass
                return db

    async def _next(self, gives_up: float) -> Statements | None:
        """A connection; None where there is no further one now, and it is worth to ask again."""
        await self._free.acquire()
        try:
            db = await self._take()
        except BaseException as error:
            if not _is_full(error) or (not self._in_use and elapsed() > gives_up):
                self._free.release()
                raise
            asyncio.get_running_loop().call_later(FULL_S if self._in_use else AGAIN_S, self._free.release)
            return None
        self._in_use += 1
        return db

    def _give_back(self, db: Statements) -> None:
        self._in_use -= 1
        self._free.release()
        if self._closed or db.connection.is_closed():
            cut_off(db)
        else:
            db.idle_since = elapsed()
            self._idle.append(db)
            if self._letting_go is None:
                self._letting_go = asyncio.get_running_loop().call_later(IDLE_S, self._let_go)

    def _let_go(self) -> None:
        """Give back what was idle for long. What was used last is used next, so the first one is idle the longest."""
        self._letting_go = None
        while self._idle and self._in_use + len(self._idle) > self.kept:
            rest_s = self._idle[0].idle_since + IDLE_S - elapsed()
            if rest_s > 0:
                self._letting_go = asyncio.get_running_loop().call_later(rest_s, self._let_go)
                return
            cut_off(self._idle.pop(0))

    async def _take(self) -> Statements:
        while self._idle:
            db = self._idle.pop()
            if not db.connection.is_closed():
                return db
        db = await self._open()
        self.opened += 1
        return db


def _is_full(error: BaseException) -> bool:
    """Whether a server, or the pooler before it, has as many connections as it, the role or the database may have."""
    cause = error.__cause__
    return isinstance(cause, asyncpg.TooManyConnectionsError) or "no more connections allowed" in str(cause)


def cut_off(db: Statements) -> None:
    """End a connection without a word."""
    db.connection.terminate()


async def _undone(db: Statements, error: BaseException, ends: float) -> bool:
    """Whether the connection is as new after an error: only where the server said what was wrong, or the error is our
    own, and there is time to undo what was begun.
    """
    cause: BaseException | None = error.__cause__ if isinstance(error, LedgerUnavailable) else error
    broken = (asyncio.CancelledError, *LOST, *CUT_OFF)
    if db.connection.is_closed() or isinstance(cause, broken):
        return False
    if not db.connection.is_in_transaction():
        return True
    try:
        async with asyncio.timeout_at(ends):
            await db.connection.execute("ROLLBACK")
    except (*LOST, asyncpg.PostgresError):
        return False
    return True


def _check_warnings(db: Statements) -> None:
    """A commit that the server warned of may be on no standby: the wait for it was broken off, and yet it is answered
    as done.
    """
    if db.warnings:
        raise LedgerUncertain(f"{LedgerUncertain.meaning()} (The server warned: {db.warnings[0]})")


@contextmanager
def wrapped(*, written: bool = False) -> Iterator[None]:
    """Turn what the driver raises into what the other rooms know, with the cause kept. With `written` a broken
    connection leaves open whether it was done.
    """
    try:
        yield
    except OVERTAKING as error:
        raise Overtaken(f"The ledger cannot take this now ({said(error)}). Nothing was accepted; try again.") from error
    except (*LOST, *CUT_OFF) as error:
        if written:
            raise LedgerUncertain from error
        raise LedgerUnavailable(f"The ledger's server does not answer ({said(error)}). Try again.") from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise LedgerReadOnly(
            "The ledger's server cannot be written: it is a standby, or default_transaction_read_only is on. Name the "
            "primary, or turn that off."
        ) from error
    except asyncpg.DiskFullError as error:
        raise LedgerUnavailable("The server's disk is full. Nothing was accepted; free some space there.") from error
    except asyncpg.QueryCanceledError as error:
        why = f"The ledger cannot take this now ({said(error)}). Nothing was accepted; try again."
        if "statement timeout" in str(error):
            why = f"{why} Set statement_timeout to 0 for its role (ALTER ROLE), or take it out of ledger.url."
        raise LedgerUnavailable(why) from error
    except asyncpg.PostgresError as error:
        raise LedgerUnavailable(
            f"The ledger cannot take this now ({said(error)}). Nothing was accepted; try again."
        ) from error


async def trying(work: Callable[[], Awaitable[T]]) -> T:
    """Do something again that another process was quicker with."""
    last: BaseException | None = None
    until = elapsed() + reaching.COMMAND_TIMEOUT_S
    for _ in range(TRIES):
        try:
            return await work()
        except RETRIED as error:
            last = error
        if elapsed() > until:
            break
    assert last is not None, "there is no way here but this"
    if isinstance(last, Overtaken):
        raise last
    raise LedgerUnavailable(
        f"The ledger cannot take this now ({said(last)}). Nothing was accepted; try again."
    ) from last


async def judging(work: Callable[[int], Awaitable[T]]) -> T:
    """The same of what judges documents, which is told how often it was tried: from then on it locks budgets first."""
    tries = count()
    return await trying(lambda: work(next(tries)))


def is_at_fault(error: BaseException) -> bool:
    """Whether what was to be written is at fault, and not the server: it has something in it that no row can hold."""
    return isinstance(error, LaurelsError) and isinstance(
        error.__cause__, (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
    )


def is_refused(error: BaseException) -> bool:
    """Whether the server refused some of the rows, as where a shard has no range for them, and may take others."""
    return isinstance(error, LedgerUnavailable) and isinstance(
        error.__cause__, asyncpg.IntegrityConstraintViolationError
    )
