"""Corrections that are checked first, made by a job, and approved by a second person where one may not decide alone;
and what that person decides on, erasures of many members too.

What is approved is a digest: who asks for it, and all that it would do. And it is approved as it is seen: where what it
would do has changed since, the other person looks again.
"""

import hashlib
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace

from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, NotFound, PointsOutOfRange, UnknownMember
from laurels.http.admission.rights import check_lead, most_points, needs_two
from laurels.http.api.effects import Effect, adjustment_effect
from laurels.http.api.jobs import JobShown, job_of, show
from laurels.http.api.moves import Reason
from laurels.http.api.points import CheckQuery, LapseAt, Note, SignedPoints, lapse_of
from laurels.http.api.undoing import check_undo
from laurels.http.routes import BULK_BYTES, Access, Request, Response, route
from laurels.intake import Id, MemberId, SourceText
from laurels.jobs import (
    CORRECTIONS,
    ERASURES,
    Correction,
    Corrections,
    CorrectionsPreview,
    Erasures,
    ErasuresChecked,
    add_corrections,
    adjustment_of,
    check_corrections,
    check_erasures,
    nameless_digest,
    read_corrections,
    rows_of,
)
from laurels.ledger.audit import about_member
from laurels.ledger.jobs import Job, JobState, NewJob
from laurels.model.ids import ONE_LINE

ASK = Access(("points:adjust",))
DECIDE = Access(("points:approve",))

_FEW = 10
"""Corrections of so few customers are shown one by one, with what each would do."""

Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256, in hex")]


class CorrectionsForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A CSV file with the columns `member_id,points,reason` and, where wanted, `note,adjustment_id,board,quiet`,
    `occurred_at` and `expires_at`. A row without an `adjustment_id` has one that follows from what it says, so the same
    file again counts once. `digest`: the check that this was seen to be.
    """

    name: Annotated[str, Meta(max_length=255, pattern=ONE_LINE, description="the file's name")]
    csv: Annotated[str, Meta(max_length=BULK_BYTES, description="its text")]
    digest: Hex | None = None


class CorrectionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A correction that somebody else is asked to approve. `proposal_id`: the same again is answered, not done
    twice; a correction counts once by it in its `source`, the caller's own where none is said.
    """

    proposal_id: Id
    member_id: MemberId
    points: SignedPoints = field(name="loyalty-points")
    reason: Annotated[Reason, Meta(min_length=1)]
    note: Note = ""
    board: bool = True
    quiet: bool = False
    expires_at: LapseAt | None = None
    source: SourceText | None = None


class DecisionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which proposal is approved, and what it was seen to do (`preview`)."""

    digest: Hex
    preview: Hex


class RejectionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which proposal is rejected."""

    digest: Hex


class CorrectionsChecked(Struct, frozen=True, kw_only=True):
    """What a file would do, by `check=1`: nothing is changed. `needs_approval`: another person decides."""

    checked: CorrectionsPreview
    digest: str
    needs_approval: bool


class ProposedEffect(Struct, frozen=True, kw_only=True):
    """One of few corrections: the customer's number, the words that are kept with it, and what it does; `effect` is
    null where there is no such customer any more, and where it would be `refused` now, which says why.
    """

    member: int | None
    points: int
    reason: str
    note: str
    effect: Effect | None
    refused: str | UnsetType = UNSET


class ProposalShown(Struct, frozen=True, kw_only=True):
    """A proposal, and what it would do as the ledger is now: `checked` of corrections, `erasures` of those. `preview`
    is the digest of that, and empty once it is decided.
    """

    job: JobShown
    checked: CorrectionsPreview | None = None
    erasures: ErasuresChecked | None = None
    effects: list[ProposedEffect]
    preview: str


class Proposed(Struct, frozen=True, kw_only=True):
    """The proposal that was made; with `check=1` none is, and `effect` says what would be."""

    job: JobShown | UnsetType = UNSET
    effect: Effect | UnsetType = UNSET


@route(
    "POST",
    "/corrections",
    access=ASK,
    answers={201: JobShown, 200: CorrectionsChecked},
    problems=(Conflict, LedgerUnavailable),
    most_bytes=BULK_BYTES,
)
async def correct_many(request: Request, form: CorrectionsForm, query: CheckQuery) -> Response:
    """Correct many customers' points from a file, by a job. With `check=1`: tell what it would do, and change nothing.

    People need the role lead, and a second person beyond 1,000 rows, 100,000 points or their own limit for one row.
    """
    check_lead(request.caller)
    services = request.services
    found = await read_corrections(services.ledger, form.name, form.csv)
    for source in sorted({row.source for row in found.rows}):
        request.caller.check_source(source)
    most = most_points(request.caller, services.settings)
    checked = await check_corrections(services.ledger, found, most, services.now())
    points = checked.given + checked.taken
    two = needs_two(request.caller, rows=checked.rows, points=points, above=checked.above)
    digest = nameless_digest(request.caller.actor, found)
    if query.check:
        shown = CorrectionsChecked(checked=checked, digest=digest, needs_approval=two)
        return Response(200, shown, outcome="checked")
    if form.digest not in {None, digest}:
        raise Conflict("This is another file than the one that was checked. Nothing was changed: check it again.")
    return Response(201, show(await add_corrections(services.ledger, _new(request, found, checked, proposed=two))))


