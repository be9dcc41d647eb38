"""What the shop owes in points, worked out as a job: it costs by members, and what is expected of them by entries."""

import msgspec
from msgspec import Struct

from laurels.awarding import Breakage, Liability, Programs, breakage, liability
from laurels.jobs.steps import Doing
from laurels.ledger import Ledger
from laurels.ledger.jobs import JobEnd, JobState

LIABILITY = "liability"


class LiabilityAbout(Struct, frozen=True):
    """As of when; None: when it was asked for."""

    at: int | None = None


class WorkedOut(Struct, frozen=True):
    """What came of it."""

    liability: Liability
    expected: Breakage


class WorkOutLiability:
    """Works it out. What is given up, or killed, is begun anew."""

    def __init__(self, ledger: Ledger, programs: Programs) -> None:
        self._ledger = ledger
        self._programs = programs

    async def __call__(self, doing: Doing) -> JobEnd:
        """Both of it. Raises `Refused` for an instant whose documents are not kept any more."""
        about, now = msgspec.json.decode(doing.job.about, type=LiabilityAbout), doing.job.created_at
        await self._programs.load(self._ledger)
        owed = await liability(self._ledger, self._programs, now if about.at is None else about.at, now)
        await doing.step.note(owed.members, owed.members)
        tally = msgspec.json.encode(WorkedOut(owed, await breakage(self._ledger, self._programs, now)))
        return JobEnd(state=JobState.DONE, done=owed.members, total=owed.members, tally=tally)
