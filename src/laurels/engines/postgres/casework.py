"""Finding a customer, and what happened to one, on a server."""

from collections.abc import Collection, Mapping

from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.codes import DOCUMENT, DOCUMENT_KINDS, ENTRY_KINDS, SHARDS, home_of, parted, place_of
from laurels.engines.postgres.entries import At, entries_at
from laurels.engines.postgres.members import version_of
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.ledger import Customer, FoundDocument, Timeline, TimelineEntry, shard_of
from laurels.model import Balance, EntryKind
from laurels.model.documents import kept_id

MOST_READ = 2_000
"""Entries that one call looks at."""

MOST_SOURCES, MOST_FOUND = 500, 20


class PostgresCasework(Session):
    """Reads for people."""

    async def customer(self, number: int) -> Customer | None:
        async with self._connections.snapshot() as db:
            row = await db.one("customer", number)
            return None if row is None else await _customer(db, row)

    async def numbers_of(
        self, *, member_id: str | None = None, email: str | None = None, name_number: int | None = None
    ) -> list[int]:
        found: list[int] = []
        async with self._connections.read() as db:
            if member_id is not None:
                found += [row[0] for row in await db.all("numbers_by_id", shard_of(member_id, SHARDS), member_id)]
            if email is not None:
                found += [row[0] for row in await db.all("numbers_by_email", email)]
            if name_number is not None:
                found += [row[0] for row in await db.all("numbers_by_name", name_number)]
        return list(dict.fromkeys(found))[:MOST_FOUND]

    async def numbers_from(self, prefix: str, limit: int) -> list[int]:
        async with self._connections.read() as db:
            return [row[0] for row in await db.all("numbers_from", prefix, limit)]

    async def documents_called(self, id: str) -> list[FoundDocument]:
        async with self._connections.read() as db:
            sources = [row[0] for row in await db.all("sources", MOST_SOURCES)]
            kept = {kind: kept_id(self._facts.secret, kind, id) for kind in DOCUMENT}
            keys = [
                (home_of(kind, source, kept[kind]), source, letter, kept[kind])
                for source in sources
                for kind, letter in DOCUMENT.items()
            ]
            rows: list[Row] = await db.all("documents_called", *columns_of(keys, 4))
            rows += await db.all("own_documents_called", id)
        return [_found(row, id) for row in rows[:MOST_FOUND]]

    async def timeline(
        self, number: int, *, kinds: Collection[EntryKind], before: str | None, balance: int | None, limit: int
    ) -> Timeline:
        async with self._connections.snapshot() as db:
            row = await db.one("customer", number)
            if row is None:
                return Timeline(entries=[])
            start = row[7] if balance is None else balance
            most = MOST_READ if kinds else limit + 1
            moved = await _moves(db, row, before, most)
            return await _timeline(db, moved, frozenset(kinds), start, limit=limit, most=most)


async def _moves(db: Statements, customer: Row, before: str | None, most: int) -> list[Row]:
    """The places, kinds and points of a member's point entries, newest first, those of who became it among them."""
    number, home = customer[0], customer[10]
    shard, position = (None, None) if before is None else parted(int(before))
    gone = await db.all("merged_with", number)
    if not gone:
        return await db.all("member_moves", home, number, position, most)
    shards = [home, *(row["shard"] for row in gone)]  # time alone puts them in one order
    return await db.all("merged_moves", shards, [number, *(row["number"] for row in gone)], shard, position, most)


async def _timeline(
    db: Statements, moved: list[Row], kinds: frozenset[EntryKind], balance: int, *, limit: int, most: int
) -> Timeline:
    after: dict[At, int] = {}
    for number, (shard, position, letter, points) in enumerate(moved, 1):
        if not kinds or ENTRY_KINDS[letter] in kinds:
            after[shard, position] = balance
        balance -= points
        if len(after) == limit:
            more = number < len(moved) or len(moved) == most
            before = str(place_of(shard, position)) if more else None
            return Timeline(entries=await _shown(db, after), before=before, balance=balance)
    if len(moved) < most:
        return Timeline(entries=await _shown(db, after))
    last = moved[-1][0], moved[-1][1]
    searched_to = (await entries_at(db, [last]))[last].recorded_at
    return Timeline(
        entries=await _shown(db, after), before=str(place_of(*last)), balance=balance, searched_to=searched_to
    )


async def _shown(db: Statements, after: Mapping[At, int]) -> list[TimelineEntry]:
    """The entries at these places, with the balance after each, what came back of redemptions, and what the documents
    of earn entries said.
    """
    entries = await entries_at(db, after)
    redeemed = [at for at in after if entries[at].kind is EntryKind.REDEEM]
    earned = [at for at in after if entries[at].kind is EntryKind.EARN]
    redemptions = await db.all("redemptions_at", *columns_of(redeemed, 2)) if redeemed else []
    came_back = {(row[0], row[1]): (row[2], row[3]) for row in redemptions}
    contents = await db.all("contents_at", *columns_of(earned, 2)) if earned else []
    kept = {(row[0], row[1]): row[2] for row in contents}
    shown = []
    for at, balance in after.items():
        redemption_id, restored = came_back.get(at, (None, 0))
        shown.append(
            TimelineEntry(
                entry=entries[at],
                balance_after=balance,
                restored=restored,
                redemption_id=redemption_id,
                content=kept.get(at),
            )
        )
    return shown


async def _customer(db: Statements, row: Row) -> Customer:
    return Customer(
        number=row[0],
        member_id=row[1],
        name_number=row[2],
        hidden=row[3],
        enrolled_at=row[4],
        merged_into=row[5],
        email=row[6],
        totals=Balance(*row[7:10]),
        version=await version_of(db),
    )


def _found(row: Row, id: str) -> FoundDocument:
    loyalty_id = None if row["position"] is None else f"{row['shard']}-{row['position']}"
    return FoundDocument(
        kind=DOCUMENT_KINDS[row["kind"]],
        source=row["source"],
        id=id,
        member=row["member"],
        loyalty_id=loyalty_id,
    )
