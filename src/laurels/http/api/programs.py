"""Programs over HTTP: handed in, compared, rehearsed, approved; and campaigns that are ended early."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from laurels.awarding import Rehearsal, approve, find_draft, rehearse_here, stop, submit
from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, NotFound, ProgramError, Refused
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger import Draft, ProgramEvent, PublishedProgram
from laurels.ledger.program_log import digest_of
from laurels.model.ids import ONE_LINE
from laurels.model.times import format_instant, parse_instant
from laurels.program import Program, differences, doubts, parse_program

READ = Access(("program:write", "program:approve", "reports:read"))
WRITE = Access(("program:write",))
APPROVE = Access(("program:approve",))

Text = Annotated[str, Meta(max_length=262_144, description="the program, TOML")]
When = Annotated[str, Meta(max_length=40, description="RFC 3339")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{6,64}\Z", description="a digest, or its beginning")]


class ProgramForm(Struct, forbid_unknown_fields=True):
    """A program to hand in."""

    text: Text


class RehearsalForm(Struct, forbid_unknown_fields=True):
    """The period: as if the program had been in force from `from` on (left out: from ever), until `to` (now)."""

    starts: When | None = field(default=None, name="from")
    to: When | None = None


class ApprovalForm(Struct, forbid_unknown_fields=True):
    """The rehearsal that the approval rests on, and from when the program holds: left out, as it says itself."""

    rehearsal: Digest | None = None
    starts: When | None = field(default=None, name="from")


class StopForm(Struct, forbid_unknown_fields=True):
    """Which campaign ends a minute from now, and why."""

    campaign: Annotated[str, Meta(min_length=1, max_length=64, pattern=ONE_LINE)]
    why: Annotated[str, Meta(min_length=1, max_length=500, pattern=ONE_LINE)]


class ProgramShown(Struct, frozen=True, kw_only=True, rename={"starts": "from"}):
    """A published version. `from` is null where it always was in force."""

    version: int
    starts: str | None
    published_at: str
    actor: str | None
    digest: str


class DraftShown(Struct, frozen=True, kw_only=True):
    """A program that was handed in."""

    digest: str
    version: int
    submitted_by: str
    submitted_at: str
    approved_by: str | None


class ProgramEventShown(Struct, frozen=True, kw_only=True):
    """What was done with a program, by whom: `submit`, `rehearse`, `approve`, `publish`, `stop`. `hash` chains it to
    the one before.
    """

    position: int
    at: str
    actor: str
    act: str
    version: int
    digest: str
    rehearsal: str | None
    hash: str


class ProgramsShown(Struct, frozen=True):
    """Published versions, drafts that are not published, and what was done with them, oldest first."""

    published: list[ProgramShown]
    drafts: list[DraftShown]
    events: list[ProgramEventShown]


class ProgramText(Struct, frozen=True):
    """A program as it was handed in. `warnings` are what it may not mean, one line each."""

    version: int
    digest: str
    text: str
    warnings: list[str]


class DifferenceShown(Struct, frozen=True, kw_only=True):
    """A key that two programs say differently; null: it is not said."""

    path: str
    before: Any
    after: Any


class DiffQuery(Struct, forbid_unknown_fields=True):
    """What it is compared with; left out: the newest published version."""

    to: Annotated[str, Meta(max_length=64, description="a version, or a draft's digest")] | None = None


class RehearsalShown(Struct, frozen=True):
    """What came of a rehearsal; `kept`: it can be named in an approval."""

    kept: bool
    rehearsal: Rehearsal


@route("GET", "/programs", access=READ, answers={200: ProgramsShown}, problems=(LedgerUnavailable,))
async def list_programs(request: Request) -> Response:
    """List published versions, drafts, and who did what with them."""
    ledger = request.services.ledger
    published, drafts = await ledger.programs(), await ledger.drafts()
    waiting = [_draft(each) for each in drafts if each.approved_by is None]
    events = [_event(each) for each in await ledger.program_events()]
    return Response(200, ProgramsShown([_published(each) for each in published], waiting, events))


@route("POST", "/programs", access=WRITE, answers={201: DraftShown}, problems=(LedgerUnavailable,))
async def submit_program(request: Request, form: ProgramForm) -> Response:
    """Hand a program in as a draft. It changes nothing until it is approved; the same bytes again are one draft."""
    try:
        draft = await submit(request.services.ledger, parse_program(form.text), actor=request.caller.actor)
    except ProgramError as error:
        raise InvalidInput.of("text", error.message) from error
    return Response(201, _draft(draft))


@route("GET", "/programs/{which}", access=READ, answers={200: ProgramText}, problems=(NotFound, LedgerUnavailable))
async def show_program(request: Request) -> Response:
    """Give a program as it was handed in, by its version or a draft's digest."""
    program = await _program(request, request.ids["which"])
    return Response(200, ProgramText(program.version, digest_of(program.text), program.text, doubts(program)))


