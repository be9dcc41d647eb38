"""The embedded ledger: the port over one SQLite file. Several processes may open the same file; each has one writing
thread.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import apsw
import structlog

from laurels import clock
from laurels.clock import Clock
from laurels.engines.sqlite import keeping, leases, verifying
from laurels.engines.sqlite.auditing import SqliteAudit
from laurels.engines.sqlite.books import SqliteBooks, SqliteInbox
from laurels.engines.sqlite.casework import SqliteCasework
from laurels.engines.sqlite.connection import Database, wrapped
from laurels.engines.sqlite.copying import remove_draft, write_copy
from laurels.engines.sqlite.feeding import SqliteFeed, heads_of
from laurels.engines.sqlite.followers import SqliteFollowers
from laurels.engines.sqlite.jobs import SqliteJobs
from laurels.engines.sqlite.people import SqlitePeople
from laurels.engines.sqlite.places import end_of, place_of
from laurels.engines.sqlite.programs import SqlitePrograms
from laurels.engines.sqlite.registry import SqliteMembers, SqliteOutbox, SqliteQuarantine
from laurels.engines.sqlite.rollups import SqliteRollUps
from laurels.engines.sqlite.schema import LATEST, migrate, version_of
from laurels.errors import AnotherNamesKey, ForeignFile, LedgerReadOnly, LedgerUnavailable, SchemaTooOld
from laurels.ledger import Award, Awarded, Heads, MemberState, NameNumbers, Recount, Upgrade, Verification
from laurels.ledger.epochs import lowest_epoch
from laurels.model import Entry

T = TypeVar("T")

_BESIDE = ("-wal", "-notice")
"""What a ledger leaves beside its file once something was written into it."""

log = structlog.get_logger(__name__)


class SqliteLedger(
    SqliteInbox,
    SqliteBooks,
    SqliteMembers,
    SqlitePeople,
    SqliteFeed,
    SqliteFollowers,
    SqliteQuarantine,
    SqliteOutbox,
    SqlitePrograms,
    SqliteAudit,
    SqliteCasework,
    SqliteRollUps,
    SqliteJobs,
):
    """A ledger in one file, with the checkout's `intents` in the same. Make it with `SqliteLedger.open`; call it from
    one event loop.
    """

    name = "sqlite"

    @classmethod
    def open(
        cls, path: Path, now: Clock = clock.now, shards: int = 1, names: NameNumbers | None = None
    ) -> "SqliteLedger":
        """Open the file, making a fresh one of so many shards where there is none (readable by its owner alone).
        `names` gives name numbers under the key of the proxy names, which the ledger knows again from then on; None:
        under a secret of its own.

        Raises `SchemaTooOld` (run `laurels migrate`), `SchemaTooNew`, `ForeignFile`, `AnotherNamesKey`,
        `LedgerUnavailable`.
        """
        with _prepared(path) as db:
            version = version_of(db.connection)
            if version == 0:
                migrate(db.connection, shards)
            elif version < LATEST:
                raise SchemaTooOld
            _know_key(db, names, now())
        return cls(path, now, names)

    @classmethod
    def read(cls, path: Path, now: Clock = clock.now, names: NameNumbers | None = None) -> "SqliteLedger":
        """Open a file that is there for reading alone, also where nothing can be written. Raises as `open` does; all
        that would write raises `LedgerReadOnly`.
        """
        with wrapped(), closing(Database(path, read_only=True)) as db:
            if version_of(db.connection) < LATEST:
                raise SchemaTooOld
            _check_key(db, names)
        return cls(path, now, names, read_only=True)

    @staticmethod
    def change_names_key(path: Path, names: NameNumbers, now: Clock = clock.now) -> None:
        """Let another key be the ledger's own: all members get other names. Raises as `open` does."""
        with _prepared(path) as db:
            if version_of(db.connection) < LATEST:
                raise SchemaTooOld
            db.run("write_names_key", names.fingerprint, now())

    @staticmethod
    def is_there(path: Path) -> bool:
        """Whether something lies there that may be a ledger. An empty file is none, as one that somebody made for it,
        or whose maker died. Raises `ForeignFile` for one that held a ledger before: opened, it would become a new one.
        """
        # In this order: while another process makes the file, what lies beside it comes after its first page.
        was_there = any(_size(path.with_name(f"{path.name}{end}")) for end in _BESIDE)
        size = _size(path)
        if was_there and size == 0:
            raise ForeignFile(
                f"{path} is empty, and held a ledger before: something has cut it off. Move it and the files of its "
                "name away, and put a backup in their place: `laurels restore`."
            )
        return bool(size)

    @staticmethod
    def has_members(path: Path) -> bool:
        """Whether the file holds members, whatever its schema. Raises `ForeignFile`, `LedgerUnavailable`."""
        if not path.is_file() or not SqliteLedger.is_there(path):
            return False
        with wrapped(), closing(Database(path, read_only=True)) as db:
            return version_of(db.connection) > 0 and bool(db.execute("SELECT EXISTS (SELECT 1 FROM member)").get)

    @staticmethod
    def migrate(path: Path, shards: int = 1, upgrade: Upgrade | None = None) -> tuple[int, int]:
        """Bring the file to the latest schema, making a fresh one where there is none; the versions before and
        after. Raises `SchemaTooOld` where `upgrade` is needed for it and not there.

        A ledger that has to change is copied first, beside it (`laurels.db.schema-3`), and the copy checked: there is
        no way back but that.
        """
        with _prepared(path) as db:
            connection = db.connection
            version = version_of(connection)
            if 0 < version < LATEST:
                _copy(connection, path, version, path.with_name(f"{path.name}.schema-{version}"))
            return migrate(connection, shards, upgrade)

    async def verify(self, recount: Recount | None = None) -> AsyncIterator[Verification]:
        db = self._file.reading(self._names)
        try:
            steps = verifying.verify(db, recount)
            while (step := await asyncio.to_thread(next, steps, None)) is not None:
                yield step
        finally:
            db.close()

    def awarded(self, *, framed: bool = False) -> AsyncIterator[list[Awarded]]:
        return self._chunks(lambda db: keeping.awarded(db, framed=framed))

    def mergers(self) -> AsyncIterator[list[Entry]]:
        return self._chunks(keeping.mergers)

    def accounts(self, *, orders: bool = False) -> AsyncIterator[list[tuple[int, MemberState]]]:
        return self._chunks(lambda db: keeping.accounts(db, orders=orders))

    def states(self) -> AsyncIterator[list[tuple[int, MemberState, int | None]]]:
        return self._chunks(keeping.states)

    def redeemed(self) -> AsyncIterator[list[tuple[str, str, bytes | None]]]:
        return self._chunks(keeping.redeemed)

    def persons(self) -> AsyncIterator[list[tuple[int, MemberState]]]:
        return self._chunks(keeping.persons)

    def framed(self) -> AsyncIterator[list[tuple[Award, list[Entry]]]]:
        return self._chunks(keeping.framed)

    async def _chunks(self, read: Callable[[Database], Iterator[list[T]]]) -> AsyncIterator[list[T]]:
        """A long read on a connection of its own, off the event loop."""
        db = self._file.reading()
        try:
            chunks = read(db)
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                yield chunk
        finally:
            db.close()

    async def begin_epoch(self) -> Heads:
        def write(db: Database) -> Heads:
            db.run("next_epoch", lowest_epoch(self._now()))
            db.run("begin_epoch", self._now())
            db.appends += 1
            return heads_of(db)

        return await self._writer.run(write)

    async def connections_to_warm(self, most: int) -> int:
        return 0

    async def advice(self) -> list[str]:
        return []  # a file's settings are ours

    async def recorded_at(self) -> int:
        return int(await self._reader.run(lambda db: db.value("last_recorded")))

    async def forget_content(self, *, recorded_before: int, limit: int) -> int:
        def write(db: Database) -> int:
            forgotten = 0
            for shard in range(self._shards):
                start = place_of(shard, 0)
                oldest = db.all("oldest_content", start, end_of(shard), limit - forgotten)
                old = [place for place, recorded_at in oldest if recorded_at < recorded_before]
                if old:
                    forgotten += len(db.all("forget_old_content", start, old[-1]))
            return forgotten

        return await self._writer.run(write)

    async def close(self) -> None:
        if self._leased_at is not None:
            self._leased_at = None
            with suppress(LedgerUnavailable):  # else they end by themselves
                await self._writer.run(lambda db: leases.leave(db, self._owner))
        self._notice.close()
        self._reader.close()
        await self._writer.close()


