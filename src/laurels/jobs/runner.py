"""Runs jobs, one after another: takes the next, keeps its lease while it is worked on, ends it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import structlog

from laurels.awarding import Programs
from laurels.errors import LaurelsError, LedgerUnavailable
from laurels.intake import Intake
from laurels.jobs.corrections import KIND, MakeCorrections
from laurels.jobs.erasures import ERASURES, EraseMany
from laurels.jobs.exports import EXPORT, Export
from laurels.jobs.kinds import REHEARSAL, RETRY, ROLL_UPS, VERIFY, Rehearse, Retry, RollUpsAnew, Verify
from laurels.jobs.owing import LIABILITY, WorkOutLiability
from laurels.jobs.reports import JOURNAL, WEEK, DrawUpJournal, ReportWeek
from laurels.jobs.steps import Doing, LostJob, StoppedJob
from laurels.ledger import Ledger
from laurels.ledger.jobs import Job, JobEnd, JobState
from laurels.logs import describe
from laurels.members import Members
from laurels.points import Points

RENEW_S = 3.0
"""How often a lease is renewed where the work notes nothing itself: three times before it ends."""

UNFORESEEN = "Something went wrong here; it is in the log of the process that worked on it."

TAKEN_AT_MOST = 30
"""How often a job is taken before it is given up. One that takes more memory than there is ends its process, whoever
takes it, and all that this one does besides; and those behind it would never be taken.
"""

BROKE_OFF = (
    f"It was begun {TAKEN_AT_MOST} times and broke off each time, perhaps for want of memory. The logs of the "
    "processes that worked on it may say why. What was done stays done; start it again for the rest."
)

Work = Callable[[Doing], Awaitable[JobEnd]]

log = structlog.get_logger(__name__)


class JobRunner:
    """Takes jobs and runs them."""

    def __init__(self, ledger: Ledger, points: Points, members: Members, intake: Intake, programs: Programs) -> None:
        self._ledger = ledger
        self._owner = uuid.uuid4().hex
        self._works: Mapping[str, Work] = {
            KIND: MakeCorrections(ledger, points),
            REHEARSAL: Rehearse(ledger),
            RETRY: Retry(ledger, intake),
            VERIFY: Verify(ledger, programs),
            ROLL_UPS: RollUpsAnew(ledger, programs),
            EXPORT: Export(ledger),
            LIABILITY: WorkOutLiability(ledger, programs),
            JOURNAL: DrawUpJournal(ledger, programs),
            WEEK: ReportWeek(ledger, programs),
            ERASURES: EraseMany(ledger, members),
        }

    async def step(self) -> bool:
        """Run the next job to its end; False where there is none. A job that breaks off because the ledger is away is
        gone on with, here or elsewhere, once its lease has ended. Raises `LedgerUnavailable`.
        """
        job = await self._ledger.take_job(self._owner)
        if job is None:
            return False
        steps = _Steps(self._ledger, job)
        try:
            end = await self._run(job, steps)
        except LostJob:
            return True
        await self._ledger.end_job(job.number, job.fence, end)
        return True

    async def _run(self, job: Job, steps: "_Steps") -> JobEnd:
        """How the job ends. Raises `LostJob`, `LedgerUnavailable`."""
        if job.stopping:
            return steps.end(JobState.STOPPED)
        if job.fence > TAKEN_AT_MOST:
            log.error("job.given_up", number=job.number, kind=job.kind)
            return steps.end(JobState.FAILED, BROKE_OFF)
        try:
            content = await self._ledger.job_content(job.number)
            return await _renewing(self._works[job.kind](Doing(job, content or b"", steps)), steps)
        except StoppedJob:
            return steps.end(JobState.STOPPED)
        except (LostJob, LedgerUnavailable):
            raise
        except LaurelsError as error:
            return steps.end(JobState.FAILED, error.message)
        except Exception as error:  # noqa: BLE001 - a job that nobody foresaw must not stop those behind it
            log.error("job.failed", number=job.number, kind=job.kind, **describe(error))  # noqa: TRY400 - not its words
            return steps.end(JobState.FAILED, UNFORESEEN)


class _Steps:
    """Notes how far one job is."""

    def __init__(self, ledger: Ledger, job: Job) -> None:
        self._ledger = ledger
        self._job = job
        self._done, self._total, self._tally = job.done, job.total, job.tally

    async def note(self, done: int, total: int, tally: bytes | None = None, part: bytes | None = None) -> None:
        """Note it, durably. Raises `StoppedJob`, `LostJob`."""
        self._done, self._total = done, total
        self._tally = self._tally if tally is None else tally
        await self.renew(tally, part)

    async def renew(self, tally: bytes | None = None, part: bytes | None = None) -> None:
        """Keep the lease."""
        number, fence = self._job.number, self._job.fence
        done, total = self._done, self._total
        go_on = await self._ledger.note_job(number, fence, done=done, total=total, tally=tally, part=part)
        if go_on is None:
            raise LostJob
        if not go_on:
            raise StoppedJob

    def end(self, state: JobState, error: str = "") -> JobEnd:
        """An end where it is now."""
        return JobEnd(state=state, done=self._done, total=self._total, tally=self._tally, error=error)


async def _renewing(work: Awaitable[JobEnd], steps: _Steps) -> JobEnd:
    """Await work while its lease is renewed; whichever fails first ends both."""
    working = asyncio.ensure_future(work)
    try:
        while True:
            await asyncio.wait({working}, timeout=RENEW_S)
            if working.done():
                return working.result()
            await steps.renew()
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await working
