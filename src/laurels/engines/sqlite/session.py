"""What every part of the embedded ledger stands on: the file, its writing thread, its readers, and the clock."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from laurels import clock
from laurels.clock import Clock
from laurels.engines.sqlite import audit_rows
from laurels.engines.sqlite.chain import entry_of
from laurels.engines.sqlite.change_notice import ChangeNotice
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.intents import SqliteIntents
from laurels.engines.sqlite.moves import Moves
from laurels.engines.sqlite.opened_file import OpenedFile
from laurels.engines.sqlite.reader import Reader
from laurels.engines.sqlite.writer import NoWriter, Writer
from laurels.ledger import Act, NameNumbers
from laurels.ledger.change_signal import ChangeSignal
from laurels.ledger.rollups import Cell, Sums
from laurels.ledger.shards import are_shards
from laurels.model import Entry


class Session:
    """An open ledger file, used from one event loop."""

    def __init__(
        self, path: Path, now: Clock = clock.now, names: NameNumbers | None = None, *, read_only: bool = False
    ) -> None:
        self._now = now
        self._signal, self._feed_signal = ChangeSignal(), ChangeSignal()
        self._notice = ChangeNotice(path.with_name(f"{path.name}-notice"), self._hear)
        self._appends = 0
        self._names = names
        self._file = OpenedFile(path)
        self._reader = Reader(self._file)
        self._moves = Moves(self._reader)
        self._sums: dict[tuple[Any, ...], tuple[Any, list[tuple[Cell, Sums]]]] = {}
        self._shards = self._reader.now(_shards_of)
        # Opened last: where the file cannot be read, nothing is left open.
        self._writer = NoWriter() if read_only else Writer(self._file, self._committed, self._write_row, names)
        self._owner = uuid.uuid4().hex
        self._mine: frozenset[int] = frozenset({0}) if self._shards == 1 else frozenset()
        self._fences: dict[int, int] = {}
        self._leased_at: int | None = None
        self.intents = SqliteIntents(self._writer, self._reader, now)

    async def _entries(self, query: str, bindings: tuple[object, ...]) -> list[Entry]:
        rows = await self._reader.run(lambda db: db.all(query, *bindings))
        return [entry_of(row) for row in rows]

    def _write_row(self, db: Database, act: Act, result: object) -> None:
        audit_rows.record_result(db, act, result, self._now)

    def _hear(self) -> None:
        self._signal.notify()
        self._feed_signal.notify()

    def _committed(self) -> None:
        self._notice.give()
        self._signal.notify()
        if self._writer.appends != self._appends:  # most commits only take orders in: nobody has to look at the feed
            self._appends = self._writer.appends
            self._feed_signal.notify()

    async def _poll(
        self, look: Callable[[Database], bool], timeout_s: float, signal: ChangeSignal | None = None
    ) -> None:
        signal = signal or self._signal
        self._notice.listen()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            generation = signal.generation
            if await self._reader.run(look):
                self._notice.found()
                return
            left = deadline - loop.time()
            if left <= 0:
                return
            await signal.wait(generation, min(left, self._notice.pause_s()))


def _shards_of(db: Database) -> int:
    """How many shards the ledger has. A flipped bit can make it anything, whatever the schema says."""
    row = db.one("read_ledger") or (0, 0, 1)
    if not are_shards(row[2]):
        raise apsw.CorruptError("its number of shards is none")
    return row[2]
