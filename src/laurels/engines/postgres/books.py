"""The books and the inbox."""

from collections.abc import Collection, Sequence

import structlog

from laurels.clock import Clock, elapsed
from laurels.engines.postgres import leases
from laurels.engines.postgres.accepting import Acceptor
from laurels.engines.postgres.awarding import ClaimedBatch, award, sweep
from laurels.engines.postgres.batch_member import draw_of
from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.claiming import award_of
from laurels.engines.postgres.codes import DOCUMENT, DROPPED, SHARDS, STATUSES, home_of, parted
from laurels.engines.postgres.connections import Open, judging, trying
from laurels.engines.postgres.entries import entries_at, entry_of
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.settling import Settler
from laurels.engines.postgres.statements import Row, Statements
from laurels.engines.postgres.work_look import ShardWork, WorkLook
from laurels.errors import LaurelsError, LedgerUnavailable, NotOwned
from laurels.ledger import Award, Counts, Decide, DocumentState, MemberState, NameNumbers, Receipt, shard_of
from laurels.ledger.rows import counts_of
from laurels.model import Balance, Document, DocumentKind, Entry, Version
from laurels.model.documents import kept_id

log = structlog.get_logger(__name__)


class PostgresInbox(Session):
    """Documents on their way."""

    def __init__(self, open_one: Open, facts: Facts, now: Clock, names: NameNumbers | None = None) -> None:
        super().__init__(open_one, facts, now, names)
        self._acceptor = Acceptor(self._connections, facts, self._names, now, lambda: self._committed(grown=False))
        self._mine: frozenset[int] = frozenset()
        self._leased_at: float | None = None
        self._looked_at = 0.0

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        self._check_open()
        return await self._acceptor.accept(documents)

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        whose: tuple[int | None, bytes | None] = (None, None)
        if of_member is not None:
            whose = shard_of(of_member, SHARDS), self._stranger(of_member)
        kept = kept_id(self._facts.secret, kind, id)
        async with self._connections.read() as db:
            row = await db.one(
                "document_state", home_of(kind, source, kept), source, DOCUMENT[kind], kept, of_member, *whose
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
            dropped=row["state"] == DROPPED,
            content=row["content"] or None,
            actor=row["actor"],
            order_key=None if row["order_id"] is None else (row["order_source"], row["order_id"]),
        )

    async def wait_for_work(self, timeout_s: float) -> None:
        async def look(db: Statements) -> bool:
            """Whether there is work, or a shard to take or to hand over."""
            shards, began = sorted(range(SHARDS) if self._leased_at is None else self._mine), elapsed()
            floors = [self._floors[shard].get() for shard in shards]
            if await db.value("any_ready", shards, floors):
                return True
            for shard, since in zip(shards, floors, strict=True):
                self._floors[shard].looked(since, began, elapsed() - began)
            return self._leased_at is not None and await leases.is_due(db, self._owner)

        await self._poll(look, timeout_s)

    async def inbox_depth(self) -> int:
        async with self._connections.read() as db:
            return int(await db.value("count_ready"))

    async def counts(self) -> Counts:
        async with self._connections.read() as db:
            return counts_of(await db.only("counts"))


