"""Members: enrol in bulk, leave and rejoin the boards, take another proxy name, be erased."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.errors import Conflict, FieldError, InvalidInput, LedgerUnavailable, PointsOutOfRange, UnknownMember
from laurels.http.admission.rights import check_lead
from laurels.http.api.bulk import documents
from laurels.http.problems import FieldProblem, as_problems, field_problems
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import Email, MemberId, decode, email_warning, usable_email
from laurels.model import MemberEvent
from laurels.model.ids import check_email

WRITE = Access(("members:write",))
WRITE_OR_OWN = Access(("members:write",), members="own")


class MemberForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A customer to enrol. An address is kept or replaced; left out, it stays as it is."""

    member_id: MemberId
    email: Email | None = None


class EnrolResult(Struct, frozen=True, kw_only=True):
    """What became of one member. `http` is the status that it would have had alone: 201 for a new one, 200 for a known
    one. `warnings` names what was left out; `as_of` is the version from which every board knows the member.
    """

    member_id: str | None
    status: str
    http: int
    as_of: str | UnsetType = UNSET
    errors: list[FieldProblem] | UnsetType = UNSET
    warnings: list[FieldProblem] | UnsetType = UNSET


class MergeForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which member goes on."""

    into: MemberId


class ContactForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the member is reached."""

    email: Email | None


class RenameQuery(Struct, forbid_unknown_fields=True):
    """`name`: only as long as this is the member's name; under another one nothing is changed. So a call that is made
    again renames once.
    """

    name: Annotated[str, Meta(max_length=64)] | None = None


class Changed(Struct, frozen=True):
    """The version from which every board shows the change."""

    as_of: str


class _MemberId(Struct):
    member_id: str


@route(
    "POST",
    "/members",
    access=WRITE,
    answers={200: list[EnrolResult]},
    problems=(LedgerUnavailable,),
    bulk_of=MemberForm,
)
async def enrol(request: Request) -> Response:
    """Enrol members in one commit, as a JSON array or as NDJSON: at most 10,000 and 16 MB.

    There is one result for each, in order. One that is not valid keeps none of the others out; one that is known stays
    as it is.
    """
    results: list[EnrolResult | None] = []
    members: list[tuple[str, str | None]] = []
    warnings: list[FieldError | None] = []
    async for raw in documents(request.raw):
        try:
            form = decode(MemberForm, raw)
            members.append((form.member_id, usable_email(form.email)))
            warnings.append(email_warning(form.email))
            results.append(None)
        except InvalidInput as error:
            results.append(EnrolResult(member_id=_named(raw), status="invalid", http=422, errors=field_problems(error)))
    enrolled: Iterator[EnrolResult] = iter(())
    if members:
        new, version = await request.services.members.enrol(members, actor=request.caller.actor)
        enrolled = iter(
            [
                _result(member_id, warning, request.token(version), is_new=is_new)
                for (member_id, _), warning, is_new in zip(members, warnings, new, strict=True)
            ]
        )
    return Response(200, [next(enrolled) if result is None else result for result in results])


@route(
    "POST",
    "/members/{member_id}/hide",
    access=WRITE_OR_OWN,
    answers={200: Changed},
    problems=(UnknownMember, LedgerUnavailable),
)
async def hide(request: Request) -> Response:
    """Take a member off the boards. The points go on. A member may leave and rejoin them ten times a day."""
    return await _appear(request, MemberEvent.HIDE)


@route(
    "POST",
    "/members/{member_id}/show",
    access=WRITE_OR_OWN,
    answers={200: Changed},
    problems=(UnknownMember, LedgerUnavailable),
)
async def show(request: Request) -> Response:
    """Show a hidden member on the boards again."""
    return await _appear(request, MemberEvent.SHOW)


@route(
    "POST",
    "/members/{member_id}/rename",
    access=WRITE_OR_OWN,
    answers={200: Changed},
    problems=(UnknownMember, LedgerUnavailable),
)
async def rename(request: Request, query: RenameQuery) -> Response:
    """Give a member another proxy name. A member may do so to itself three times a day."""
    if request.caller.member_id is not None:
        request.limits.rename(request.caller.member_id)
    services, number = request.services, None
    if query.name is not None:
        number = services.dashboards.name_number(query.name)
        if number is None:
            raise InvalidInput.of("name", "is no name that boards have")
    member_id, actor = request.ids["member_id"], request.caller.actor
    version = await services.members.change(member_id, MemberEvent.RENAME, actor=actor, name_number=number)
    return Response(200, Changed(request.token(version)))


@route(
    "DELETE", "/members/{member_id}", access=WRITE, answers={200: Changed}, problems=(UnknownMember, LedgerUnavailable)
)
async def erase(request: Request) -> Response:
    """Erase a member: the id, the address and what was received.

    The entries stay, under a number that is never used again.
    """
    check_lead(request.caller)
    return await _change(request, MemberEvent.ERASE)


@route(
    "POST",
    "/members/{member_id}/merge",
    access=WRITE,
    answers={200: Changed},
    problems=(UnknownMember, Conflict, PointsOutOfRange, LedgerUnavailable),
)
async def merge(request: Request, form: MergeForm) -> Response:
    """Make two members one: points, orders, later documents and places on every board go over to `into`, and the id
    answers for it from now on. It cannot be undone.
    """
    check_lead(request.caller)
    version = await request.services.members.merge(request.ids["member_id"], form.into, actor=request.caller.actor)
    return Response(200, Changed(request.token(version)))


@route(
    "PUT",
    "/members/{member_id}/contact",
    access=WRITE,
    answers={200: Changed},
    problems=(UnknownMember, LedgerUnavailable),
)
async def set_contact(request: Request, form: ContactForm) -> Response:
    """Change where a member is reached; null: nowhere. That it changed is an entry, without the address."""
    email = None if form.email is None else check_email(form.email.strip(), "email")
    version = await request.services.members.set_contact(request.ids["member_id"], email, actor=request.caller.actor)
    return Response(200, Changed(request.token(version)))


async def _appear(request: Request, event: MemberEvent) -> Response:
    if request.caller.member_id is not None:
        request.limits.appearance(request.caller.member_id)
    return await _change(request, event)


async def _change(request: Request, event: MemberEvent) -> Response:
    version = await request.services.members.change(request.ids["member_id"], event, actor=request.caller.actor)
    return Response(200, Changed(request.token(version)))


def _named(raw: bytes) -> str | None:
    try:
        return decode(_MemberId, raw).member_id
    except InvalidInput:
        return None


def _result(member_id: str, warning: FieldError | None, as_of: str, *, is_new: bool) -> EnrolResult:
    return EnrolResult(
        member_id=member_id,
        status="enrolled" if is_new else "known",
        http=201 if is_new else 200,
        as_of=as_of,
        warnings=UNSET if warning is None else as_problems([warning]),
    )


ROUTES = (enrol, hide, show, rename, erase, merge, set_contact)
