"""The books and the inbox."""

from collections import defaultdict
from collections.abc import Sequence

from laurels.clock import Clock, elapsed
from laurels.engines.postgres import leases
from laurels.engines.postgres.accepting import Acceptor
from laurels.engines.postgres.awarding import Floor, award
from laurels.engines.postgres.codes import DOCUMENT, SHARDS, STATUSES, home_of, parted
from laurels.engines.postgres.connections import Open, trying
from laurels.engines.postgres.entries import entries_at, entry_of
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.settling import Settler
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import LaurelsError
from laurels.ledger import Counts, Decide, DocumentState, Receipt, shard_of
from laurels.model import Balance, Document, DocumentKind, Entry, Version


class PostgresInbox(Session):
    """Documents on their way."""

    def __init__(self, open_one: Open, facts: Facts, now: Clock) -> None:
        super().__init__(open_one, facts, now)
        self._acceptor = Acceptor(self._connections, facts, now, lambda: self._committed(grown=False))
        self._floors: dict[int, Floor] = defaultdict(Floor)
        self._mine = frozenset(range(SHARDS))

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        self._check_open()
        return await self._acceptor.accept(documents)

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        whose: tuple[int | None, bytes | None] = (None, None)
        if of_member is not None:
            whose = shard_of(of_member, SHARDS), self._stranger(of_member)
        async with self._connections.read() as db:
            row = await db.one(
                "document_state", home_of(kind, source, id), source, DOCUMENT[kind], id, of_member, *whose
            )
            if row is None:
                return None
            at = (row["shard"], row["position"])
            entries = await entries_at(db, [at] if row["position"] is not None else [])
        return DocumentState(
            kind=kind,
            source=source,
            id=id,
            member_id=row["member_id"],
            status=STATUSES[row["state"]],
            accepted_at=row["accepted_at"],
            entry=entries.get(at),
            reason=row["reason"] or None,
            content=row["content"],
            actor=row["actor"],
        )

    async def wait_for_work(self, timeout_s: float) -> None:
        async def look(db: Statements) -> bool:
            shards = sorted(self._mine)
            return bool(await db.value("any_ready", shards, [self._floors[shard].get() for shard in shards]))

        await self._poll(look, timeout_s)

    async def inbox_depth(self) -> int:
        async with self._connections.read() as db:
            return int(await db.value("count_ready"))

    async def counts(self) -> Counts:
        async with self._connections.read() as db:
            ready, ready_since, waiting, quarantined, due, held = await db.only("counts")
        return Counts(
            ready=ready,
            ready_since=ready_since,
            waiting=waiting,
            quarantined=quarantined,
            messages_due=due,
            messages_held=held,
        )


class PostgresBooks(PostgresInbox):
    """Entries and totals."""

    def __init__(self, open_one: Open, facts: Facts, now: Clock) -> None:
        super().__init__(open_one, facts, now)
        self._settler = Settler(self._connections, facts, now, lambda: self._committed(grown=True))
        self._leased_until = 0.0

    async def own(self) -> frozenset[int]:
        now = elapsed()
        if now >= self._leased_until:
            async with self._connections.transaction() as db:
                self._fences = await leases.take(db, self._owner)
            self._leased_until = now + leases.RENEW_S
        self._mine = frozenset(self._fences)
        return self._mine

    async def award(self, shard: int, limit: int, decide: Decide, *, waiting_before: int) -> int:
        floor = self._floors[shard]

        async def once() -> tuple[int, int, bool]:
            async with self._connections.transaction([shard]) as db:
                return await award(
                    db,
                    shard,
                    limit,
                    decide,
                    waiting_before=waiting_before,
                    now=self._now(),
                    fence=self._fences.get(shard),
                    floor=floor.get(),
                    identity=self._facts.identity,
                )

        taken, last, grown = await trying(once)
        if last:
            floor.taken(last)
        if taken:
            self._committed(grown=grown)
        return taken

    async def settle(self, documents: Sequence[Document], decide: Decide) -> list[Receipt | LaurelsError]:
        self._check_open()
        return await self._settler.settle(documents, decide)

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        async with self._connections.read() as db:
            row = await db.one("balance", shard_of(member_id, SHARDS), member_id)
        if row is None:
            return None
        balance, earned, score, epoch, positions = row
        totals = Balance() if balance is None else Balance(balance, earned, score)
        return totals, Version(epoch, dict(enumerate(positions)))

    async def entries(self, member_id: str, *, before: str | None = None, limit: int = 50) -> list[Entry]:
        async with self._connections.read() as db:
            member = await db.one("member_by_id", shard_of(member_id, SHARDS), member_id)
            if member is None:
                return []
            shard, position = (None, None) if before is None else parted(int(before))
            gone = await db.all("merged_with", member["number"])
            if gone:  # in several shards, which time alone puts in one order
                shards, numbers = [[member[key], *(row[key] for row in gone)] for key in ("shard", "number")]
                rows: list[Row] = await db.all("merged_entries", shards, numbers, shard, position, limit)
            else:
                rows = await db.all("member_entries", member["shard"], member["number"], position, limit)
        return [entry_of(row) for row in rows]

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        home = home_of(DocumentKind.ORDER, source, order_id)
        async with self._connections.read() as db:
            row = await db.one("order_places", home, source, order_id)
            if row is None:
                return []
            places = [(row["shard"], row["position"]), *(parted(place) for place in row["places"] or ())]
            return [*(await entries_at(db, places)).values()]
