"""Opening the file: every connection gets the same pragmas, statements run by their names, and drivers' errors
become ours.
"""

import errno
import os
import re
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiosql
import apsw

from laurels import clock
from laurels.errors import ForeignFile, LedgerDamaged, LedgerReadOnly, LedgerUnavailable
from laurels.ledger import NameNumbers
from laurels.model.documents import keyed

BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another process's transaction before it gives up."""

LOOK_AGAIN_S, LONGEST_LOOK_S = 0.000_5, 0.005
"""How soon a writer that waits looks again: for as many times as another's commit usually takes, and then."""

EAGER_LOOKS = 40

ROWS_AT_ONCE = (512, 256, 128, 64, 32, 16, 8)
"""Rows of one statement, the most that fit first. Few lengths, so that they stay prepared. Fewer than eight cost more
together than one by one.
"""

MOST_PREPARED_BYTES = 16_384
"""The text of a statement up to which apsw keeps it prepared."""

FEWEST_ROWS = min(ROWS_AT_ONCE)

STATEMENTS_KEPT = 512
"""The most that apsw takes. Each use of a statement takes a place among those that are kept prepared, and drops the one
that had it: so many uses later, and not so many statements later, a statement is prepared anew. One with many rows is
used once in a transaction, and preparing it takes longer than running it.
"""

PAGES_OF_MUCH = 16_384
"""Pages of the log, 64 MB, that an import lets come together before they are checkpointed into the file."""

Row = tuple[Any, ...]
Part = tuple[int, Sequence[Any]]
"""So many rows of a statement, and their values one behind the other."""

_VALUES = re.compile(r"VALUES\s*(\([^()]*\))")

_queries = aiosql.from_path(Path(__file__).with_name("queries.sql"), "apsw", mandatory_parameters=False)
_SQL: dict[str, str] = {
    name: getattr(_queries, name).sql for name in _queries.available_queries if not name.endswith("_cursor")
}


