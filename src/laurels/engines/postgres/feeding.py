"""The feed, and its checkpoint."""

import asyncio
import sys
from array import array
from collections.abc import AsyncIterator

from laurels.engines.postgres.codes import ENTRY_KINDS, SHARDS, parted, place_of
from laurels.engines.postgres.connections import BEGIN_READ, cut_off, wrapped
from laurels.engines.postgres.entries import entry_of
from laurels.engines.postgres.session import FEED_PACE_S, Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import FeedDiverged
from laurels.ledger import Checkpoint, Heads, MemberTotals, Passed
from laurels.ledger.checkpoints import CHUNK, closed_part_of, open_months
from laurels.model import BoardEntry, Entry, Mark

_SPAN = CHUNK * SHARDS
"""Member numbers a part of one shard's: shards take them by turns."""

_KINDS = {letter: kind.value for letter, kind in ENTRY_KINDS.items()}


class PostgresFeed(Session):
    """Entries in commit order."""

    async def heads(self) -> Heads:
        async with self._connections.read() as db:
            return await self._heads(db)

    async def feed(self, shard: int, after: Mark, limit: int) -> list[Entry]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all("feed", shard, after.position, limit + 1)
        return [entry_of(row) for row in _behind(rows, after, 1, 17, limit)]

    async def passed(self, shard: int, after: int, until: int) -> list[Passed]:
        async with self._connections.read() as db:
            rows = await db.all("milestones_between", place_of(shard, after), place_of(shard, until))
        return [Passed(parted(place)[1], name, points, quiet) for place, name, points, quiet in rows]

    async def board_entries(self, shard: int, after: Mark, limit: int) -> tuple[list[BoardEntry], Mark]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all("board_entries", shard, after.position, limit + 1)
        rows = _behind(rows, after, 0, 9, limit)
        if not rows:
            return [], after
        found = [
            (position, _KINDS[kind], member, points, name, board_at, recorded_at, member_id, details)
            for position, kind, member, points, name, board_at, recorded_at, member_id, details, _ in rows
        ]
        return found, Mark(rows[-1][0], rows[-1][9])

    async def checkpoint(self) -> Checkpoint:
        """One long read on a connection of its own; what others write meanwhile waits to be vacuumed until it ends."""
        db = await self._connections.lent()
        try:
            with wrapped():
                await db.connection.execute(BEGIN_READ)
                heads = await self._heads(db)  # the first read of the transaction fixes what all others see
        except BaseException:
            cut_off(db)
            raise
        return Checkpoint(heads=heads, parts=_parts(db), let_go=lambda: cut_off(db))

    async def wait_for_entries(self, known: Heads, timeout_s: float) -> None:
        async def look(db: Statements) -> bool:
            return await _marks(db) != known.marks

        loop = asyncio.get_running_loop()
        await asyncio.sleep(min(max(0.0, self._feed_looked_at + FEED_PACE_S - loop.time()), timeout_s))
        self._feed_looked_at = loop.time()
        await self._poll(look, timeout_s, self._feed_signal)

    async def _heads(self, db: Statements) -> Heads:
        ledger = await db.only("read_ledger")
        began: dict[int, dict[int, Mark]] = {}
        for epoch, shard, position, digest in await db.all("epochs") if ledger["epoch"] > 1 else []:
            began.setdefault(epoch, {})[shard] = Mark(position, digest)
        return Heads(identity=ledger["identity"], epoch=ledger["epoch"], marks=await _marks(db), began=began)


async def _marks(db: Statements) -> dict[int, Mark]:
    return {shard: Mark(position, digest) for shard, position, digest in await db.all("heads")}


def _behind(rows: list[Row], after: Mark, position: int, digest: int, limit: int) -> list[Row]:
    """The rows behind a mark, of those from the mark on. Raises `FeedDiverged` where the one at the mark is missing, or
    another.
    """
    if not after.position:
        return rows[:limit]
    if not rows or rows[0][position] != after.position or rows[0][digest] != after.hash:
        raise FeedDiverged
    return rows[1:]


def _totals_of(row: Row) -> MemberTotals:
    numbers = _ints(row["numbers"])
    return MemberTotals(
        numbers=numbers,
        ids=row["ids"],
        name_numbers=_ints(row["name_numbers"]),
        hidden=row["hidden"],
        scores=_ints(row["scores"]),
        months=open_months(numbers, *map(_ints, (row["months"], row["month_scores"], row["before_scores"]))),
        merged=list(zip(row["merged"] or (), row["into"] or (), strict=True)),
    )


def _ints(sent: bytes) -> "array[int]":
    """Numbers as the server sends them, eight bytes each, the first the highest."""
    numbers = array("q", sent)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


async def _parts(db: Statements) -> AsyncIterator[MemberTotals]:
    try:
        with wrapped():
            for shard in range(SHARDS):
                last = await db.value("last_member", shard)
                for first in range(0, 0 if last is None else last + 1, _SPAN):
                    row = await db.only("checkpoint_members", shard, first, min(first + _SPAN - 1, last))
                    if row["numbers"] is not None:
                        yield _totals_of(row)
                month, member = 0, -1
                while rows := await db.all("checkpoint_closed_months", shard, month, member, CHUNK):
                    month, member = rows[-1][:2]
                    yield closed_part_of(rows)
    finally:
        cut_off(db)