def _know_key(db: Database, names: NameNumbers | None, now: int) -> None:
    """See that the ledger is opened under its own key of the proxy names; the first that is shown is its own."""
    if names is None or _check_key(db, names):
        return
    db.execute("BEGIN IMMEDIATE")  # two may be the first at once
    try:
        if not _check_key(db, names):
            db.run("write_names_key", names.fingerprint, now)
    finally:
        db.execute("COMMIT")


def _check_key(db: Database, names: NameNumbers | None) -> bool:
    """Whether the ledger knows this key. Raises `AnotherNamesKey` where it knows another one."""
    known: bytes | None = db.value("read_names_key")
    if names is not None and known not in {None, names.fingerprint}:
        raise AnotherNamesKey
    return known is not None


def _copy(connection: apsw.Connection, copied: Path, version: int, copy: Path) -> None:
    """Copy a ledger that has this schema, readable by its owner alone. One that is there already is of an earlier
    try, or another process's, and stays.
    """
    connection.execute("BEGIN IMMEDIATE")  # whoever else is at it waits, and finds it done
    try:
        if version_of(connection) == version and not copy.exists():
            unfinished = copy.with_name(f"{copy.name}.part")
            try:
                write_copy(copied, unfinished)
                unfinished.rename(copy)
            finally:
                remove_draft(unfinished)  # on a full disk it would be what fills it
    finally:
        connection.execute("COMMIT")


def _size(path: Path) -> int | None:
    """How many bytes a file has, None where there is none. What is no file, or cannot be looked at, has one at least:
    what opens it says what is wrong.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 1
    return found.st_size if stat.S_ISREG(found.st_mode) else 1


@contextmanager
def _prepared(path: Path) -> Iterator[Database]:
    """The file, made empty and private where there is none, opened to look at its schema."""
    SqliteLedger.is_there(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        if os.name == "posix" and (mode := path.stat().st_mode) & 0o077:
            path.chmod(0o600)
            log.warning("ledger.made_private", mode=f"{mode & 0o777:o}")
    except OSError as error:
        raise LedgerReadOnly(f"The ledger {path} cannot be opened: {error}") from error
    if not path.is_file():
        raise LedgerReadOnly(f"The ledger {path} cannot be opened: it is not a file")
    with wrapped():
        # A look that changes nothing comes first: opening for writing turns a file to WAL, and it may be another's.
        with closing(Database(path, read_only=True)) as looking:
            version_of(looking.connection)
        db = Database(path)
        try:
            yield db
        finally:
            db.close()