@route(
    "POST",
    "/proposals",
    access=ASK,
    answers={201: Proposed, 200: Proposed},
    problems=(UnknownMember, Conflict, PointsOutOfRange, LedgerUnavailable),
)
async def propose_correction(request: Request, form: CorrectionForm, query: CheckQuery) -> Response:
    """Ask another person to approve a correction. With `check=1`: tell what it would do, and change nothing."""
    services, actor = request.services, request.caller.actor
    request.caller.check_source(form.source or actor)
    numbers = await services.ledger.numbers_called([form.member_id])
    if form.member_id not in numbers:
        raise UnknownMember
    about_member(numbers[form.member_id])
    expires_at = lapse_of(form.expires_at, form.points)
    row = Correction(
        line=1,
        member=numbers[form.member_id],
        points=form.points,
        source=form.source or actor,
        id=form.proposal_id,
        reason=form.reason,
        note=form.note,
        board=form.board,
        quiet=form.quiet,
        expires_at=expires_at,
    )
    adjustment = adjustment_of(row, form.member_id, actor)
    await check_undo(request, adjustment)
    effect = await adjustment_effect(request, adjustment)
    if query.check:
        return Response(200, Proposed(effect=effect), outcome="checked")
    found = Corrections("", [row])
    most = most_points(request.caller, services.settings)
    checked = await check_corrections(services.ledger, found, most, services.now())
    job = await add_corrections(services.ledger, _new(request, found, checked, proposed=True))
    return Response(201, Proposed(job=show(job)))


@route("GET", "/proposals/{job}", access=DECIDE, answers={200: ProposalShown}, problems=(NotFound, LedgerUnavailable))
async def show_proposal(request: Request) -> Response:
    """Show a proposal, with what it would do as the ledger is now."""
    return Response(200, await _preview(request, await _proposal(request)))


@route(
    "POST",
    "/proposals/{job}/approve",
    access=DECIDE,
    answers={200: JobShown},
    problems=(NotFound, Conflict, LedgerUnavailable),
)
async def approve_proposal(request: Request, form: DecisionForm) -> Response:
    """Approve a proposal of somebody else, as it was seen. A job does it then; the same again changes nothing.

    409 where it would do something else by now: look again.
    """
    job = await _proposal(request)
    if job.state is JobState.PROPOSED and job.digest == form.digest and job.actor != request.caller.actor:
        now = await _preview(request, job)
        if now.preview != form.preview:
            raise Conflict("What this would do has changed since you looked. Nothing was changed: look again.")
        refusals = [effect.refused for effect in now.effects if effect.refused]
        if refusals and len(refusals) == len(now.effects):
            raise Conflict(f"Nothing of this can be done any more: {refusals[0]}")
    actor = request.caller.actor
    decided = await request.services.ledger.decide_job(job.number, form.digest, actor=actor, approve=True)
    return Response(200, show(decided))


@route(
    "POST",
    "/proposals/{job}/reject",
    access=DECIDE,
    answers={200: JobShown},
    problems=(NotFound, Conflict, LedgerUnavailable),
)
async def reject_proposal(request: Request, form: RejectionForm) -> Response:
    """Reject a proposal, or take one's own back. It is not done then, and cannot be approved any more."""
    job = await _proposal(request)
    actor = request.caller.actor
    decided = await request.services.ledger.decide_job(job.number, form.digest, actor=actor, approve=False)
    return Response(200, show(decided))


def _new(request: Request, corrections: Corrections, checked: CorrectionsPreview, *, proposed: bool) -> NewJob:
    actor = request.caller.actor
    return NewJob(
        kind=CORRECTIONS,
        actor=actor,
        digest=nameless_digest(actor, corrections),
        about=msgspec.json.encode(replace(checked, title="")),
        total=len(corrections.rows),
        content=msgspec.json.encode(corrections),
        proposed=proposed,
    )


async def _proposal(request: Request) -> Job:
    job = await job_of(request)
    if job.kind not in {CORRECTIONS, ERASURES}:
        raise NotFound("There is no such proposal.")
    return job


async def _preview(request: Request, job: Job) -> ProposalShown:
    ledger = request.services.ledger
    content = await ledger.job_content(job.number)
    if job.kind == ERASURES:
        return await _erasures(request, job, content)
    if content is None:
        checked = msgspec.json.decode(job.about, type=CorrectionsPreview)
        return ProposalShown(job=show(job), checked=checked, effects=[], preview="")
    found = rows_of(content)
    was = msgspec.json.decode(job.about, type=CorrectionsPreview)
    checked = await check_corrections(ledger, found, None, request.services.now())
    checked = replace(checked, above=was.above)
    effects = [await _effect(request, row) for row in found.rows] if len(found.rows) <= _FEW else []
    seen = hashlib.sha256(msgspec.json.encode([checked, effects])).hexdigest()
    return ProposalShown(job=show(job), checked=checked, effects=effects, preview=seen)


async def _erasures(request: Request, job: Job, content: bytes | None) -> ProposalShown:
    checked = msgspec.json.decode(job.about, type=ErasuresChecked)
    if content is None:
        return ProposalShown(job=show(job), erasures=checked, effects=[], preview="")
    asked = msgspec.json.decode(content, type=Erasures)
    checked = await check_erasures(request.services.ledger, asked, checked)
    seen = hashlib.sha256(msgspec.json.encode(checked)).hexdigest()
    return ProposalShown(job=show(job), erasures=checked, effects=[], preview=seen)


async def _effect(request: Request, row: Correction) -> ProposedEffect:
    ids = await request.services.ledger.ids_of([] if row.member is None else [row.member])
    shown = ProposedEffect(member=row.member, points=row.points, reason=row.reason, note=row.note, effect=None)
    if row.member not in ids:
        return shown
    try:
        adjustment = adjustment_of(row, ids[row.member], row.source)
        await check_undo(request, adjustment)
        effect = await adjustment_effect(request, adjustment)
    except (Conflict, InvalidInput, PointsOutOfRange) as error:
        return replace(shown, refused=error.message)
    return replace(shown, effect=effect)


ROUTES = (correct_many, propose_correction, show_proposal, approve_proposal, reject_proposal)
