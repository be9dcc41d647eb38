"""Jobs on a server."""

from collections.abc import Collection
from datetime import timedelta

from laurels.clock import DAY
from laurels.engines.postgres.codes import DOCUMENT, SHARDS, home_of
from laurels.engines.postgres.connections import trying
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import NotFound
from laurels.ledger import shard_of
from laurels.ledger.audit import nothing_changed
from laurels.ledger.jobs import LEASE, OPEN_DAYS, Job, JobEnd, JobState, NewJob, check_decidable, is_stoppable
from laurels.model import DocumentKind
from laurels.model.documents import kept_id

NEWEST = 2**62
_LEASE = timedelta(microseconds=LEASE)


class PostgresJobs(Session):
    """Work that takes long, and proposals."""

    async def add_job(self, job: NewJob) -> Job:
        state = JobState.PROPOSED if job.proposed else JobState.READY

        async def once() -> Job:
            async with self._connections.transaction() as db:
                if (there := await db.value("open_job", job.digest)) is not None:
                    nothing_changed()
                    return _there(await db.one("job", there))
                kept = (job.kind, state, job.actor, job.digest, job.about, job.total, self._now())
                number = int(await db.value("insert_job", *kept))
                if job.content is not None:
                    await db.run("write_job_content", number, "content", job.content)
                return _there(await db.one("job", number))

        return await trying(once)

    async def job(self, number: int) -> Job | None:
        async with self._connections.read() as db:
            row = await db.one("job", number)
        return None if row is None else _job_of(row)

    async def jobs(
        self,
        *,
        before: int | None = None,
        states: Collection[JobState] = (),
        kind: str | None = None,
        limit: int = 50,
    ) -> list[Job]:
        asked = NEWEST if before is None else before, sorted(states or JobState), limit, kind
        async with self._connections.read() as db:
            return [_job_of(row) for row in await db.all("jobs", *asked)]

    async def job_content(self, number: int) -> bytes | None:
        return await self._kept(number, "content")

    async def replace_job_content(self, number: int, was: bytes, content: bytes) -> bool:
        async with self._connections.transaction() as db:
            return await db.value("replace_job_content", number, content, was) is not None

    async def job_file(self, number: int) -> bytes | None:
        return await self._kept(number, "file")

    async def _kept(self, number: int, what: str) -> bytes | None:
        async with self._connections.read() as db:
            found: bytes | None = await db.value("job_content", number, what)
        return found

    async def job_part(self, number: int, part: int) -> bytes | None:
        async with self._connections.read() as db:
            found: bytes | None = await db.value("job_part", number, part)
        return found

    async def decide_job(self, number: int, digest: str, *, actor: str, approve: bool) -> Job:
        async with self._connections.transaction() as db:
            now = self._now()
            job = await _locked(db, number)
            if check_decidable(job, digest, actor=actor, approve=approve, now=now):
                state = JobState.READY if approve else JobState.REJECTED
                await db.run("decide_job", number, state, actor, now, None if approve else now)
                if not approve:
                    await db.run("drop_job_content", number)
            else:
                nothing_changed()
            return _there(await db.one("job", number))

    async def stop_job(self, number: int) -> Job:
        async with self._connections.transaction() as db:
            job = await _locked(db, number)
            if job is not None and not is_stoppable(job):
                nothing_changed()
            await db.run("stop_job", number, self._now())
            stopped = _there(await db.one("job", number))
            if stopped.ended_at is not None:
                await db.run("drop_job_content", number)
            return stopped

    async def take_job(self, owner: str) -> Job | None:
        async with self._connections.read() as db:
            if not await db.value("any_free_job"):
                return None
        async with self._connections.transaction() as db:
            number = await db.value("take_job", owner, _LEASE)
            return None if number is None else _there(await db.one("job", number))

    async def note_job(
        self, number: int, fence: int, *, done: int, total: int, tally: bytes | None, part: bytes | None = None
    ) -> bool | None:
        async with self._connections.transaction() as db:
            row = await db.one("note_job", number, fence, _LEASE, done, total, tally)
            if row is not None and part is not None:
                await db.run("add_job_part", number, part)
            return None if row is None else not row[0]

    async def end_job(self, number: int, fence: int, end: JobEnd) -> bool:
        async with self._connections.transaction() as db:
            how = (end.state, end.done, end.total, end.tally, end.error, self._now())
            if await db.one("end_job", number, fence, *how) is None:
                return False
            await db.run("drop_job_content", number)
            if end.file is not None:
                await db.run("write_job_content", number, "file", end.file)
            if end.state is not JobState.DONE or end.file is not None:
                await db.run("drop_job_parts", number)
            return True

    async def forget_jobs(self, *, before: int) -> int:
        async with self._connections.transaction() as db:
            now = self._now()
            await db.run("end_old_proposals", now - OPEN_DAYS * DAY, now)
            forgotten = [*await db.all("forget_job_contents", before), *await db.all("forget_job_parts", before)]
            return len({row[0] for row in forgotten})

    async def numbers_called(self, ids: Collection[str]) -> dict[str, int]:
        async with self._connections.read() as db:
            rows = await db.all("numbers_called", [shard_of(id, SHARDS) for id in ids], [*ids])
        return {row[0]: row[1] for row in rows}

    async def ids_of(self, numbers: Collection[int]) -> dict[int, str]:
        return {number: member_id for number, (member_id, _) in (await self.known_as(numbers)).items()}

    async def known_as(self, numbers: Collection[int]) -> dict[int, tuple[str, int]]:
        async with self._connections.read() as db:
            return {row[0]: (row[1], row[2]) for row in await db.all("ids_by_number", [*numbers])}

    async def known_documents(self, kind: DocumentKind, source: str, ids: Collection[str]) -> set[str]:
        kept = {kept_id(self._facts.secret, kind, id): id for id in ids}
        homes = [home_of(kind, source, each) for each in kept]
        async with self._connections.read() as db:
            rows = await db.all("known_documents", source, DOCUMENT[kind], homes, [*kept])
        return {kept[row[0]] for row in rows}


async def _locked(db: Statements, number: int) -> Job | None:
    row = await db.one("lock_job", number)
    return None if row is None else _job_of(row)


def _there(row: Row | None) -> Job:
    if row is None:
        raise NotFound("There is no such job.")
    return _job_of(row)


def _job_of(row: Row) -> Job:
    said = dict(zip(Job.__struct_fields__, row, strict=True))
    return Job(**{**said, "state": JobState(said["state"])})
