"""Taking documents in: keys, members and inbox in one statement and one commit, for all that came meanwhile.

Group commit without a timer: whatever arrived while the last statement was on its way is the next one. It takes no
shard's lock; a new member's enrolment is written into the feed by the shard's owner, before the first points.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from typing import NamedTuple

from laurels.checkout import is_purchase
from laurels.clock import Clock
from laurels.engines.postgres import intents
from laurels.engines.postgres.accept_rows import AcceptRows
from laurels.engines.postgres.amending import judge_again
from laurels.engines.postgres.chain import columns_of
from laurels.engines.postgres.codes import DOCUMENT, DOCUMENT_KINDS, SHARDS, home_of
from laurels.engines.postgres.connections import RETRIED, TRIES, Connections, Overtaken, is_at_fault
from laurels.engines.postgres.entries import At
from laurels.engines.postgres.known import entries_of, find_known, key_of, receipt_of
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.placing import Generation, MemberLookup, Owner, erased_owners, member_numbered, owner_of
from laurels.engines.postgres.statements import Row, Statements
from laurels.engines.postgres.waiting import answers_of
from laurels.errors import LaurelsError, LedgerUnavailable, LedgerUncertain
from laurels.ledger import DocumentKey, OrderKey, Receipt, Recording, shard_of
from laurels.ledger.audit import as_done, to_record
from laurels.model import Document, DocumentKind, Entry, RefusedMessage, Status
from laurels.model.documents import keyed

MOST_DOCUMENTS = 1000
"""Documents that share a statement; what was handed in together is not parted, so there may be a few more."""


CAREFUL = 64
"""Statements after one that met a document which was here before. What is sent again comes in bursts, and a statement
that breaks off is work for nothing.
"""


class _PendingAccept(NamedTuple):
    documents: Sequence[Document]
    doing: Recording | None
    future: "asyncio.Future[list[Receipt]]"


class Acceptor:
    """Takes documents in, on one connection at a time."""

    def __init__(
        self, connections: Connections, facts: Facts, names: Names, now: Clock, committed: Callable[[], None]
    ) -> None:
        self._connections = connections
        self._facts = facts
        self._names = names
        self._now = now
        self._committed = committed
        self._members = MemberLookup()
        self._careful = 0
        """Statements for which it is reckoned with documents that were here before."""
        self._jobs: list[_PendingAccept] = []
        self._doing: Recording | None = None
        """What is being taken is a person's act, whose row is not written yet."""
        self._is_some_in = False
        """Some of what is being taken is written."""
        self._working: asyncio.Task[None] | None = None

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        """Take documents in, together with those of concurrent calls."""
        job = _PendingAccept(documents, to_record(), asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        if self._working is None:
            # Not in the caller's context: others' documents are no act of the person who came first.
            self._working = asyncio.create_task(self._work(), name="laurels-postgres-accept", context=Context())

        def withdraw() -> bool:
            if job not in self._jobs:
                return False
            self._jobs.remove(job)
            return True

        [receipts] = await answers_of([job.future], withdraw)
        return receipts

    async def set_aside(self, messages: Sequence[RefusedMessage]) -> None:
        """Put messages that are no documents into quarantine: through the inbox, in one transaction."""
        async with self._connections.transaction() as db:
            sound = [message for message in messages if await self._is_in_conflict(db, message)]
            kept = [message.document(self._facts.secret) for message in sound]
            documents = {self._key_of(document): document for document in kept}
            refused = {self._key_of(document): message for document, message in zip(kept, sound, strict=True)}
            new = [key for key in documents if key not in await find_known(db, documents)]
            members = MemberLookup()
            await members.look_up(db, (documents[key].member_id for key in new))
            rows = AcceptRows(self._facts.secret)
            for key in new:
                stranger = keyed(self._facts.secret, documents[key].member_id.encode())
                nobody = Owner(None, shard_of(documents[key].member_id, SHARDS), self._facts.secret, None, stranger)
                rows.add(documents[key], members.get(documents[key].member_id) or nobody)
            if not new:
                return
            now = self._now()
            await rows.insert(db, now, [])
            columns = columns_of([(home_of(*key), key[1], DOCUMENT[key[0]], key[2]) for key in new], 4)
            lying: dict[int, list[tuple[int, bytes, str]]] = defaultdict(list)
            for shard, sequence, source, kind, id in await db.all("inbox_of", *columns):
                reason = refused[DOCUMENT_KINDS[kind], source, id].reason.replace("\0", "\ufffd")
                lying[shard].append((sequence, b"q", reason))
            for shard, of_shard in lying.items():
                await db.run("set_aside", shard, *columns_of(of_shard, 3), now)
        await self._placed(rows)
        self._committed()

    async def _is_in_conflict(self, db: Statements, message: RefusedMessage) -> bool:
        """A conflict is looked at again: its member may have been erased since, and then nothing of it is kept."""
        if message.in_conflict is None:
            return True
        key = self._key_of(message.in_conflict)
        row = (await find_known(db, [key])).get(key)
        return row is None or receipt_of(row, message.in_conflict, self._facts.secret, {}).conflict

    async def close(self) -> None:
        """Finish what was handed in."""
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        try:
            while self._jobs:
                await self._answer(self._next_jobs())
        finally:
            self._working = None

    def _next_jobs(self) -> list[_PendingAccept]:
        """Those that share a commit: what a person asked for goes alone, with its row of the audit log."""
        jobs = [self._jobs.pop(0)]
        count = len(jobs[0].documents)
        while jobs[0].doing is None and self._jobs and self._jobs[0].doing is None and count < MOST_DOCUMENTS:
            jobs.append(self._jobs.pop(0))
            count += len(jobs[-1].documents)
        return jobs

    async def _answer(self, jobs: list[_PendingAccept]) -> None:
        try:
            receipts = await self._take([document for job in jobs for document in job.documents], jobs[0].doing)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
            if len(jobs) > 1 and isinstance(error, LaurelsError) and is_at_fault(error):
                for job in jobs:  # one of them has something in it that no row can hold: the others go in
                    await self._answer([job])
                return
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(self._as_it_is(error))
            return
        start = 0
        for job in jobs:
            if not job.future.done():
                job.future.set_result(receipts[start : start + len(job.documents)])
            start += len(job.documents)

    def _as_it_is(self, error: Exception) -> Exception:
        """An error, which may not say that nothing was accepted where something was."""
        if not self._is_some_in or not isinstance(error, LedgerUnavailable) or isinstance(error, LedgerUncertain):
            return error
        told = LedgerUncertain()
        told.__cause__ = error
        return told

    async def _take(self, documents: list[Document], doing: Recording | None) -> list[Receipt]:
        """Take documents. The row of the audit log goes in with the first of them, or alone where all were here."""
        self._doing, self._is_some_in = doing, False
        receipts = await self._taken(documents)
        if self._doing is not None:
            async with self._connections.transaction() as db:
                await self._connections.write_rows(db, [as_done(self._doing.act, receipts)])
            self._doing.row_is_written = True
        return receipts

    async def _taken(self, documents: list[Document]) -> list[Receipt]:
        first: dict[DocumentKey, Document] = {}
        for document in documents:
            first.setdefault(self._key_of(document), document)
        taken: set[DocumentKey] = set()
        refused: set[DocumentKey] = set()
        left = dict(first)
        known: dict[DocumentKey, Row] = {}
        for _ in range(TRIES):
            try:
                await self._insert(list(left.values()), taken, refused)
            except RETRIED:  # somebody enrolled one of them meanwhile
                self._members.forget(document.member_id for document in left.values())
            left = {key: document for key, document in left.items() if key not in taken and key not in refused}
            if not left:
                break
            async with self._connections.read() as db:
                known.update(await find_known(db, left))
            left = {key: document for key, document in left.items() if key not in known}
            if not left:
                break
            self._members.forget(document.member_id for document in left.values())  # not as they were remembered
        else:
            raise LedgerUnavailable
        return await self._receipts(documents, first, taken, refused, known)

    async def _receipts(
        self,
        documents: list[Document],
        first: dict[DocumentKey, Document],
        taken: set[DocumentKey],
        refused: set[DocumentKey],
        known: dict[DocumentKey, Row],
    ) -> list[Receipt]:
        with_keys = [(self._key_of(each), each) for each in documents]
        again = {key for key, each in with_keys if first[key] is not each} - known.keys() - refused
        entries: dict[At, Entry] = {}
        if again or known:
            async with self._connections.read() as db:
                known.update(await find_known(db, again))
                entries = await entries_of(db, known.values())
        receipts = []
        for key, document in with_keys:
            if key in refused:
                receipts.append(Receipt(Status.ACCEPTED, conflict=True))
            elif key in taken and first[key] is document:
                receipts.append(Receipt(Status.ACCEPTED))
            else:
                receipts.append(receipt_of(known[key], document, self._facts.secret, entries))
        return receipts

    async def _insert(self, documents: list[Document], taken: set[DocumentKey], refused: set[DocumentKey]) -> None:
        async with self._connections.read() as db:
            await self._look_up(db, (document.member_id for document in documents))
            erased = await erased_owners(db, documents)
        rows = AcceptRows(self._facts.secret)
        for document in documents:
            if is_purchase(document):
                taken |= await self._write(rows)
                rows = AcceptRows(self._facts.secret)
                taken |= await self._take_bought(document, refused)
                continue
            if document.read_from is not None:
                taken |= await self._write(rows)
                rows = AcceptRows(self._facts.secret)
                taken |= await self._take_read(document, refused)
                continue
            whose = _owner_of_named(document, erased) or self._members.get(document.member_id)
            if whose is None and not document.enrols:
                taken |= await self._write(rows)
                rows = AcceptRows(self._facts.secret)
                async with self._connections.read() as db:
                    await self._look_up(db, [document.member_id])
                    whose = self._members.get(document.member_id) or await self._owner(db, document)
            rows.add(document, whose)
        taken |= await self._write(rows)

    def _key_of(self, document: Document) -> DocumentKey:
        return key_of(document, self._facts.secret)

    async def _owner(self, db: Statements, document: Document) -> Owner:
        stranger = keyed(self._facts.secret, document.member_id.encode())
        return await owner_of(db, document, self._facts.secret, stranger)

    async def _write(self, rows: "AcceptRows") -> set[DocumentKey]:
        """Write what was gathered, giving the keys of what went in."""
        if not rows.columns:
            return set()
        async with self._connections.read() as db:
            names = await self._names.of_newcomers(db, rows.newcomers())
        if rows.changed or self._doing is not None:
            taken = await self._write_together(rows, names)
        elif await self._write_new(rows):
            taken = rows.keys()
        else:
            async with self._connections.statement() as db:
                taken = await rows.insert(db, self._now(), names, self._generation(db))
        self._is_some_in = self._is_some_in or bool(taken)
        await self._placed(rows)
        self._committed()
        return {(DOCUMENT_KINDS[kind], source, id) for source, kind, id in taken}

    async def _write_new(self, rows: "AcceptRows") -> bool:
        """Write what was gathered as if nothing of it had been here before, which asks the server for a third less;
        whether that was so. Where something was, nothing is written, and for a while more is reckoned with.
        """
        if self._careful:
            self._careful -= 1
            return False
        try:
            async with self._connections.statement() as db:
                generation = self._generation(db)
                return (
                    generation is not None and rows.are_members and await rows.insert_new(db, self._now(), generation)
                )
        except Overtaken:
            self._careful = CAREFUL
            return False

    async def _look_up(self, db: Statements, member_ids: Iterable[str]) -> None:
        await self._members.look_up(db, member_ids, self._connections.opened)

    def _generation(self, db: Statements) -> Generation | None:
        """What the remembered members are known by on a connection. Behind a pooler nobody hears of another server."""
        return self._members.generation(self._connections.opened) if db.direct else None

    async def _write_together(self, rows: "AcceptRows", names: list[int]) -> list[Row]:
        """Write what was gathered with what follows from it: the row of the audit log, and that an order in quarantine
        which is changed is judged again.
        """
        doing = self._doing
        async with self._connections.transaction() as db:
            taken: list[Row] = await rows.insert(db, self._now(), names)
            changes = [key for key in taken if key[1] == DOCUMENT[DocumentKind.AMENDMENT]]
            await judge_again(db, {rows.changed[source, id] for source, _, id in changes}, self._now())
            if doing is not None and taken:
                await self._connections.write_rows(db, [doing.act])
        if doing is not None and taken:
            doing.row_is_written, self._doing = True, None
        return taken

    async def _placed(self, rows: "AcceptRows") -> None:
        strangers = rows.to_place()
        if strangers:
            shards, ids = [each[0] for each in strangers], [each[1] for each in strangers]
            async with self._connections.statement() as db:
                digests = [keyed(self._facts.secret, each.encode()) for each in ids]
                await db.run("place_strangers", shards, ids, digests)

    async def _take_bought(self, document: Document, refused: set[DocumentKey]) -> set[DocumentKey]:
        """Take an order that was bought here: only as it was paid for, and its intent ends with it."""
        rows = AcceptRows(self._facts.secret)
        async with self._connections.transaction() as db:
            await db.all("lock_purchase", document.source, document.id)
            intent = await db.one("lock_intent", document.source, document.id)
            if await find_known(db, [self._key_of(document)]):
                return set()
            if intent is not None and not intents.allows(intent, document):
                refused.add(self._key_of(document))
                return set()
            buyer = intent["member"] if intent is not None and not document.member_id else None
            whose = self._members.get(document.member_id) if buyer is None else await member_numbered(db, buyer)
            rows.add(document, whose)
            names = await self._names.of_newcomers(db, rows.newcomers())
            taken = await rows.insert(db, self._now(), names)
            await db.run("finish_intent", document.source, document.id)
            if not taken:
                self._members.forget([document.member_id])
                raise LedgerUnavailable
        self._is_some_in = True
        await self._placed(rows)
        self._committed()
        return {self._key_of(document)}

    async def _take_read(self, document: Document, refused: set[DocumentKey]) -> set[DocumentKey]:
        """Take a document that was read from a message in quarantine, if that still has its bytes: they go with its
        member.
        """
        assert document.read_from is not None
        message = DocumentKind.MESSAGE, *document.read_from
        rows = AcceptRows(self._facts.secret)
        async with self._connections.read() as db:
            erased = await erased_owners(db, [document])
            whose = _owner_of_named(document, erased) or self._members.get(document.member_id)
            if whose is None and not document.enrols:
                whose = await self._owner(db, document)
        async with self._connections.transaction() as db:
            if await find_known(db, [self._key_of(document)]):
                return set()
            if not await db.value("keep_message", home_of(*message), *document.read_from):
                refused.add(self._key_of(document))
                return set()
            rows.add(document, whose)
            names = await self._names.of_newcomers(db, rows.newcomers())
            taken = await rows.insert(db, self._now(), names)
        self._is_some_in = self._is_some_in or bool(taken)
        await self._placed(rows)
        self._committed()
        return {(DOCUMENT_KINDS[kind], source, id) for source, kind, id in taken}


def _owner_of_named(document: Document, erased: Mapping[OrderKey, Owner]) -> Owner | None:
    return None if document.named_order is None else erased.get(document.named_order)
