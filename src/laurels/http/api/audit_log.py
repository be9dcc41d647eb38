"""The audit log over HTTP."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.errors import LedgerUnavailable
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger import Act, AuditRow
from laurels.model.times import format_instant, parse_instant

MOST_LOOKED_AT, AT_ONCE = 10_000, 1_000
"""Rows that one call looks through for what no index finds: looks are a hundred times as many as changes."""

_LOOKING = frozenset({"compare", "explain", "export", "find", "follow", "list", "quote", "show"})
"""How the names of operations begin that change nothing."""


class AuditQuery(Struct, forbid_unknown_fields=True):
    """Whose rows, about whom, of which action, from when on and until when, and where to go on."""

    sub: Annotated[str, Meta(max_length=255, description="a person's `sub`")] | None = None
    member: Annotated[int, Meta(ge=0, description="a member's number")] | None = None
    action: Annotated[str, Meta(max_length=64, description="the operation, as this description names it")] | None = None
    only: Annotated[Literal["changes"], Meta(description="`changes`: looks are left out")] | None = None
    since: Annotated[str, Meta(max_length=40, description="RFC 3339")] | None = None
    until: Annotated[str, Meta(max_length=40, description="RFC 3339; rows of this instant are left out")] | None = None
    before: Annotated[str, Meta(pattern=r"^[0-9]{1,18}\Z", description="`next` of the last answer")] | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class AuditShown(Struct, frozen=True, kw_only=True):
    """One row: who did what, to which member or thing, and what came of it. `hash` chains it to the row before."""

    position: int
    at: str
    sub: str
    name: str
    roles: str
    action: str
    member: int | None
    object: str
    outcome: str
    request_id: str
    hash: str


class AuditPage(Struct, frozen=True):
    """Rows, newest first. `next` is null at the end. With `action` or `only`, or with `sub` and `member`, a page may
    have few rows, or none, and go on: `searched_to` is there where 10,000 rows had less than was asked for, and says
    how far back was looked.
    """

    rows: list[AuditShown]
    next: str | None
    searched_to: str | UnsetType = UNSET


class PeopleQuery(Struct, forbid_unknown_fields=True):
    """Where to go on."""

    after: Annotated[str, Meta(max_length=255, description="`next` of the last answer")] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class PersonSeen(Struct, frozen=True, kw_only=True):
    """A person who did something here, with the name and the roles that the sign-in gave last, and when that was."""

    sub: str
    name: str
    roles: list[str]
    last_seen: str


class PeoplePage(Struct, frozen=True):
    """People in the order of their `sub`. `next` is null at the end."""

    people: list[PersonSeen]
    next: str | None


@route("GET", "/audit", access=Access(("audit:read",)), answers={200: AuditPage}, problems=(LedgerUnavailable,))
async def show_audit(request: Request, query: AuditQuery) -> Response:
    """List what people looked at and changed, newest first. Looking at the log is in the log."""
    return Response(200, await page_of(request, query))


@route(
    "GET",
    "/audit/own",
    access=Access(("members:read", "audit:read")),
    answers={200: AuditPage},
    problems=(LedgerUnavailable,),
    audited=False,
)
async def show_own_audit(request: Request, query: AuditQuery) -> Response:
    """List what the caller did, newest first: `sub` is the caller's own, whatever is asked."""
    own = "" if request.caller.person is None else request.caller.person.sub
    query.sub = own
    return Response(200, await page_of(request, query))


@route("GET", "/audit/people", access=Access(("audit:read",)), answers={200: PeoplePage}, problems=(LedgerUnavailable,))
async def show_people(request: Request, query: PeopleQuery) -> Response:
    """List the people who are in the log: nobody gives roles here, so these are what their sign-ins said."""
    rows = await request.services.ledger.audit_people(after=query.after, limit=query.limit + 1)
    people = [
        PersonSeen(sub=row.act.sub, name=row.act.name, roles=row.act.roles.split(), last_seen=format_instant(row.at))
        for row in rows[: query.limit]
    ]
    return Response(200, PeoplePage(people, people[-1].sub if len(rows) > query.limit else None))


async def page_of(request: Request, query: AuditQuery) -> AuditPage:
    """A page of the log."""
    before = None if query.before is None else int(query.before)
    if query.only is not None or query.action is not None or (query.sub is not None and query.member is not None):
        return await _searched(request, query, before)
    rows = await _rows(request, query, before, query.limit + 1)
    shown = [_shown(row) for row in rows[: query.limit]]
    return AuditPage(shown, str(shown[-1].position) if len(rows) > query.limit else None)


def is_look(act: Act) -> bool:
    """Whether nothing was to be changed: a look, a search, or a question what a change would do."""
    verb, _, of_what = act.action.partition("_")
    return act.outcome == "checked" or (verb in _LOOKING and bool(of_what))  # `show` alone shows a member on boards


def _is_asked_for(query: AuditQuery, act: Act) -> bool:
    return (
        (query.action is None or act.action == query.action)
        and (query.member is None or act.member == query.member)
        and (query.only is None or not is_look(act))
    )


async def _searched(request: Request, query: AuditQuery, before: int | None) -> AuditPage:
    """A page of what no index finds. Costs by the rows that are looked at."""
    shown: list[AuditShown] = []
    last: AuditRow | None = None
    for _ in range(MOST_LOOKED_AT // AT_ONCE):
        rows = await _rows(request, query, before, AT_ONCE)
        for row in rows:
            if len(shown) == query.limit:
                return AuditPage(shown, str(before))
            last, before = row, row.position
            if _is_asked_for(query, row.act):
                shown.append(_shown(row))
        if len(rows) < AT_ONCE:
            return AuditPage(shown, None)
    return AuditPage(shown, str(before), UNSET if last is None else format_instant(last.at))


async def _rows(request: Request, query: AuditQuery, before: int | None, limit: int) -> list[AuditRow]:
    """Rows of one person, or else about one member, or all: what an index finds."""
    return await request.services.ledger.audit(
        sub=query.sub,
        member=query.member if query.sub is None else None,
        since=None if query.since is None else parse_instant(query.since, "since"),
        until=None if query.until is None else parse_instant(query.until, "until"),
        before=before,
        limit=limit,
    )


def _shown(row: AuditRow) -> AuditShown:
    act = row.act
    return AuditShown(
        position=row.position,
        at=format_instant(row.at),
        sub=act.sub,
        name=act.name,
        roles=act.roles,
        action=act.action,
        member=act.member,
        object=act.object,
        outcome=act.outcome,
        request_id=act.request_id,
        hash=row.hash.hex(),
    )


ROUTES = (show_audit, show_own_audit, show_people)
