"""Long reads over what a ledger keeps: documents with their entries, members with their states, orders with their
frames. Each on a connection of its own, chunk by chunk.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from laurels.engines.postgres.batch_member import draw_of
from laurels.engines.postgres.claiming import award_of
from laurels.engines.postgres.codes import DOCUMENT_KINDS, SHARDS, parted
from laurels.engines.postgres.connections import BEGIN_READ, cut_off, wrapped
from laurels.engines.postgres.entries import entries_at, entry_of
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import NO_LIMIT_S, Row, Statements
from laurels.ledger import Award, Awarded, MemberState
from laurels.model import Balance, DocumentKind, Entry

CHUNK = 2000


class PostgresKeeping(Session):
    """What rehearsals, liability and verification in depth read."""

    async def awarded(self, *, framed: bool = False) -> AsyncIterator[list[Awarded]]:
        async with self._moment() as db:
            async for rows in db.chunks("awarded", CHUNK, framed):
                yield [_awarded(row) for row in rows]

    async def mergers(self) -> AsyncIterator[list[Entry]]:
        async with self._moment() as db:
            async for rows in db.chunks("mergers", CHUNK):
                yield [entry_of(row) for row in rows]

    async def accounts(self, *, orders: bool = False) -> AsyncIterator[list[tuple[int, MemberState]]]:
        async with self._moment() as db:
            async for rows in db.chunks("accounts", CHUNK):
                known = await _orders_of(db, [row for row in rows if orders and row["state"] is None])
                yield [
                    (number, MemberState(Balance(*totals), state, None, None, b"", *known.get(number, (0, None))))
                    for number, *totals, state, _ in rows
                ]

    async def states(self) -> AsyncIterator[list[tuple[int, MemberState, int | None]]]:
        async with self._moment() as db:
            async for rows in db.chunks("states", CHUNK):
                yield [(number, MemberState(Balance(*totals), state), at) for number, *totals, state, at in rows]

    async def redeemed(self) -> AsyncIterator[list[tuple[str, str, bytes | None]]]:
        async with self._moment() as db:
            async for rows in db.chunks("redeemed", CHUNK):
                yield [(source, id_, spent) for source, id_, spent in rows]

    async def persons(self) -> AsyncIterator[list[tuple[int, MemberState]]]:
        secret = self._facts.secret
        async with self._moment() as db:
            async for rows in db.chunks("persons", CHUNK):
                yield [
                    (number, MemberState(attributes=said, enrolled_at=at, draw=draw_of(secret, number)))
                    for number, said, at in rows
                ]

    async def framed(self) -> AsyncIterator[list[tuple[Award, list[Entry]]]]:
        for shard in range(SHARDS):
            after = 0
            while True:
                async with self._connections.snapshot(NO_LIMIT_S, much=True) as db:
                    rows: list[Row] = await db.all("framed", shard, after, CHUNK)
                    chunk = await _with_entries(db, rows)
                if not chunk:
                    break
                yield chunk
                after = rows[-1]["sequence"]

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[Statements]:
        """A connection of its own on which all is of one moment. What others write meanwhile waits to be vacuumed."""
        db = await self._connections.lent()
        try:
            with wrapped():
                await db.connection.execute(BEGIN_READ)
                yield db
        finally:
            cut_off(db)


def _awarded(row: Row) -> Awarded:
    kind = DOCUMENT_KINDS[row["document_kind"]]
    is_order = kind is DocumentKind.ORDER
    return Awarded(
        kind=kind,
        source=row["document_source"],
        id=row["document_id"],
        member=row["whose"],
        accepted_at=row["accepted_at"],
        content=row["content"],
        entry=entry_of(row),
        frame=row["frame"] if is_order else None,
        refunded=row["refunded"] if is_order else None,
        anew=None if row["anew_version"] is None else (row["anew_version"], row["anew_board_at"], row["anew_details"]),
    )


async def _orders_of(db: Statements, rows: list[Row]) -> dict[int, tuple[int, int | None]]:
    """How many orders members have, and when the last was."""
    of_shard: dict[int, list[int]] = {}
    for row in rows:
        of_shard.setdefault(row["shard"], []).append(row["member"])
    return {
        number: (orders, last)
        for shard, numbers in of_shard.items()
        for number, orders, last in await db.all("orders_of", shard, numbers)
    }


async def _with_entries(db: Statements, rows: list[Row]) -> list[tuple[Award, list[Entry]]]:
    places = [[(row["shard"], row["position"]), *(parted(each) for each in row["places"] or ())] for row in rows]
    entries = await entries_at(db, {each for of_row in places for each in of_row})
    return [
        (award_of(row), [entries[each] for each in of_row if each in entries])
        for row, of_row in zip(rows, places, strict=True)
    ]
