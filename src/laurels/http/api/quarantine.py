"""The work list: documents that could not be awarded, until somebody decides."""

import re
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from laurels.awarding.causes import CAUSES, cause_of
from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, NotFound
from laurels.http.api.contents import said_in
from laurels.http.api.moves import Reason
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import retry_quarantined as put_back
from laurels.ledger import DocumentKey, QuarantinedDocument
from laurels.ledger.audit import about_member
from laurels.model import DocumentKind
from laurels.model.times import format_instant

DECIDE = Access(("quarantine:write",))
MOST_LOOKED_AT, AT_ONCE = 5_000, 500
_ADDRESS = re.compile(r"[^\s\"<>(),;:@]+(?:@|\\+u0040|%40)[^\s\"<>(),;:@]+", re.IGNORECASE)
"""Also where its sign is spelt as JSON or an address on the web may spell it."""
_PATH = "/quarantine/{kind}/{source}/{id}"
Cause = Annotated[str, Meta(description="why documents wait, in a word", extra_json_schema={"enum": list(CAUSES)})]


class QuarantineQuery(Struct, forbid_unknown_fields=True):
    """Of one cause, of one kind of document, of one source; where to go on, and how far."""

    cause: Cause | None = None
    kind: DocumentKind | None = None
    source: Annotated[str, Meta(max_length=255)] | None = None
    after: Annotated[int, Meta(ge=0, description="`next` of the last answer")] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class CausesQuery(Struct, forbid_unknown_fields=True):
    """How far to count."""

    most: Annotated[int, Meta(ge=1, le=MOST_LOOKED_AT, description="so many documents are counted")] = MOST_LOOKED_AT


class DropForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why it is given up."""

    reason: Annotated[Reason, Meta(min_length=1)]


class QuarantinedShown(Struct, frozen=True, kw_only=True):
    """A document in quarantine, and why it is there: `cause` is one of few, `reason` says it of this document. `member`
    is the number of whose it is; null: of nobody who is enrolled.
    """

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    member: int | None
    cause: Cause
    reason: str
    since: str


class QuarantinedWhole(Struct, frozen=True, kw_only=True):
    """The same with what it says: its fields, and the text as it was received (null where it is kept no more)."""

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    member: int | None
    cause: Cause
    reason: str
    since: str
    actor: str | None
    content: Any
    received: str | None


class WaitingPage(Struct, frozen=True):
    """Documents in quarantine, the oldest first. `next` is null at the end; where one cause, kind or source was asked
    for, a page may have few documents, or none, and go on.
    """

    documents: list[QuarantinedShown]
    next: int | None


class CauseShown(Struct, frozen=True):
    """How many documents wait for one cause, and since when the oldest of them."""

    cause: Cause
    documents: int
    oldest: str


class CausesShown(Struct, frozen=True):
    """Causes, the most frequent first. `all`: every document was counted; else the oldest ones were."""

    causes: list[CauseShown]
    all: bool


class Decided(Struct, frozen=True):
    """What became of it: `accepted`, to be tried again, or `dropped`."""

    status: str


@route("GET", "/quarantine", access=DECIDE, answers={200: WaitingPage}, problems=(LedgerUnavailable,))
async def list_quarantine(request: Request, query: QuarantineQuery) -> Response:
    """List documents that could not be awarded, the oldest first. At most 5,000 are looked at in one call."""
    check_cause(query.cause)
    shown: list[QuarantinedShown] = []
    after, looked = query.after, 0
    while looked < MOST_LOOKED_AT:
        found = await request.services.ledger.quarantine(after=after, limit=query.limit)
        for document in found:
            if len(shown) == query.limit:
                return Response(200, WaitingPage(shown, after))
            after = document.sequence
            shown += [each for each in [_shown(document)] if _is_asked_for(query, each)]
        if len(found) < query.limit:
            return Response(200, WaitingPage(shown, None))
        looked += len(found)
    return Response(200, WaitingPage(shown, after))


@route(
    "GET",
    "/quarantine/reasons",
    access=DECIDE,
    answers={200: CausesShown},
    problems=(LedgerUnavailable,),
    audited=False,
)
async def count_quarantine(request: Request, query: CausesQuery) -> Response:
    """Tell for which causes documents wait, how many and since when. At most 5,000 are looked at."""
    counted: dict[str, CauseShown] = {}
    after, looked = 0, 0
    while looked < query.most:
        at_once = min(AT_ONCE, query.most - looked)
        found = await request.services.ledger.quarantine(after=after, limit=at_once)
        for document in found:
            cause, since = cause_of(document.reason), format_instant(document.quarantined_at)
            was = counted.get(cause, CauseShown(cause, 0, since))
            counted[cause] = CauseShown(cause, was.documents + 1, min(was.oldest, since))
            after = document.sequence
        looked += len(found)
        if len(found) < at_once:
            break
    causes = sorted(counted.values(), key=lambda each: (-each.documents, each.cause))
    return Response(200, CausesShown(causes, looked < query.most))


@route("GET", _PATH, access=DECIDE, answers={200: QuarantinedWhole}, problems=(NotFound, LedgerUnavailable))
async def show_quarantined(request: Request) -> Response:
    """Show a document in quarantine as it was received, and what was read from it. A person without the right to
    addresses is shown none.
    """
    document = await request.services.ledger.quarantined(*_key(request))
    if document.member is not None:
        about_member(document.member)
    return Response(
        200,
        QuarantinedWhole(
            **msgspec.structs.asdict(_shown(document)),
            actor=document.actor,
            content=said_in(document.content),
            received=_received(document.raw, whole=request.caller.may_see_contact) if document.raw else None,
        ),
    )


@route(
    "POST",
    f"{_PATH}/retry",
    access=DECIDE,
    answers={200: Decided},
    problems=(NotFound, InvalidInput, Conflict, LedgerUnavailable),
)
async def retry_quarantined(request: Request) -> Response:
    """Try a document again: it goes back to where it came in, and is judged by the rules as they are now.

    A message of a queue is read anew: 422 or 409 where nothing was fixed, and it stays here.
    """
    await put_back(request.services.ledger, request.services.intake, *_key(request), now=request.services.now())
    return Response(200, Decided("accepted"))


@route("POST", f"{_PATH}/drop", access=DECIDE, answers={200: Decided}, problems=(NotFound, LedgerUnavailable))
async def drop_quarantined(request: Request, form: DropForm) -> Response:
    """Give a document up for good. Its id stays used. It cannot be undone. The reason goes with its member; what is
    nobody's keeps none.
    """
    await request.services.ledger.drop(*_key(request), actor=request.caller.actor, why=form.reason)
    return Response(200, Decided("dropped"))


def check_cause(cause: str | None) -> str | None:
    """A cause that was sent. Raises `InvalidInput` for one that there is not: for that nothing would ever wait."""
    if cause not in {None, *CAUSES}:
        raise InvalidInput.of("cause", f"must be one of {', '.join(CAUSES)}")
    return cause


def _is_asked_for(query: QuarantineQuery, document: QuarantinedShown) -> bool:
    return (
        query.cause in {None, document.cause}
        and query.kind in {None, document.kind}
        and query.source in {None, document.source}
    )


def _key(request: Request) -> DocumentKey:
    """What the path names. Raises `NotFound` for a kind that there is not, and for a NUL, which PostgreSQL has in no
    text: nothing can be there.
    """
    source, id_ = request.ids["source"], request.ids["id"]
    if "\0" in source + id_:
        raise NotFound
    try:
        return DocumentKind(request.ids["kind"]), source, id_
    except ValueError as error:
        raise NotFound from error


def _received(raw: bytes, *, whole: bool) -> str:
    """What was received; but for addresses, where not `whole`: JSON is written anew for that, so that no escape hides
    one.
    """
    if whole:
        return raw.decode("utf-8", "replace")
    with suppress(msgspec.DecodeError):
        raw = msgspec.json.encode(msgspec.json.decode(raw))
    return _ADDRESS.sub("…@…", raw.decode("utf-8", "replace"))


def _shown(document: QuarantinedDocument) -> QuarantinedShown:
    return QuarantinedShown(
        sequence=document.sequence,
        kind=document.kind,
        source=document.source,
        id=document.id,
        member=document.member,
        cause=cause_of(document.reason),
        reason=document.reason,
        since=format_instant(document.quarantined_at),
    )


ROUTES = (list_quarantine, count_quarantine, show_quarantined, retry_quarantined, drop_quarantined)