class Database:
    """A connection that runs the statements of `queries.sql` by name. apsw keeps them prepared."""

    def __init__(self, path: Path, *, read_only: bool = False, names: NameNumbers | None = None) -> None:
        """Open the file, creating an empty one where there is none. `names` gives name numbers; None: under the
        ledger's own secret. Raises `LedgerUnavailable`, `ForeignFile`.
        """
        flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        self.names = names
        with wrapped():
            self.connection = apsw.Connection(
                _unchanging(path) if read_only else str(path),
                flags=flags | apsw.SQLITE_OPEN_URI,
                statementcachesize=STATEMENTS_KEPT,
            )
            self.wait_for_others(BUSY_TIMEOUT_MS)
            if not read_only:
                self._write_ahead()
                self.connection.pragma("synchronous", "full")
                # What is erased or awarded leaves no bytes behind in free pages.
                self.connection.pragma("secure_delete", "on")
            self.connection.pragma("foreign_keys", "on")
            # So that REPLACE asks the triggers that refuse to delete.
            self.connection.pragma("recursive_triggers", "on")
            self.connection.pragma("cache_size", -65_536)
        self.connection.create_scalar_function("keyed", keyed_in_sql, 2, deterministic=True)
        self.execute = self.connection.execute
        self.appends = 0
        """How often the feed grew by what was written here, committed or not."""
        self.changed_nothing = False
        """Whether what was asked for last found all so already. Whoever asks lowers it before."""
        self.erased = False
        """Whether something was let go of that is to lie in no file any more: the log has to be emptied."""

    def undo_in_memory(self) -> None:
        """Keep what would undo a statement or a savepoint in memory, not in a file of its own: for a connection whose
        transactions change some thousand pages, and that sorts nothing large, which would be in memory too.
        """
        self.connection.pragma("temp_store", "memory")

    def keep_pages(self, kilobytes: int) -> None:
        """Keep at most so much of the file in memory."""
        self.connection.pragma("cache_size", -kilobytes)

    def expect_much(self) -> None:
        """From now on checkpoint seldom. Large transactions change the same pages again and again: each is then copied
        into the file once for many of them, where after every 1,000 pages it would be once for each.
        """
        self.connection.wal_autocheckpoint(PAGES_OF_MUCH)

    def wait_for_others(self, timeout_ms: int) -> None:
        """Wait so long for another connection's transaction before `apsw.BusyError`.

        SQLite's own timeout looks ever more rarely, in the end every 100 ms. Processes that commit hundreds of times a
        second leave gaps of less than a millisecond: whoever looks so rarely is the one that starves.
        """
        since = 0.0

        def look_again(times: int) -> bool:
            nonlocal since
            if times == 0:
                since = clock.elapsed()
            time.sleep(LOOK_AGAIN_S if times < EAGER_LOOKS else LONGEST_LOOK_S)
            return clock.elapsed() - since < timeout_ms / 1000

        self.connection.set_busy_handler(look_again)

    def _write_ahead(self) -> None:
        """Have a log beside the file. SQLite asks no busy handler here, though another process may be opening or
        closing the same file at this moment, alone with it for as long as that takes.
        """
        until = clock.elapsed() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                self.connection.pragma("journal_mode", "wal")
            except apsw.BusyError:
                if clock.elapsed() > until:
                    raise
                time.sleep(LONGEST_LOOK_S)
            else:
                return

    def run(self, name: str, *bindings: Any) -> None:
        """Run a statement for its effect."""
        self.execute(_SQL[name], bindings)

    def run_many(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for its effect once for each row of bindings: half the time of as many `run`."""
        if rows:
            self.connection.executemany(_SQL[name], rows)

    def run_rows(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """The same as `run_many` for a statement with one row of `VALUES`, many rows to a statement: as much processor
        time, but the interpreter's lock is let go a few times instead of once a row, so that other threads get on.
        """
        taken = 0
        for count in parts_of(name, len(rows)) if len(rows) >= FEWEST_ROWS else ():
            self.execute(with_rows(name, count), _joined(rows[taken : taken + count]))
            taken += count
        self.run_many(name, rows[taken:])

    def run_values(self, name: str, values: Sequence[Any], rows: int) -> None:
        """The same for rows that lie one behind the other: a tuple less for each, which costs as much as its values."""
        self.run_parts(name, parted(name, values, rows))

    def run_parts(self, name: str, parts: Iterable[Part]) -> None:
        """The same for what was `parted` before."""
        for count, values in parts:
            self.execute(with_rows(name, count), values)

    def run_array(self, name: str, numbers: Sequence[int]) -> None:
        """Run a statement for its effect that takes an array of numbers, where there are any: one step for all."""
        if numbers:
            self.execute(_SQL[name], (as_array(numbers),))

    def value_of_rows(self, name: str, rows: Sequence[Sequence[Any]]) -> Any:
        """The first column of the only row of a statement that reads `VALUES`; one of `ROWS_AT_ONCE` of them."""
        return self.execute(with_rows(name, len(rows)), _joined(rows)).get

    def insert(self, name: str, *bindings: Any) -> int:
        """Run a statement that inserts one row; gives its row id."""
        self.execute(_SQL[name], bindings)
        return self.connection.last_insert_rowid()

    def one(self, name: str, *bindings: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self.execute(_SQL[name], bindings).fetchone()
        return row

    def all(self, name: str, *bindings: Any) -> list[Row]:
        """Every row."""
        rows: list[Row] = self.execute(_SQL[name], bindings).fetchall()
        return rows

    def each(self, name: str, *bindings: Any) -> Iterator[Row]:
        """Every row, one after another."""
        return iter(self.execute(_SQL[name], bindings))

    def value(self, name: str, *bindings: Any) -> Any:
        """The first column of the only row."""
        return self.execute(_SQL[name], bindings).get

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


def _joined(rows: Iterable[Sequence[Any]]) -> list[Any]:
    """The values of rows as one list; a third of the time of `itertools.chain`."""
    values: list[Any] = []
    for row in rows:
        values.extend(row)
    return values


def as_array(numbers: Iterable[int]) -> Any:
    """Whole numbers as `carray` reads them in a statement, to be bound there."""
    return apsw.carray(array("q", numbers))


def parted(name: str, values: Sequence[Any], rows: int) -> list[Part]:
    """Rows that lie one behind the other, as the statements by a name take them: the last few one by one."""
    width, taken = len(values) // max(rows, 1), 0
    parts: list[Part] = []
    for count in (*parts_of(name, rows), *[1] * (rows % FEWEST_ROWS)):
        parts.append((count, values[taken * width : (taken + count) * width]))
        taken += count
    return parts


def padded(name: str, values: Sequence[Any], rows: int) -> list[Part]:
    """The same in as few statements as can be: the last one is filled up with rows of None, which it has to pass over.
    Such a row costs a fiftieth of one that is written, and each statement a wait for the interpreter's lock.
    """
    lengths, width, taken = _lengths_of(name), len(values) // max(rows, 1), 0
    parts: list[Part] = []
    while taken < rows:
        count = min((length for length in lengths if length >= rows - taken), default=lengths[0])
        part = values[taken * width : (taken + count) * width]
        parts.append((count, [*part, *[None] * (count * width - len(part))]))
        taken += count
    return parts


def parts_of(name: str, count: int) -> Iterator[int]:
    """How many rows the statements by a name have that take so many rows, or all but a few."""
    for length in _lengths_of(name):
        while count >= length:
            yield length
            count -= length


@cache
def _lengths_of(name: str) -> tuple[int, ...]:
    """Those of `ROWS_AT_ONCE` with which a statement stays prepared."""
    return tuple(length for length in ROWS_AT_ONCE if len(with_rows(name, length)) < MOST_PREPARED_BYTES)


@cache
def with_rows(name: str, count: int) -> str:
    """The text of a statement with its row of `VALUES` so many times."""
    sql = _SQL[name]
    row = _VALUES.search(sql)
    assert row is not None, f"{name} has a row of VALUES"
    return sql[: row.start(1)] + ",".join([row[1].replace(" ", "")] * count) + sql[row.end(1) :]


def _unchanging(path: Path) -> str:
    """The file by a name under which SQLite makes no files beside it where it could make none: nobody changes it then.
    Where a log lies beside it, it counts, and SQLite has to read both.
    """
    log = path.with_name(f"{path.name}-wal")
    if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
        return str(path)
    return f"{path.absolute().as_uri()}?immutable=1"


def keyed_in_sql(*values: Any) -> bytes | None:
    """`keyed`, as statements call it; none where a damaged file has no key there, or nothing to digest."""
    secret, fingerprint = values
    try:
        return keyed(secret, fingerprint)
    except (TypeError, ValueError):
        return None


@contextmanager
def wrapped() -> Iterator[None]:
    """Turn what the driver raises into what the other packages know, with the cause kept."""
    try:
        yield
    except apsw.NotADBError as error:
        raise ForeignFile from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        if _is_out_of_descriptors():
            raise LedgerUnavailable(_NO_DESCRIPTOR) from error
        raise LedgerReadOnly(
            f"The ledger's file cannot be opened ({error}). Check its path and rights; with a log beside it (-wal) its "
            "folder has to be writable."
        ) from error
    except apsw.FullError as error:
        raise LedgerUnavailable("The disk is full. Nothing was accepted; free some space and try again.") from error
    except (apsw.CorruptError, UnicodeDecodeError) as error:  # the second for a text that is none
        raise LedgerDamaged(
            f"The ledger's file is damaged ({error}). `laurels verify` says where; restore a backup."
        ) from error
    except apsw.Error as error:
        if isinstance(error, apsw.IOError) and _is_out_of_descriptors():
            raise LedgerUnavailable(_NO_DESCRIPTOR) from error
        raise LedgerUnavailable(
            f"The ledger cannot take this now ({error}). Nothing was accepted; try again."
        ) from error


_NO_DESCRIPTOR = (
    "No more files can be opened: raise the limit (ulimit -n, LimitNOFILE). Nothing was accepted; try again."
)


def _is_out_of_descriptors() -> bool:
    """Whether this process, or the machine, can open no further file: of a file that was not opened, SQLite says no
    reason.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in {errno.EMFILE, errno.ENFILE}
    return False
