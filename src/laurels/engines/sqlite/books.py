"""The books and the inbox of the embedded ledger."""

from collections.abc import Sequence

from laurels.engines.sqlite import accepting, awarding, leases
from laurels.engines.sqlite.chain import entry_of, read_entry
from laurels.engines.sqlite.connection import Database
from laurels.engines.sqlite.members import chains_version
from laurels.engines.sqlite.session import Session
from laurels.errors import LaurelsError
from laurels.ledger import Counts, Decide, DocumentState, Receipt
from laurels.model import Balance, Document, DocumentKind, Entry, Status, Version

NEWEST = 2**62
"""A place beyond every entry."""


class SqliteInbox(Session):
    """Documents on their way."""

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        return await self._writer.run_with_others(self._accept_together, documents)

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        def read(db: Database) -> DocumentState | None:
            row = db.one("document_state", source, id, kind.value, of_member)
            if row is None:
                return None
            status, place, accepted_at, member_id, reason, content, actor = row
            return DocumentState(
                kind=kind,
                source=source,
                id=id,
                member_id=member_id,
                status=Status(status),
                accepted_at=accepted_at,
                entry=read_entry(db, place),
                reason=reason or None,
                content=content,
                actor=actor,
            )

        return await self._reader.run(read)

    async def wait_for_work(self, timeout_s: float) -> None:
        await self._poll(lambda db: any(row[0] in self._mine for row in db.all("ready_shards")), timeout_s)

    async def inbox_depth(self) -> int:
        return await self._reader.run(lambda db: int(db.value("count_ready")))

    async def counts(self) -> Counts:
        row = await self._reader.run(lambda db: db.one("counts"))
        assert row is not None, "a row of counts is a row, whatever they are"
        ready, ready_since, waiting, quarantined, due, held = row
        return Counts(
            ready=ready,
            ready_since=ready_since,
            waiting=waiting,
            quarantined=quarantined,
            messages_due=due,
            messages_held=held,
        )

    def _accept_together(self, db: Database, batches: Sequence[Sequence[Document]]) -> list[list[Receipt]]:
        return accepting.accept(db, batches, self._now())


class SqliteBooks(Session):
    """Entries and totals."""

    async def own(self) -> frozenset[int]:
        if self._shards == 1:
            return frozenset({0})
        now = self._now()
        if now >= self._leased_until:
            self._fences = await self._writer.run(lambda db: leases.take(db, self._owner, self._shards, now))
            self._leased_until = now + leases.RENEW
        self._mine = frozenset(self._fences)
        return self._mine

    async def award(self, shard: int, limit: int, decide: Decide, *, waiting_before: int) -> int:
        fence = self._fences.get(shard)
        return await self._writer.run(
            lambda db: awarding.award(
                db, shard, limit, decide, waiting_before=waiting_before, now=self._now(), fence=fence
            )
        )

    async def settle(self, documents: Sequence[Document], decide: Decide) -> list[Receipt | LaurelsError]:
        return await self._writer.run_with_others(self._settle_together, (documents, decide))

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        def read(db: Database) -> tuple[Balance, Version] | None:
            row = db.one("balance_by_id", member_id)
            if row is None:
                return None
            return Balance(*row) if row[0] is not None else Balance(), chains_version(db)

        return await self._reader.run(read)

    async def entries(self, member_id: str, *, before: str | None = None, limit: int = 50) -> list[Entry]:
        def read(db: Database) -> list[Entry]:
            row = db.one("member_by_id", member_id)
            if row is None:
                return []
            at = None if before is None else int(before)
            if len(db.all("merged_with", row[0])) > 1:  # in several shards, which time alone puts in one order
                return [entry_of(each) for each in db.all("merged_entries", row[0], at, limit)]
            return [entry_of(each) for each in db.all("member_entries", row[0], NEWEST if at is None else at, limit)]

        return await self._reader.run(read)

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        return await self._entries("order_entries", (source, order_id))

    def _settle_together(
        self, db: Database, batches: Sequence[tuple[Sequence[Document], Decide]]
    ) -> list[list[Receipt | LaurelsError]]:
        return awarding.settle(db, batches, self._now())
