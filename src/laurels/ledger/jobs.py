"""Jobs: work that takes long, and changes that a second person has to approve before they are made.

A job is taken under a lease. Each change of hands raises its fence, and every write about it names the fence: one who
slept and wakes is told that it is another's. What a job does is idempotent, so going on from where it was last noted
counts nothing twice. A proposal is a job that nobody takes before another person than who made it approves its digest.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from laurels.clock import DAY, SECOND
from laurels.errors import Conflict, NotAllowed, NotFound
from laurels.model import DocumentKind

LEASE = 10 * SECOND
"""How long a job is its worker's after it was last noted."""

OPEN_DAYS = 7
"""How long a proposal may be approved, and how long what a job gave is kept."""


class JobState(StrEnum):
    """How far a job is."""

    PROPOSED = "proposed"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    REJECTED = "rejected"


OPEN = frozenset({JobState.PROPOSED, JobState.READY, JobState.RUNNING})
"""States that a job does not end in."""


class NewJob(Struct, frozen=True, kw_only=True):
    """A job to be kept. `about` is what is told of it, JSON without words about a person; `content` what it works on,
    which is let go of when it ends. `total` counts what is to be done. A `proposed` one waits for approval.
    """

    kind: str
    actor: str
    digest: str
    about: bytes
    total: int = 0
    content: bytes | None = None
    proposed: bool = False


class Job(Struct, frozen=True, kw_only=True):
    """A job as it is kept. `tally` is what came of it so far, JSON; it is kept for ever, and seen by looks that are not
    recorded, so it holds nobody's data: that is for files and parts. `approver` is who decided on a proposal.
    """

    number: int
    kind: str
    state: JobState
    actor: str
    approver: str | None
    digest: str
    about: bytes
    total: int
    done: int
    tally: bytes
    error: str
    stopping: bool
    fence: int
    created_at: int
    decided_at: int | None
    ended_at: int | None
    has_file: bool


class JobEnd(Struct, frozen=True, kw_only=True):
    """How a job ended. `file` is for whoever started it."""

    state: JobState
    done: int
    total: int
    tally: bytes
    error: str = ""
    file: bytes | None = None


class JobStore(Protocol):
    """Jobs. Each call costs some look-ups by key, and what is read or written of contents."""

    async def add_job(self, job: NewJob) -> Job:
        """Keep a job; the next worker takes it, unless it is a proposal. One of the same digest that has not ended is
        given in its place.
        """
        ...

    async def job(self, number: int) -> Job | None:
        """A job by its number."""
        ...

    async def jobs(
        self,
        *,
        before: int | None = None,
        states: Collection[JobState] = (),
        kind: str | None = None,
        limit: int = 50,
    ) -> list[Job]:
        """Jobs with a number below `before`, newest first; in these states (none named: in any) and of this kind.
        Costs by the jobs that are read past.
        """
        ...

    async def job_content(self, number: int) -> bytes | None:
        """What a job works on; None where it is not kept (any more)."""
        ...

    async def replace_job_content(self, number: int, was: bytes, content: bytes) -> bool:
        """Keep other content than what a job works on. False where that is not as it `was` any more: nothing was
        written.
        """
        ...

    async def job_file(self, number: int) -> bytes | None:
        """What a job gave; None where it is not kept (any more)."""
        ...

    async def job_part(self, number: int, part: int) -> bytes | None:
        """A piece of what a job gave, the first is 1; None behind the last, and where it is not kept (any more)."""
        ...

    async def decide_job(self, number: int, digest: str, *, actor: str, approve: bool) -> Job:
        """Approve or reject a proposal; one that is rejected lets go of what it would have worked on. The same decision
        of the same person again changes nothing. Raises `NotFound`, `NotAllowed` for who made it, `Conflict` for
        another digest, and where it is decided or too old.
        """
        ...

    async def stop_job(self, number: int) -> Job:
        """Have a job stopped: at once where nobody works on it, and its content goes, else as soon as its worker notes
        something. One that has ended stays as it is. Raises `NotFound`.
        """
        ...

    async def take_job(self, owner: str) -> Job | None:
        """Take the oldest job that nobody works on; None where there is none."""
        ...

    async def note_job(
        self, number: int, fence: int, *, done: int, total: int, tally: bytes | None, part: bytes | None = None
    ) -> bool | None:
        """Renew the lease and note how far it is (`tally` None: as it was), and in the same transaction keep a `part`
        of what it gives, behind those before it. True: go on; False: it is to be stopped; None: it is another's now,
        and nothing was written.
        """
        ...

    async def end_job(self, number: int, fence: int, end: JobEnd) -> bool:
        """End a job and let go of its content; and of its parts, unless it is done and gives no `file` in their place.
        False where it is another's now: nothing was written.
        """
        ...

    async def forget_jobs(self, *, before: int) -> int:
        """Let go of the contents, files and parts of jobs that ended, and of proposals made, before an instant; those
        proposals are over. Gives how many jobs that were.
        """
        ...

    async def numbers_called(self, ids: Collection[str]) -> dict[str, int]:
        """The numbers of the members with these ids, of one that became another that one's; unknown ids are missing."""
        ...

    async def ids_of(self, numbers: Collection[int]) -> dict[int, str]:
        """The ids of members by their numbers; erased ones are missing."""
        ...

    async def known_as(self, numbers: Collection[int]) -> dict[int, tuple[str, int]]:
        """The same, each id with the number that it means now: of a member that became another, that one's."""
        ...

    async def known_documents(self, kind: DocumentKind, source: str, ids: Collection[str]) -> set[str]:
        """Which of these ids documents of a source have."""
        ...


def is_stoppable(job: Job) -> bool:
    """Whether stopping it changes anything."""
    return job.ended_at is None and not job.stopping


def check_decidable(job: Job | None, digest: str, *, actor: str, approve: bool, now: int) -> bool:
    """Whether a decision is to be written; False where this person has made it before. Raises as `decide_job`
    does: `NotFound`, `Conflict`, `NotAllowed`.
    """
    if job is None:
        raise NotFound("There is no such proposal.")
    if job.digest != digest:
        raise Conflict("This is another proposal than the one that you saw. Nothing was changed: look at it again.")
    if job.state is not JobState.PROPOSED:
        same = (job.state is not JobState.REJECTED) == approve
        if job.approver == actor and same:
            return False
        raise Conflict("This proposal is decided already. Nothing was changed.")
    if approve and job.actor == actor:
        raise NotAllowed("You made this proposal yourself: another person has to approve it.")
    if job.created_at < now - OPEN_DAYS * DAY:
        raise Conflict(f"This proposal is older than {OPEN_DAYS} days. Make it anew.")
    return True
