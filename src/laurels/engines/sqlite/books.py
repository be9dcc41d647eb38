"""The books and the inbox of the embedded ledger."""

from collections.abc import Collection, Sequence

import msgspec

from laurels.engines.sqlite import accepting, awarding, leases, taking_in
from laurels.engines.sqlite.arriving import DocumentBatch
from laurels.engines.sqlite.chain import entry_of, read_entry
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.histories import history
from laurels.engines.sqlite.members import chains_version
from laurels.engines.sqlite.session import Session
from laurels.errors import LaurelsError, NotOwned
from laurels.ledger import Award, Counts, Decide, DocumentState, MemberState, Receipt
from laurels.ledger.rows import counts_of
from laurels.model import Balance, Document, DocumentKind, Entry, Status, Version
from laurels.model.documents import kept_id

MANY = 512
"""Documents that are gathered by the thread that hands them in, whose processor has them in its cache. The one that
writes would wait for the interpreter, and for each of them.
"""


class SqliteInbox(Session):
    """Documents on their way."""

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        together = DocumentBatch(documents)
        if len(documents) >= MANY:
            together.gathered()
        return await self._writer.run_batched(self._accept_together, together)

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        def read(db: Database) -> DocumentState | None:
            kept = kept_id(db.value("read_secret"), kind, id)
            row = db.one("document_state", source, kept, kind.value, of_member)
            if row is None:
                return None
            status, place, accepted_at, member_id, reason, dropped, content, actor, order_source, order_id = row
            return DocumentState(
                kind=kind,
                source=source,
                id=id,
                member_id=member_id,
                status=Status(status),
                accepted_at=accepted_at,
                entry=read_entry(db, place),
                reason=reason or None,
                dropped=bool(dropped),
                content=content or None,
                actor=actor,
                order_key=None if order_id is None else (order_source, order_id),
            )

        return await self._reader.run(read)

    async def wait_for_work(self, timeout_s: float) -> None:
        def is_there(db: Database) -> bool:
            """Work, or a shard to take or to hand over."""
            ready = {row[0] for row in db.all("ready_shards")}
            if self._shards == 1 or self._leased_at is None:
                return bool(ready)
            return bool(ready & self._mine) or leases.is_due(db, self._owner, self._shards, self._now())

        await self._poll(is_there, timeout_s)

    async def inbox_depth(self) -> int:
        return await self._reader.run(lambda db: int(db.value("count_ready")))

    async def counts(self) -> Counts:
        row = await self._reader.run(lambda db: db.one("counts"))
        assert row is not None, "a row of counts is a row, whatever they are"
        return counts_of(row)

    def _accept_together(self, db: Database, batches: Sequence[DocumentBatch]) -> list[list[Receipt]]:
        return accepting.accept(db, batches, self._now())


class SqliteBooks(Session):
    """Entries and totals."""

    async def own(self) -> frozenset[int]:
        if self._shards == 1:
            return self._mine
        now = self._now()
        is_fresh = self._leased_at is not None and self._leased_at <= now < self._leased_at + leases.RENEW
        if not is_fresh or await self._reader.run(lambda db: leases.is_due(db, self._owner, self._shards, now)):
            self._fences = await self._writer.run(lambda db: leases.take(db, self._owner, self._shards, now))
            self._leased_at, self._mine = now, frozenset(self._fences)
        return self._mine

    async def award(
        self, shard: int, limit: int, decide: Decide, *, waiting_before: int, in_depth: bool = False
    ) -> int:
        if shard not in self._mine:
            raise NotOwned
        fence = self._fences.get(shard)
        return await self._writer.run(
            lambda db: awarding.award(
                db,
                shard,
                limit,
                decide,
                waiting_before=waiting_before,
                in_depth=in_depth,
                now=self._now(),
                fence=fence,
            )
        )

    async def sweep(self, shard: int, limit: int, decide: Decide) -> int:
        if shard not in self._mine:
            raise NotOwned
        fence = self._fences.get(shard)
        return await self._writer.run(lambda db: awarding.sweep(db, shard, limit, decide, now=self._now(), fence=fence))

    async def look_at(self, members: Collection[tuple[int, int]]) -> None:
        await self._writer.run(lambda db: db.run("look_at", msgspec.json.encode(sorted(members)).decode()))

    async def settle(
        self, documents: Sequence[Document], decide: Decide, *, in_depth: bool = False
    ) -> list[Receipt | LaurelsError]:
        return await self._writer.run_batched(self._settle_together, (documents, decide, in_depth))

    @property
    def takes_in(self) -> bool:
        return self._shards == 1

    async def take_in(
        self, documents: Sequence[Document], decide: Decide, *, waiting_before: int, in_depth: bool = False
    ) -> list[Receipt]:
        return await self._writer.run(
            lambda db: taking_in.take_in(
                db, documents, decide, waiting_before=waiting_before, in_depth=in_depth, now=self._now()
            )
        )

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        def read(db: Database) -> tuple[Balance, Version] | None:
            row = db.one("balance_by_id", member_id)
            if row is None:
                return None
            return Balance(*row) if row[0] is not None else Balance(), chains_version(db)

        return await self._reader.run(read)

    async def account(self, member_id: str, *, in_depth: bool = True) -> tuple[MemberState, Version] | None:
        def read(db: Database) -> tuple[MemberState, Version] | None:
            row = db.one("account_by_id", member_id)
            if row is None:
                return None
            kept = MemberState(Balance(*row[1:4]) if row[1] is not None else Balance(), row[4])
            return awarding.in_depth_of(db, row[0], kept) if in_depth else kept, chains_version(db)

        return await self._reader.run(read)

    async def budgets(self) -> dict[str, int]:
        return await self._reader.run(lambda db: dict(db.all("read_budgets")))

    async def entries(self, member_id: str, *, before: str | None = None, limit: int = 50) -> list[Entry]:
        def read(db: Database) -> list[Entry]:
            row = db.one("member_by_id", member_id)
            if row is None:
                return []
            return [entry_of(each) for each in history(db, row[0], None if before is None else int(before), limit)]

        return await self._reader.run(read)

    async def order_award(self, source: str, order_id: str) -> Award | None:
        row = await self._reader.run(lambda db: db.one("read_award", source, order_id))
        return None if row is None else awarding.award_of(row)

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        return await self._entries("order_entries", (source, order_id))

    def _settle_together(
        self, db: Database, batches: Sequence[tuple[Sequence[Document], Decide, bool]]
    ) -> list[list[Receipt | LaurelsError]]:
        return awarding.settle(db, batches, self._now())
