"""Finding a customer, and what happened to one, in the embedded ledger."""

from collections.abc import Collection, Mapping

from laurels.engines.sqlite.chain import read_entry
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.histories import entries_at
from laurels.engines.sqlite.members import chains_version
from laurels.engines.sqlite.moves import FoundMoves
from laurels.engines.sqlite.places import position_at, shard_at
from laurels.engines.sqlite.session import Session
from laurels.ledger import Customer, FoundDocument, Timeline, TimelineEntry
from laurels.model import Balance, DocumentKind, Entry, EntryKind
from laurels.model.documents import kept_id

MOST_READ = 2_000
"""Entries that one call looks at."""

MOST_SOURCES, MOST_FOUND = 500, 20
_MEMBERS_OWN, _BEHIND_THEM = "member:", "member;"
"""Each member has a circle of ids of its own: there are as many as members."""
_LAST = "\U0010ffff"


class SqliteCasework(Session):
    """Reads for people."""

    async def customer(self, number: int) -> Customer | None:
        def read(db: Database) -> Customer | None:
            row = db.one("customer", number)
            return None if row is None else _customer(db, row)

        return await self._reader.run(read)

    async def numbers_of(
        self, *, member_id: str | None = None, email: str | None = None, name_number: int | None = None
    ) -> list[int]:
        asked = (("numbers_by_id", member_id), ("numbers_by_email", email), ("numbers_by_name", name_number))

        def read(db: Database) -> list[int]:
            found = [row[0] for query, value in asked if value is not None for row in db.all(query, value)]
            return list(dict.fromkeys(found))[:MOST_FOUND]

        return await self._reader.run(read)

    async def numbers_from(self, prefix: str, limit: int) -> list[int]:
        rows = await self._reader.run(lambda db: db.all("numbers_from", prefix, prefix + _LAST, limit))
        return [row[0] for row in rows]

    async def documents_called(self, id: str) -> list[FoundDocument]:
        def read(db: Database) -> list[FoundDocument]:
            digest = kept_id(db.value("read_secret"), DocumentKind.ADJUSTMENT, id)
            rows = [row for source in _sources(db) for row in db.all("documents_called", source, id, digest)]
            rows += db.all("own_documents_called", id, MOST_FOUND)
            return [_found(row, id) for row in rows[:MOST_FOUND]]

        return await self._reader.run(read)

    async def timeline(
        self, number: int, *, kinds: Collection[EntryKind], before: str | None, balance: int | None, limit: int
    ) -> Timeline:
        at, of_kinds = None if before is None else int(before), frozenset(kinds)
        most = MOST_READ if kinds else limit + 1

        def begin(db: Database) -> tuple[FoundMoves, int, Timeline | None]:
            row = db.one("read_balance", number) if balance is None else None
            start = balance if balance is not None else row[0] if row is not None else 0
            found = self._moves.begin(db, number, at, most)
            return found, start, shown(db, found, start) if found.is_enough(most) else None

        def shown(db: Database, found: FoundMoves, start: int) -> Timeline:
            return _timeline(db, found.moves[:most], of_kinds, start, limit=limit, most=most)

        found, start, timeline = await self._reader.run(begin)
        if timeline is None:
            found = await self._moves.rest(number, found, most)
            timeline = await self._reader.run(lambda db: shown(db, found, start))
        if at is None:
            self._moves.remember(number, found)
        return timeline


def _timeline(
    db: Database,
    moved: list[tuple[int, str, int]],
    kinds: frozenset[EntryKind],
    balance: int,
    *,
    limit: int,
    most: int,
) -> Timeline:
    after: dict[int, int] = {}
    for number, (place, kind, points) in enumerate(moved, 1):
        if not kinds or kind in kinds:
            after[place] = balance
        balance -= points
        if len(after) == limit:
            more = number < len(moved) or len(moved) == most
            return Timeline(entries=_shown(db, after), before=str(place) if more else None, balance=balance)
    if len(moved) < most:
        return Timeline(entries=_shown(db, after))
    last = read_entry(db, moved[-1][0])
    assert last is not None, "it was read just now"
    return Timeline(entries=_shown(db, after), before=str(moved[-1][0]), balance=balance, searched_to=last.recorded_at)


def _shown(db: Database, after: Mapping[int, int]) -> list[TimelineEntry]:
    """The entries at these places with the balance after each."""
    entries = entries_at(db, after)
    return [_shown_entry(db, place, entries[place], balance) for place, balance in after.items()]


def _shown_entry(db: Database, place: int, entry: Entry, balance: int) -> TimelineEntry:
    redemption = db.one("redemption_at", place) if entry.kind is EntryKind.REDEEM else None
    redemption_id, restored = redemption or (None, 0)
    content = db.value("content_at", place) if entry.kind is EntryKind.EARN else None
    return TimelineEntry(
        entry=entry, balance_after=balance, restored=restored, redemption_id=redemption_id, content=content
    )


def _customer(db: Database, row: Row) -> Customer:
    return Customer(
        number=row[0],
        member_id=row[1],
        name_number=row[2],
        hidden=bool(row[3]),
        enrolled_at=row[4],
        merged_into=row[5],
        email=row[6],
        totals=Balance(*row[7:10]),
        version=chains_version(db),
    )


def _found(row: Row, id: str) -> FoundDocument:
    kind, source, member, place = row
    loyalty_id = None if place is None else f"{shard_at(place)}-{position_at(place)}"
    return FoundDocument(kind=DocumentKind(kind), source=source, id=id, member=member, loyalty_id=loyalty_id)


def _sources(db: Database) -> list[str]:
    """The sources that documents came from, each found by one step in the index, but the members' own circles."""
    sources: list[str] = []
    after = ""
    while len(sources) < MOST_SOURCES:
        source = db.value("next_source", after)
        if source is None:
            break
        if _MEMBERS_OWN <= source < _BEHIND_THEM:
            after = _BEHIND_THEM
        else:
            sources.append(source)
            after = source
    return sources
