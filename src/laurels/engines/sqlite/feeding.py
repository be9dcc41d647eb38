"""The feed of the embedded ledger, and its checkpoint."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import cast

import apsw

from laurels.engines.sqlite.chain import entry_of
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.places import end_of, place_of, position_at
from laurels.engines.sqlite.session import Session
from laurels.errors import FeedDiverged
from laurels.ledger import Checkpoint, Heads, MemberTotals, Passed
from laurels.ledger.checkpoints import CHUNK, closed_part_of, open_months
from laurels.model import BoardEntry, Entry, Mark


class SqliteFeed(Session):
    """Entries in commit order."""

    async def heads(self) -> Heads:
        return await self._reader.run(heads_of)

    async def feed(self, shard: int, after: Mark, limit: int) -> list[Entry]:
        def read(db: Database) -> list[Entry]:
            _check_mark(db, shard, after)
            rows = db.all("feed", place_of(shard, after.position), end_of(shard), limit)
            return [entry_of(row) for row in rows]

        return await self._reader.run(read)

    async def passed(self, shard: int, after: int, until: int) -> list[Passed]:
        def read(db: Database) -> list[Passed]:
            rows = db.all("milestones_between", place_of(shard, after), place_of(shard, until))
            return [Passed(position_at(place), name, points, bool(quiet)) for place, name, points, quiet in rows]

        return await self._reader.run(read)

    async def board_entries(self, shard: int, after: Mark, limit: int) -> tuple[list[BoardEntry], Mark]:
        def read(db: Database) -> tuple[list[BoardEntry], Mark]:
            _check_mark(db, shard, after)
            rows = cast(
                "list[BoardEntry]", db.all("board_entries", place_of(shard, after.position), end_of(shard), limit)
            )
            if not rows:
                return rows, after
            last = rows[-1][0]
            return rows, Mark(last, db.value("entry_hash", place_of(shard, last)))

        return await self._reader.run(read)

    async def checkpoint(self) -> Checkpoint:
        """One long read on a connection of its own: writers go on beside it, and their log grows until it ends."""
        db = self._file.reading()
        db.execute("BEGIN")
        heads = heads_of(db)  # the first read of the transaction fixes what all others see
        return Checkpoint(heads=heads, parts=_parts(db), let_go=db.close)

    async def wait_for_entries(self, known: Heads, timeout_s: float) -> None:
        await self._poll(lambda db: heads_of(db).marks != known.marks, timeout_s, self._feed_signal)


def heads_of(db: Database) -> Heads:
    """Where the feed ends, in the transaction under way."""
    row = db.one("read_ledger")
    assert row is not None, "the first schema step writes the row"
    began: dict[int, dict[int, Mark]] = {}
    for epoch, shard, position, digest in db.all("read_epochs") if row[1] > 1 else []:
        began.setdefault(epoch, {})[shard] = Mark(position, digest)
    marks = {shard: Mark(position, digest) for shard, position, digest in db.all("read_heads")}
    return Heads(identity=row[0], epoch=row[1], marks=marks, began=began)


async def _parts(db: Database) -> AsyncIterator[MemberTotals]:
    parts = _read_parts(db)
    try:
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part
    finally:
        # Who gives up may leave a read under way: then the file is closed with the connection, when that is let go of.
        with suppress(apsw.ThreadingViolationError):
            db.close()


def _read_parts(db: Database) -> Iterator[MemberTotals]:
    after = -1
    while rows := db.all("checkpoint_members", after, CHUNK):
        after = rows[-1][0]
        numbers, ids, names, hidden, into, scores, *months = zip(*rows, strict=True)
        yield MemberTotals(
            numbers=array("q", numbers),
            ids=ids,
            name_numbers=array("q", names),
            hidden=bytes(hidden),
            scores=array("q", scores),
            months=open_months(numbers, *months),
            merged=[(number, one) for number, one in zip(numbers, into, strict=True) if one is not None],
        )
    month, member = 0, -1
    while rows := db.all("checkpoint_closed_months", month, member, CHUNK):
        month, member = rows[-1][:2]
        yield closed_part_of(rows)


def _check_mark(db: Database, shard: int, mark: Mark) -> None:
    """Raise `FeedDiverged` where the entry at the mark is missing, or another one."""
    if mark.position:
        row = db.one("entry_hash", place_of(shard, mark.position))
        if row is None or row[0] != mark.hash:
            raise FeedDiverged
