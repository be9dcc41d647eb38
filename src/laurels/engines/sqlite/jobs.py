"""Jobs in the embedded ledger's file."""

from collections.abc import Collection

import msgspec

from laurels.clock import DAY
from laurels.engines.sqlite.connection import Database, Row
from laurels.engines.sqlite.session import Session
from laurels.errors import NotFound
from laurels.ledger.jobs import LEASE, OPEN_DAYS, Job, JobEnd, JobState, NewJob, check_decidable, is_stoppable
from laurels.model import DocumentKind
from laurels.model.documents import kept_id

NEWEST = 2**62


class SqliteJobs(Session):
    """Work that takes long, and proposals."""

    async def add_job(self, job: NewJob) -> Job:
        def write(db: Database) -> Job:
            if (there := db.one("open_job", job.digest)) is not None:
                db.changed_nothing = True
                return _there(db, there[0])
            state = JobState.PROPOSED if job.proposed else JobState.READY
            kept = (job.kind, state, job.actor, job.digest, job.about, job.total, self._now())
            number = int(db.value("insert_job", *kept))
            if job.content is not None:
                db.run("write_job_content", number, "content", job.content)
            return _there(db, number)

        return await self._writer.run(write)

    async def job(self, number: int) -> Job | None:
        return await self._reader.run(lambda db: _job(db, number))

    async def jobs(
        self,
        *,
        before: int | None = None,
        states: Collection[JobState] = (),
        kind: str | None = None,
        limit: int = 50,
    ) -> list[Job]:
        asked = NEWEST if before is None else before, _array(sorted(states or JobState)), limit, kind
        return [_job_of(row) for row in await self._reader.run(lambda db: db.all("jobs", *asked))]

    async def job_content(self, number: int) -> bytes | None:
        return await self._kept(number, "content")

    async def replace_job_content(self, number: int, was: bytes, content: bytes) -> bool:
        replaced = await self._writer.run(lambda db: db.one("replace_job_content", number, content, was) is not None)
        if replaced:
            await self._writer.checkpoint()
        return replaced

    async def job_file(self, number: int) -> bytes | None:
        return await self._kept(number, "file")

    async def _kept(self, number: int, what: str) -> bytes | None:
        row = await self._reader.run(lambda db: db.one("job_content", number, what))
        return None if row is None else bytes(row[0])

    async def job_part(self, number: int, part: int) -> bytes | None:
        row = await self._reader.run(lambda db: db.one("job_part", number, part))
        return None if row is None else bytes(row[0])

    async def decide_job(self, number: int, digest: str, *, actor: str, approve: bool) -> Job:
        def write(db: Database) -> Job:
            now = self._now()
            if check_decidable(_job(db, number), digest, actor=actor, approve=approve, now=now):
                state = JobState.READY if approve else JobState.REJECTED
                db.run("decide_job", number, state, actor, now, None if approve else now)
                if not approve:
                    db.run("drop_job_content", number)
            else:
                db.changed_nothing = True
            return _there(db, number)

        return await self._writer.run(write)

    async def stop_job(self, number: int) -> Job:
        def write(db: Database) -> Job:
            db.changed_nothing = not is_stoppable(_there(db, number))
            db.run("stop_job", number, self._now())
            job = _there(db, number)
            if job.ended_at is not None:
                db.run("drop_job_content", number)
            return job

        return await self._writer.run(write)

    async def take_job(self, owner: str) -> Job | None:
        now = self._now()
        if await self._reader.run(lambda db: db.one("free_job", now, now + LEASE)) is None:
            return None

        def write(db: Database) -> Job | None:
            now = self._now()
            row = db.one("free_job", now, now + LEASE)
            if row is None:
                return None
            db.run("take_job", row[0], owner, now + LEASE)
            return _there(db, row[0])

        return await self._writer.run(write)

    async def note_job(
        self, number: int, fence: int, *, done: int, total: int, tally: bytes | None, part: bytes | None = None
    ) -> bool | None:
        def write(db: Database) -> bool | None:
            row = db.one("note_job", number, fence, self._now() + LEASE, done, total, tally)
            if row is not None and part is not None:
                db.run("add_job_part", number, part)
            return None if row is None else not row[0]

        return await self._writer.run(write)

    async def end_job(self, number: int, fence: int, end: JobEnd) -> bool:
        def write(db: Database) -> bool:
            how = (end.state, end.done, end.total, end.tally, end.error, self._now())
            if db.one("end_job", number, fence, *how) is None:
                return False
            db.run("drop_job_content", number)
            if end.file is not None:
                db.run("write_job_content", number, "file", end.file)
            if end.state is not JobState.DONE or end.file is not None:
                db.run("drop_job_parts", number)
            return True

        return await self._writer.run(write)

    async def forget_jobs(self, *, before: int) -> int:
        def write(db: Database) -> int:
            now = self._now()
            db.run("end_old_proposals", now - OPEN_DAYS * DAY, now)
            forgotten = [*db.all("forget_job_contents", before), *db.all("forget_job_parts", before)]
            return len({row[0] for row in forgotten})

        return await self._writer.run(write)

    async def numbers_called(self, ids: Collection[str]) -> dict[str, int]:
        return dict(await self._reader.run(lambda db: db.all("numbers_called", _array(ids))))

    async def ids_of(self, numbers: Collection[int]) -> dict[int, str]:
        return {number: member_id for number, (member_id, _) in (await self.known_as(numbers)).items()}

    async def known_as(self, numbers: Collection[int]) -> dict[int, tuple[str, int]]:
        rows = await self._reader.run(lambda db: db.all("ids_by_number", _array(numbers)))
        return {row[0]: (row[1], row[2]) for row in rows}

    async def known_documents(self, kind: DocumentKind, source: str, ids: Collection[str]) -> set[str]:
        def read(db: Database) -> set[str]:
            secret = db.value("read_secret")
            kept = {kept_id(secret, kind, id): id for id in ids}
            return {kept[row[0]] for row in db.all("known_documents", source, kind.value, _array(kept))}

        return await self._reader.run(read)


def _array(values: Collection[object]) -> str:
    return msgspec.json.encode([*values]).decode()


def _job(db: Database, number: int) -> Job | None:
    row = db.one("job", number)
    return None if row is None else _job_of(row)


def _there(db: Database, number: int) -> Job:
    job = _job(db, number)
    if job is None:
        raise NotFound("There is no such job.")
    return job


def _job_of(row: Row) -> Job:
    said = dict(zip(Job.__struct_fields__, row, strict=True))
    flags = {name: bool(said[name]) for name in ("stopping", "has_file")}
    return Job(**{**said, **flags, "state": JobState(said["state"])})