@route(
    "GET",
    "/programs/{which}/diff",
    access=READ,
    answers={200: list[DifferenceShown]},
    problems=(NotFound, LedgerUnavailable),
)
async def compare_programs(request: Request, query: DiffQuery) -> Response:
    """Compare two programs key by key."""
    before = await _program(request, request.ids["which"])
    newest = str((await request.services.ledger.programs())[-1].version)
    after = await _program(request, query.to or newest)
    return Response(
        200,
        [
            DifferenceShown(path=each.path, before=_plain(each.before), after=_plain(each.after))
            for each in differences(before.text, after.text)
        ],
    )


@route(
    "POST",
    "/programs/{which}/rehearsal",
    access=WRITE,
    answers={200: RehearsalShown},
    problems=(NotFound, Conflict, LedgerUnavailable),
)
async def rehearse_program(request: Request, form: RehearsalForm) -> Response:
    """Try a program on the documents that the ledger has. No point moves; of a draft, what came of it is kept.

    Under the programs that stand, the same documents must give what the ledger has, to the last point; else 409. Costs
    twice the judging of every document: minutes where there are millions.
    """
    new, now = await _program(request, request.ids["which"]), request.services.now()
    with _told():
        found, kept = await rehearse_here(
            request.services.ledger,
            new,
            begins=None if form.starts is None else parse_instant(form.starts, "from"),
            ends=now if form.to is None else parse_instant(form.to, "to"),
            actor=request.caller.actor,
        )
    return Response(200, RehearsalShown(kept, found))


@route(
    "POST",
    "/programs/{which}/approve",
    access=APPROVE,
    answers={200: ProgramShown},
    problems=(NotFound, Conflict, LedgerUnavailable),
)
async def approve_program(request: Request, form: ApprovalForm) -> Response:
    """Put a draft in force. With `approval.required` another one than who submitted it does, and names a rehearsal that
    was kept of these bytes, is younger than a week, and saw every published version.
    """
    with _told():
        published = await approve(
            request.services.ledger,
            request.ids["which"],
            None if form.starts is None else parse_instant(form.starts, "from"),
            actor=request.caller.actor,
            by_another=request.services.settings.approval.required,
            rehearsal=form.rehearsal,
        )
    return Response(200, _published(published))


@route("POST", "/programs/stop", access=WRITE, answers={200: ProgramShown}, problems=(Conflict, LedgerUnavailable))
async def stop_campaign(request: Request, form: StopForm) -> Response:
    """End a campaign a minute from now, by a version that does nothing else. One person may: it is quick."""
    with _told():
        published = await stop(
            request.services.ledger, form.campaign, now=request.services.now(), actor=request.caller.actor, why=form.why
        )
    return Response(200, _published(published))


@contextmanager
def _told() -> Iterator[None]:
    """Response what the ledger's programs stand against as a conflict."""
    try:
        yield
    except (ProgramError, Refused) as error:
        raise Conflict(error.message) from error


async def _program(request: Request, which: str) -> Program:
    ledger = request.services.ledger
    for each in await ledger.programs():
        if str(each.version) == which:
            return parse_program(each.text)
    return parse_program(find_draft(await ledger.drafts(), which).text)


def _plain(value: Any) -> Any:
    """What a key says; dates as they are written."""
    return value if value is None or isinstance(value, str | int | float | bool | list) else str(value)


def _published(published: PublishedProgram) -> ProgramShown:
    return ProgramShown(
        version=published.version,
        starts=None if published.from_at is None else format_instant(published.from_at),
        published_at=format_instant(published.published_at),
        actor=published.actor,
        digest=digest_of(published.text),
    )


def _draft(draft: Draft) -> DraftShown:
    return DraftShown(
        digest=draft.digest,
        version=draft.version,
        submitted_by=draft.submitted_by,
        submitted_at=format_instant(draft.submitted_at),
        approved_by=draft.approved_by,
    )


def _event(event: ProgramEvent) -> ProgramEventShown:
    return ProgramEventShown(
        position=event.position,
        at=format_instant(event.at),
        actor=event.actor,
        act=event.act,
        version=event.version,
        digest=event.digest,
        rehearsal=event.rehearsal,
        hash=event.hash.hex(),
    )


ROUTES = (
    list_programs,
    submit_program,
    show_program,
    compare_programs,
    rehearse_program,
    approve_program,
    stop_campaign,
)