class PostgresBooks(PostgresInbox):
    """Entries and totals."""

    def __init__(self, open_one: Open, facts: Facts, now: Clock, names: NameNumbers | None = None) -> None:
        super().__init__(open_one, facts, now, names)
        self._work_look = WorkLook(self._connections)
        self._settler = Settler(self._connections, facts, self._names, now, lambda: self._committed(grown=True))

    async def own(self) -> frozenset[int]:
        now = elapsed()
        if self._leased_at is None or now >= self._leased_at + leases.RENEW_S or await self._is_due(now):
            self._fences = await trying(self._take_leases)
            await self._look_after()
            self._leased_at, self._mine = now, frozenset(self._fences)
        return self._mine

    async def _take_leases(self) -> dict[int, int]:
        async with self._connections.transaction() as db:
            return await leases.take(db, self._owner)

    async def _look_after(self) -> None:
        """What somebody has to do now and then, and who awards does, as often as leases are renewed."""
        async with self._connections.read() as db:
            await db.run("end_sleepers")
            missing = await db.all("missing_ranges", sorted(self._fences))
        for shard, number in missing:
            try:
                async with self._connections.transaction() as db:
                    await db.run("add_range", shard, number)
            except LedgerUnavailable as error:  # there is half a range left
                log.warning("ledger.range_missing", shard=shard, range=number, error=error.message)

    async def _is_due(self, now: float) -> bool:
        if now < self._looked_at + leases.LOOK_S:
            return False
        self._looked_at = now
        async with self._connections.read() as db:
            return await leases.is_due(db, self._owner)

    async def award(
        self, shard: int, limit: int, decide: Decide, *, waiting_before: int, in_depth: bool = False
    ) -> int:
        if shard not in self._mine:
            raise NotOwned
        floor, began = self._floors[shard], elapsed()
        since = floor.get()
        behind = floor.more_behind
        took_s = 0.0
        if behind is None or not since:  # a look through all is due in a backlog, too
            found = await self._look_for_work(shard, since, waiting_before)
            took_s = elapsed() - began
            if found.first is None and not found.is_overdue:
                floor.more_behind = None
                floor.looked(since, began, took_s)
                return 0
            behind = since if found.first is None else found.first - 1

        async def once(tried: int) -> ClaimedBatch:
            async with self._connections.transaction([shard]) as db:
                return await award(
                    db,
                    shard,
                    limit,
                    decide,
                    waiting_before=waiting_before,
                    in_depth=in_depth,
                    lock_budgets=tried > 0,
                    now=self._now(),
                    fence=self._fences.get(shard),
                    floor=behind,
                    facts=self._facts,
                )

        awarded = await judging(once)
        floor.more_behind = awarded.last if awarded.last and awarded.taken >= limit else None
        if awarded.last:
            floor.taken(awarded.last)
        if awarded.last or not awarded.taken:  # else all that it may take were others', and there may be more
            floor.looked(since, began, took_s)
        for other in awarded.put_back:  # they may lie below its floor
            self._floors[other].forget()
        if awarded.taken:
            self._committed(grown=awarded.grown)
        return awarded.taken

    async def _look_for_work(self, shard: int, floor: int, waiting_before: int) -> ShardWork:
        """What would be worth a transaction under the shard's lock. Raises `NotOwned`."""
        found = await self._work_look.at(shard, floor, waiting_before)
        if found.fence != self._fences.get(shard, found.fence):
            raise NotOwned
        return found

    async def sweep(self, shard: int, limit: int, decide: Decide) -> int:
        if shard not in self._mine:
            raise NotOwned

        async def once(tried: int) -> int:
            async with self._connections.transaction([shard]) as db:
                fence = self._fences.get(shard)
                return await sweep(
                    db, shard, limit, decide, lock_budgets=tried > 0, now=self._now(), fence=fence, facts=self._facts
                )

        taken = await judging(once)
        if taken:
            self._committed(grown=True)
        return taken

    async def look_at(self, members: Collection[tuple[int, int]]) -> None:
        async def once() -> None:
            async with self._connections.transaction() as db:
                await db.run("look_at", *columns_of(sorted(members), 2))

        await trying(once)

    async def settle(
        self, documents: Sequence[Document], decide: Decide, *, in_depth: bool = False
    ) -> list[Receipt | LaurelsError]:
        self._check_open()
        return await self._settler.settle(documents, decide, in_depth=in_depth)

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        async with self._connections.read() as db:
            row = await db.one("balance", shard_of(member_id, SHARDS), member_id)
        return None if row is None else (_totals_of(row), _version_of(row))

    async def account(self, member_id: str, *, in_depth: bool = True) -> tuple[MemberState, Version] | None:
        async with self._connections.snapshot() as db:
            row = await db.one("account", shard_of(member_id, SHARDS), member_id)
            if row is None:
                return None
            state, (number, shard, enrolled_at, attributes, last) = row[3], row[6:]
            asked = [number] if in_depth and state is None and last else []
            orders = [tuple(each[1:]) for each in await db.all("orders_of", shard, asked)] if asked else []
        draw = draw_of(self._facts.secret, number)
        account = MemberState(_totals_of(row), state, attributes, enrolled_at, draw, *(orders[0] if orders else ()))
        return account, _version_of(row)

    async def budgets(self) -> dict[str, int]:
        async with self._connections.read() as db:
            return dict(await db.all("read_budgets"))

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

    async def order_award(self, source: str, order_id: str) -> Award | None:
        home = home_of(DocumentKind.ORDER, source, order_id)
        async with self._connections.read() as db:
            row = await db.one("orders", [home], [source], [order_id])
        return None if row is None or row["amount"] is None else award_of(row)

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        home = home_of(DocumentKind.ORDER, source, order_id)
        async with self._connections.read() as db:
            row = await db.one("order_places", home, source, order_id)
            if row is None:
                return []
            places = [(row["shard"], row["position"]), *(parted(place) for place in row["places"] or ())]
            return [*(await entries_at(db, places)).values()]


def _totals_of(row: Row) -> Balance:
    return Balance() if row[0] is None else Balance(*row[:3])


def _version_of(row: Row) -> Version:
    return Version(row[4], dict(enumerate(row[5])))
