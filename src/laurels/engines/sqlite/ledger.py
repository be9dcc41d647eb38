"""The embedded ledger: the port over one SQLite file. Several processes may open the same file; each has one writing
thread.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from laurels import clock
from laurels.clock import Clock
from laurels.engines.sqlite import verifying
from laurels.engines.sqlite.books import SqliteBooks, SqliteInbox
from laurels.engines.sqlite.connection import Database, wrapped
from laurels.engines.sqlite.feeding import SqliteFeed, heads_of
from laurels.engines.sqlite.places import end_of, place_of
from laurels.engines.sqlite.programs import SqlitePrograms
from laurels.engines.sqlite.registry import SqliteMembers, SqliteOutbox, SqliteQuarantine
from laurels.engines.sqlite.schema import LATEST, migrate, version_of
from laurels.errors import LedgerReadOnly, LedgerUnavailable, SchemaTooOld
from laurels.ledger import Heads, Upgrade, Verification


class SqliteLedger(SqliteInbox, SqliteBooks, SqliteMembers, SqliteFeed, SqliteQuarantine, SqliteOutbox, SqlitePrograms):
    """A ledger in one file, with the checkout's `intents` in the same. Make it with `SqliteLedger.open`; call it from
    one event loop.
    """

    name = "sqlite"

    @classmethod
    def open(cls, path: Path, now: Clock = clock.now, shards: int = 1) -> "SqliteLedger":
        """Open the file, making a fresh one of so many shards where there is none (readable by its owner alone).

        Raises `SchemaTooOld` (run `laurels migrate`), `SchemaTooNew`, `ForeignFile`, `LedgerUnavailable`.
        """
        with _prepared(path) as connection:
            version = version_of(connection)
            if version == 0:
                migrate(connection, shards)
            elif version < LATEST:
                raise SchemaTooOld
        return cls(path, now)

    @staticmethod
    def migrate(path: Path, shards: int = 1, upgrade: Upgrade | None = None) -> tuple[int, int]:
        """Bring the file to the latest schema, making a fresh one where there is none; the versions before and
        after. Raises `SchemaTooOld` where `upgrade` is needed for it and not there.

        A ledger that has to change is copied first, beside it (`laurels.db.schema-3`), and the copy checked: there is
        no way back but that.
        """
        with _prepared(path) as connection:
            version = version_of(connection)
            if 0 < version < LATEST:
                _copy(connection, path, version, path.with_name(f"{path.name}.schema-{version}"))
            return migrate(connection, shards, upgrade)

    async def verify(self) -> AsyncIterator[Verification]:
        db = Database(self._path, read_only=True)
        try:
            steps = verifying.verify(db)
            while (step := await asyncio.to_thread(next, steps, None)) is not None:
                yield step
        finally:
            db.close()

    async def begin_epoch(self) -> Heads:
        def write(db: Database) -> Heads:
            db.run("next_epoch")
            db.run("begin_epoch", self._now())
            db.growths += 1
            return heads_of(db)

        return await self._writer.run(write)

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
        self._notice.close()
        self._reader.close()
        await self._writer.close()


def _copy(connection: apsw.Connection, copied: Path, version: int, copy: Path) -> None:
    """Copy a ledger that has this schema, readable by its owner alone. One that is there already is of an earlier
    try, or another process's, and stays.
    """
    connection.execute("BEGIN IMMEDIATE")  # whoever else is at it waits, and finds it done
    try:
        if version_of(connection) == version and not copy.exists():
            _write_copy(copied, copy)
    finally:
        connection.execute("COMMIT")


def _write_copy(path: Path, copy: Path) -> None:
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    with closing(Database(path, read_only=True)) as db, closing(apsw.Connection(str(unfinished))) as target:
        with target.backup("main", db.connection, "main") as backup:
            backup.step()
        found = [what for [what] in target.execute("PRAGMA integrity_check(1)") if what != "ok"]
    if found:
        raise LedgerUnavailable(f"The ledger's copy is damaged ({found[0]}). Nothing was changed; `laurels verify` it.")
    unfinished.rename(copy)


@contextmanager
def _prepared(path: Path) -> Iterator[apsw.Connection]:
    """The file, made empty and private where there is none, opened to look at its schema."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
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
            yield db.connection
        finally:
            db.close()
