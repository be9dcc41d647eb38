"""The embedded ledger: the port over one SQLite file. Several processes may open the same file; each has one writing
thread.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

import apsw

from laurels import clock
from laurels.clock import SECOND, Clock
from laurels.engines.sqlite import accepting, awarding, members, verifying
from laurels.engines.sqlite.chain import NEWEST, SHARD, entry_of, read_entry
from laurels.engines.sqlite.change_notice import ChangeNotice
from laurels.engines.sqlite.change_signal import ChangeSignal
from laurels.engines.sqlite.connection import Database, wrapped
from laurels.engines.sqlite.intents import SqliteIntents
from laurels.engines.sqlite.reader import Reader
from laurels.engines.sqlite.schema import LATEST, migrate, version_of
from laurels.engines.sqlite.writer import Writer
from laurels.errors import FeedDiverged, LedgerReadOnly, NotFound, ProgramError, SchemaTooOld
from laurels.ledger import (
    Counts,
    Decide,
    DocumentState,
    Heads,
    Message,
    MessageState,
    QuarantinedDocument,
    Receipt,
    Verification,
)
from laurels.model import (
    Balance,
    Document,
    DocumentKind,
    Entry,
    Mark,
    Member,
    MemberEvent,
    Outline,
    Status,
    Version,
)


class SqliteLedger:
    """A ledger in one file, with the checkout's `intents` in the same. Make it with `SqliteLedger.open`; call it from
    one event loop.
    """

    name = "sqlite"

    def __init__(self, path: Path, now: Clock = clock.now) -> None:
        self._path = path
        self._now = now
        self._signal, self._feed_signal = ChangeSignal(), ChangeSignal()
        self._notice = ChangeNotice(path.with_name(f"{path.name}-notice"), self._hear)
        self._growths = 0
        self._writer = Writer(path, self._committed)
        self._reader = Reader(path)
        self.intents = SqliteIntents(self._writer, self._reader)

    @classmethod
    def open(cls, path: Path, now: Clock = clock.now) -> "SqliteLedger":
        """Open the file, making a fresh one where there is none (readable by its owner alone).

        Raises `SchemaTooOld` (run `laurels migrate`), `SchemaTooNew`, `ForeignFile`, `LedgerUnavailable`.
        """
        with _prepared(path) as connection:
            version = version_of(connection)
            if version == 0:
                migrate(connection)
            elif version < LATEST:
                raise SchemaTooOld
        return cls(path, now)

    @staticmethod
    def migrate(path: Path) -> tuple[int, int]:
        """Bring the file to the latest schema, making a fresh one where there is none; the versions before and
        after.
        """
        with _prepared(path) as connection:
            return migrate(connection)

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        return await self._writer.run_with_others(self._accept_together, documents)

    async def settle(self, document: Document, decide: Decide) -> Receipt:
        return await self._writer.run(lambda db: awarding.settle(db, document, decide, self._now()))

    async def award(self, shard: int, limit: int, decide: Decide, *, waiting_before: int) -> int:
        return await self._writer.run(lambda db: awarding.award(db, limit, decide, waiting_before, self._now()))

    async def enrol(self, members_: Sequence[tuple[str, str | None]], *, actor: str) -> list[bool]:
        return await self._writer.run(lambda db: members.enrol(db, members_, actor, self._now()))

    async def change_member(self, member_id: str, event: MemberEvent, *, actor: str) -> Version:
        version = await self._writer.run(lambda db: members.change(db, member_id, event, actor, self._now()))
        if event is MemberEvent.ERASE:
            await self._writer.fold()
        return version

    async def member(self, member_id: str) -> Member | None:
        row = await self._reader.run(lambda db: db.one("member_by_id", member_id))
        return members.member_of(row) if row else None

    async def balance(self, member_id: str) -> tuple[Balance, Version] | None:
        def read(db: Database) -> tuple[Balance, Version] | None:
            row = db.one("balance_by_id", member_id)
            if row is None:
                return None
            return Balance(*row) if row[0] is not None else Balance(), _heads(db).version

        return await self._reader.run(read)

    async def document(
        self, kind: DocumentKind, source: str, id: str, *, of_member: str | None = None
    ) -> DocumentState | None:
        def read(db: Database) -> DocumentState | None:
            row = db.one("document_state", source, id, kind.value, of_member)
            if row is None:
                return None
            status, position, accepted_at, member_id, reason, unknown_member_id = row
            return DocumentState(
                kind=kind,
                source=source,
                id=id,
                member_id=member_id or unknown_member_id,
                status=Status(status),
                accepted_at=accepted_at,
                entry=read_entry(db, position),
                reason=reason or None,
            )

        return await self._reader.run(read)

    async def entries(self, member_id: str, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        return await self._entries("member_entries", (member_id, NEWEST if before is None else before, limit))

    async def order_entries(self, source: str, order_id: str) -> list[Entry]:
        return await self._entries("order_entries", (source, order_id))

    async def heads(self) -> Heads:
        return await self._reader.run(_heads)

    async def feed(self, shard: int, after: Mark, limit: int) -> list[Entry]:
        def read(db: Database) -> list[Entry]:
            _check_mark(db, after)
            return [entry_of(row) for row in db.all("feed", after.position, limit)]

        return await self._reader.run(read)

    async def outline(self, shard: int, after: Mark, limit: int) -> tuple[list[Outline], Mark]:
        def read(db: Database) -> tuple[list[Outline], Mark]:
            _check_mark(db, after)
            rows = cast("list[Outline]", db.all("outline", after.position, limit))
            return rows, Mark(rows[-1][0], db.value("entry_hash", rows[-1][0])) if rows else after

        return await self._reader.run(read)

    async def wait_for_news(self, known: Heads, timeout_s: float) -> None:
        await self._poll(lambda db: _heads(db).marks != known.marks, timeout_s, self._feed_signal)

    async def wait_for_work(self, timeout_s: float) -> None:
        await self._poll(lambda db: bool(db.value("any_ready")), timeout_s)

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

    async def quarantine(self, *, after: int = 0, limit: int = 50) -> list[QuarantinedDocument]:
        rows = await self._reader.run(lambda db: db.all("quarantine", after, limit))
        return [
            QuarantinedDocument(
                sequence=row[0],
                kind=DocumentKind(row[1]),
                source=row[2],
                id=row[3],
                reason=row[4],
                quarantined_at=row[5],
                raw=row[6],
            )
            for row in rows
        ]

    async def retry(self, sequence: int) -> None:
        def write(db: Database) -> None:
            _leave_quarantine(db, sequence, "ready", "", self._now())
            db.run("set_accepted", Status.ACCEPTED.value, None, None, sequence)

        await self._writer.run(write)

    async def drop(self, sequence: int, *, actor: str) -> None:
        await self._writer.run(
            lambda db: _leave_quarantine(db, sequence, "dropped", f"dropped by {actor}", self._now())
        )

    async def claim_messages(self, limit: int, *, lease_s: float) -> list[Message]:
        now = self._now()
        until = now + int(lease_s * SECOND)
        rows = await self._writer.run(lambda db: db.all("claim_messages", now, until, limit))
        return [
            Message(id=row[0], milestone=row[1], points=row[2], created_at=row[3], attempts=row[4], email=row[5])
            for row in rows
        ]

    async def message_sent(self, id: str) -> None:
        await self._writer.run(lambda db: db.run("set_message", id, "sent", self._now(), ""))

    async def message_postponed(self, id: str, *, until: int, note: str) -> None:
        await self._writer.run(lambda db: db.run("set_message", id, "due", until, note))

    async def message_undeliverable(self, id: str, *, note: str) -> None:
        await self._writer.run(lambda db: db.run("set_message", id, "undeliverable", self._now(), note))

    async def give_up_held(self, *, created_before: int) -> None:
        await self._writer.run(lambda db: db.run("give_up_held", created_before))

    async def messages(self, member_id: str) -> list[MessageState]:
        rows = await self._reader.run(lambda db: db.all("messages", member_id))
        return [
            MessageState(
                id=row[0],
                milestone=row[1],
                points=row[2],
                state=row[3],
                created_at=row[4],
                attempts=row[5],
                note=row[6],
            )
            for row in rows
        ]

    async def wait_for_messages(self, timeout_s: float) -> None:
        await self._poll(lambda db: bool(db.value("any_due", self._now())), timeout_s)

    async def publish(self, version: int, text: str) -> dict[int, str]:
        def publish_missing(db: Database) -> dict[int, str]:
            if version not in _programs(db):
                db.run("insert_program", version, text, self._now())
            return _programs(db)

        published = await self._reader.run(_programs)
        if version not in published:
            published = await self._writer.run(publish_missing)
        if published[version] != text:
            raise ProgramError(
                f"Version {version} of the program is published with other rules. "
                "Give the changed program a new version."
            )
        return published

    async def verify(self) -> AsyncIterator[Verification]:
        db = Database(self._path, read_only=True)
        try:
            steps = verifying.verify(db)
            while (step := await asyncio.to_thread(next, steps, None)) is not None:
                yield step
        finally:
            db.close()

    async def close(self) -> None:
        self._notice.close()
        self._reader.close()
        await self._writer.close()

    async def _entries(self, query: str, bindings: tuple[object, ...]) -> list[Entry]:
        rows = await self._reader.run(lambda db: db.all(query, *bindings))
        return [entry_of(row) for row in rows]

    def _accept_together(self, db: Database, batches: Sequence[Sequence[Document]]) -> list[list[Receipt]]:
        return accepting.accept(db, batches, self._now())

    def _hear(self) -> None:
        self._signal.notify()
        self._feed_signal.notify()

    def _committed(self) -> None:
        self._notice.give()
        self._signal.notify()
        if self._writer.growths != self._growths:  # most commits only take orders in: nobody has to look at the feed
            self._growths = self._writer.growths
            self._feed_signal.notify()

    async def _poll(
        self, look: Callable[[Database], bool], timeout_s: float, signal: ChangeSignal | None = None
    ) -> None:
        signal = signal or self._signal
        self._notice.listen()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            generation = signal.generation
            if await self._reader.run(look):
                self._notice.found()
                return
            left = deadline - loop.time()
            if left <= 0:
                return
            await signal.wait(generation, min(left, self._notice.pause_s()))


@contextmanager
def _prepared(path: Path) -> Iterator[apsw.Connection]:
    """The file, made empty and private where there is none, opened to look at its schema."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise LedgerReadOnly(f"The ledger {path} cannot be opened: {error}") from error
    if not path.is_file():
        raise LedgerReadOnly(f"The ledger {path} cannot be opened: it is not a file")
    with wrapped():
        # A look that changes nothing comes first: opening for writing turns a file to WAL, and it may be another's.
        with closing(Database(path, read_only=True)) as looking:
            version_of(looking.connection)
        db = Database(path)
        try:
            yield db.connection
        finally:
            db.close()


def _heads(db: Database) -> Heads:
    row = db.one("read_head")
    assert row is not None, "the first schema step writes the row"
    return Heads(identity=row[0], epoch=row[1], marks={SHARD: Mark(row[2], row[3])})


def _check_mark(db: Database, mark: Mark) -> None:
    """Raise `FeedDiverged` where the entry at the mark is missing, or another one."""
    if mark.position:
        row = db.one("entry_hash", mark.position)
        if row is None or row[0] != mark.hash:
            raise FeedDiverged


def _programs(db: Database) -> dict[int, str]:
    return dict(db.all("programs"))


def _leave_quarantine(db: Database, sequence: int, state: str, reason: str, now: int) -> None:
    if db.one("leave_quarantine", state, now, reason, sequence) is None:
        raise NotFound(f"There is no document {sequence} in quarantine. `laurels quarantine list` shows them.")
