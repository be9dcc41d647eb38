"""Jobs over HTTP: what takes long is started here, looked at, stopped, and its result fetched."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from laurels.awarding import week_of
from laurels.errors import InvalidInput, LedgerUnavailable, NotAllowed, NotFound
from laurels.http.admission.callers import Caller
from laurels.http.api.csv_files import PARQUET, csv_of
from laurels.http.api.quarantine import Cause, check_cause
from laurels.http.routes import Access, Request, Response, route
from laurels.jobs import (
    COLUMNS,
    CORRECTIONS,
    ERASURES,
    EXPORT,
    JOURNAL,
    LIABILITY,
    REHEARSAL,
    RETRY,
    ROLL_UPS,
    VERIFY,
    WEEK,
    ExportAbout,
    JournalAbout,
    LiabilityAbout,
    RehearsalAbout,
    RetryAbout,
    WeekAbout,
    content_digest,
    told,
)
from laurels.jobs.steps import ResultTable
from laurels.ledger.jobs import Job, JobState, NewJob
from laurels.model import Version
from laurels.model.times import format_instant, parse_instant, to_datetime

LOOK = Access(
    ("jobs:write", "points:adjust", "points:approve", "program:write", "program:approve", "audit:read", "reports:read")
)
START = Access(("jobs:write", "program:write", "quarantine:write", "reports:read", "audit:read"))
STOP = Access(("jobs:write", "points:adjust", "program:write", "reports:read", "audit:read"))

_STARTED_BY = {
    REHEARSAL: "program:write",
    RETRY: "quarantine:write",
    LIABILITY: "reports:read",
    JOURNAL: "reports:read",
    WEEK: "reports:read",
    VERIFY: "jobs:write",
    ROLL_UPS: "jobs:write",
}
_WHOEVER = {JOURNAL}
"""Under way once, whoever asks: two people who draw up the next journal at one time draw up one."""

_EXPORTED_BY = {"entries": "reports:read", "log": "audit:read"}
_SEEN_BY = {
    CORRECTIONS: {"points:approve"},
    ERASURES: {"points:approve"},
    REHEARSAL: {"program:write", "program:approve"},
    LIABILITY: {"reports:read"},
    JOURNAL: {"reports:read"},
    WEEK: {"reports:read"},
}
_SEES_ALL = {"jobs:write", "audit:read"}

MOST_PARTS = 50
"""Parts of an export that are given in one answer: 250,000 rows, some 40 MB."""

_MOST_LOOKED_AT = 1_000
_DIGITS = 15

When = Annotated[str, Meta(max_length=40, description="RFC 3339")]


class JobsQuery(Struct, forbid_unknown_fields=True):
    """`before` is the last answer's `next`; `state` and `kind` show those of it alone."""

    before: Annotated[int, Meta(ge=1)] | None = None
    state: JobState | None = None
    kind: Annotated[str, Meta(max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class JobForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to do: `rehearsal` of a draft or a version (`program`) on the documents of a period; `retry` of what is in
    quarantine for a `cause` (left out: all); `verify` the ledger; `roll-ups` are made anew; `export` of the ledger's
    entries or of the audit log (`what`), of a period, as a file of this `format` (`csv` where nothing is said);
    `liability` works out what is owed in points, and what of it is expected to be redeemed, `at` an instant (left out:
    now); `journal` draws up the journal `after` the version where the one before ended (left out: from the beginning)
    up to the feed's end; `week` reports on the week of the instant `at` (left out: the week before), Monday to Sunday.
    """

    kind: Literal["rehearsal", "retry", "verify", "roll-ups", "export", "liability", "journal", "week"]
    program: Annotated[str, Meta(max_length=64, description="a version, or a draft's digest")] | None = None
    starts: When | None = field(default=None, name="from")
    to: When | None = None
    at: When | None = None
    after: Annotated[str, Meta(max_length=4000, description="`to` of the journal before")] | None = None
    cause: Cause | None = None
    what: Literal["entries", "log"] | None = None
    format: Literal["csv", "parquet"] | None = None


class FileQuery(Struct, forbid_unknown_fields=True):
    """`part`: this piece of a long file alone; the first is 1, and has the header."""

    part: Annotated[int, Meta(ge=1)] | None = None


class JobShown(Struct, frozen=True, kw_only=True):
    """A job. `about` is what it is to do, `tally` what came of it so far; `file`: there is one to fetch. `digest` tells
    what exactly it does, `approver` who decided where two people have to.
    """

    number: int
    kind: str
    state: str
    actor: str
    approver: str | None
    digest: str
    about: Any
    done: int
    total: int
    tally: Any
    error: str
    stopping: bool
    created_at: str
    decided_at: str | None
    ended_at: str | None
    file: bool


class JobsPage(Struct, frozen=True):
    """Jobs that the caller may see, newest first; `next` goes on, null at the end."""

    jobs: list[JobShown]
    next: int | None


@route("GET", "/jobs", access=LOOK, answers={200: JobsPage}, problems=(LedgerUnavailable,), audited=False)
async def list_jobs(request: Request, query: JobsQuery) -> Response:
    """List jobs, newest first: one's own, and those that one decides on or looks after."""
    states = () if query.state is None else (query.state,)
    shown: list[JobShown] = []
    before, looked = query.before, 0
    while looked < _MOST_LOOKED_AT:
        found = await request.services.ledger.jobs(before=before, states=states, kind=query.kind, limit=query.limit)
        for job in found:
            is_seen = may_see(request.caller, job)
            if is_seen and len(shown) == query.limit:
                return Response(200, JobsPage(shown, before))
            before = job.number
            shown += [show(job)] if is_seen else []
        if len(found) < query.limit:
            return Response(200, JobsPage(shown, None))
        looked += len(found)
    return Response(200, JobsPage(shown, before))


@route("POST", "/jobs", access=START, answers={201: JobShown}, problems=(NotFound, LedgerUnavailable))
async def start_job(request: Request, form: JobForm) -> Response:
    """Start what takes long. The same that is under way already is answered in its place."""
    needed = _EXPORTED_BY[form.what or "entries"] if form.kind == EXPORT else _STARTED_BY[form.kind]
    if needed not in request.caller.scopes:
        raise NotAllowed(f"This needs the scope {needed}.", (needed,))
    about = _about(form)
    job = NewJob(
        kind=form.kind,
        actor=request.caller.actor,
        digest=content_digest("" if form.kind in _WHOEVER else request.caller.actor, form.kind.encode() + about),
        about=about,
    )
    return Response(201, show(await request.services.ledger.add_job(job)))


@route(
    "GET", "/jobs/{job}", access=LOOK, answers={200: JobShown}, problems=(NotFound, LedgerUnavailable), audited=False
)
async def show_job(request: Request) -> Response:
    """Show how far a job is, and what came of it."""
    return Response(200, show(await job_of(request)))


@route(
    "GET",
    "/jobs/{job}/file",
    access=LOOK,
    answers={200: str},
    media_type="text/csv",
    problems=(NotFound, LedgerUnavailable),
)
async def show_job_file(request: Request, query: FileQuery) -> Response:
    """Give what a job gave as a CSV file, for seven days, or as the file that was asked for. That it was fetched is
    recorded. An export is for who started it; one of more than 50 parts is fetched part by part.
    """
    job = await job_of(request)
    if job.kind == EXPORT:
        return await _export(request, job, query.part)
    kept = await request.services.ledger.job_file(job.number)
    if kept is None:
        raise _no_file()
    table = msgspec.json.decode(kept, type=ResultTable)
    return Response(200, csv_of(table.header, table.rows), media_type="text/csv")


@route("POST", "/jobs/{job}/stop", access=STOP, answers={200: JobShown}, problems=(NotFound, LedgerUnavailable))
async def stop_job(request: Request) -> Response:
    """Stop a job as soon as it can be: what is done stays done. One that has ended stays as it is."""
    job = await job_of(request)
    if job.actor != request.caller.actor and "jobs:write" not in request.caller.scopes:
        raise NotAllowed("A job is stopped by who started it, or with the scope jobs:write.", ("jobs:write",))
    return Response(200, show(await request.services.ledger.stop_job(job.number)))


async def job_of(request: Request) -> Job:
    """The job in the path. Raises `NotFound`, also for one that the caller may not see."""
    text = request.ids["job"]
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        job = await request.services.ledger.job(int(text))
        if job is not None and may_see(request.caller, job):
            return job
    raise NotFound("There is no such job.")


def may_see(caller: Caller, job: Job) -> bool:
    """Whether it is the caller's, or of those that the caller decides on or looks after."""
    seen_by = _SEES_ALL | _SEEN_BY.get(job.kind, set())
    return job.actor == caller.actor or not caller.scopes.isdisjoint(seen_by)


def show(job: Job) -> JobShown:
    """A job as it is told; whom it names is in its file."""
    return JobShown(
        number=job.number,
        kind=job.kind,
        state=job.state,
        actor=job.actor,
        approver=job.approver,
        digest=job.digest,
        about=told(job.about),
        done=job.done,
        total=job.total,
        tally=told(job.tally),
        error=job.error,
        stopping=job.stopping,
        created_at=format_instant(job.created_at),
        decided_at=None if job.decided_at is None else format_instant(job.decided_at),
        ended_at=None if job.ended_at is None else format_instant(job.ended_at),
        file=_has_file(job),
    )


def _about(form: JobForm) -> bytes:
    """What is to be done, and nothing besides. Raises `InvalidInput`."""
    fields = ("program", "starts", "to", "at", "after", "cause", "what", "format")
    given = {name for name in fields if getattr(form, name) is not None}
    takes = _TAKES.get(form.kind, set())
    if given - takes:
        name = min(given - takes)
        raise InvalidInput.of({"starts": "from"}.get(name, name), f"has no effect on {form.kind}")
    reads = _READS.get(form.kind)
    return b"{}" if reads is None else msgspec.json.encode(reads(form))


def _rehearsal(form: JobForm) -> RehearsalAbout:
    if form.program is None:
        raise InvalidInput.of("program", "is required")
    return RehearsalAbout(form.program, _instant(form.starts, "from"), _instant(form.to, "to"))


def _exported(form: JobForm) -> ExportAbout:
    if form.what is None:
        raise InvalidInput.of("what", "is required")
    return ExportAbout(form.what, form.format or "csv", _instant(form.starts, "from"), _instant(form.to, "to"))


def _journal(form: JobForm) -> JournalAbout:
    return JournalAbout(None if form.after is None else str(Version.parse(form.after, "after")))


def _week(form: JobForm) -> WeekAbout:
    at = _instant(form.at, "at")
    if at is not None:
        week_of(to_datetime(at).date(), UTC)
    return WeekAbout(at)


def _instant(text: str | None, field_name: str) -> int | None:
    if text is None:
        return None
    at = parse_instant(text, field_name)
    if at < 0:
        raise InvalidInput.of(field_name, "must lie in 1970 or later")
    return at


_READS: Mapping[str, Callable[[JobForm], Struct]] = {
    REHEARSAL: _rehearsal,
    RETRY: lambda form: RetryAbout(check_cause(form.cause)),
    EXPORT: _exported,
    LIABILITY: lambda form: LiabilityAbout(_instant(form.at, "at")),
    JOURNAL: _journal,
    WEEK: _week,
}
"""What is read of a form, by kind; of the other kinds nothing."""

_TAKES: Mapping[str, set[str]] = {
    REHEARSAL: {"program", "starts", "to"},
    RETRY: {"cause"},
    EXPORT: {"what", "format", "starts", "to"},
    LIABILITY: {"at"},
    JOURNAL: {"after"},
    WEEK: {"at"},
}


async def _export(request: Request, job: Job, part: int | None) -> Response:
    """An export, or a part of it. Raises `NotAllowed`, `NotFound`, `InvalidInput`."""
    about, ledger = msgspec.json.decode(job.about, type=ExportAbout), request.services.ledger
    needed = _EXPORTED_BY[about.what]
    if job.actor != request.caller.actor or needed not in request.caller.scopes:
        raise NotAllowed("An export is for who started it, as long as they may see what is in it.", (needed,))
    if about.format == "parquet":
        kept = await ledger.job_file(job.number)
        if kept is None or part not in {None, 1}:
            raise _no_file()
        return Response(200, kept, media_type=PARQUET)
    if not _has_file(job):
        raise _no_file()
    parts = msgspec.json.decode(job.tally)["parts"]
    if part is None and parts > MOST_PARTS:
        raise InvalidInput.of("part", f"is required: the file has {parts:,} parts")
    if part is not None and not part <= max(parts, 1):
        raise _no_file()
    chosen = range(1, parts + 1) if part is None else [part]
    pieces = [msgspec.json.decode(await ledger.job_part(job.number, each) or b"[]") for each in chosen]
    rows = [row for piece in pieces for row in piece]
    body = csv_of([*COLUMNS[about.what]], rows, with_header=part in {None, 1})
    return Response(200, body, media_type="text/csv")


def _has_file(job: Job) -> bool:
    """Whether there is one to fetch; an export without rows is a header alone."""
    return job.has_file or (job.kind == EXPORT and job.state is JobState.DONE and job.total == 0)


def _no_file() -> NotFound:
    return NotFound("This job gave no file, or it is kept no more.")


ROUTES = (list_jobs, start_job, show_job, show_job_file, stop_job)
