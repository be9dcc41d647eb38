"""The work list: documents that could not be awarded, until somebody decides."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from laurels.errors import Conflict, InvalidInput, LedgerUnavailable, NotFound
from laurels.http.api.moves import Reason
from laurels.http.routes import Access, Request, Response, route
from laurels.intake import retry_quarantined as put_back
from laurels.ledger import DocumentKey, QuarantinedDocument
from laurels.model import DocumentKind
from laurels.model.times import format_instant

DECIDE = Access(("quarantine:write",))
_PATH = "/quarantine/{kind}/{source}/{id}"


class QuarantineQuery(Struct, forbid_unknown_fields=True):
    """Where to go on, and how far."""

    after: Annotated[int, Meta(ge=0, description="`next` of the last answer")] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class DropForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why it is given up."""

    reason: Annotated[Reason, Meta(min_length=1)]


class QuarantinedShown(Struct, frozen=True, kw_only=True):
    """A document in quarantine, and why it is there."""

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    reason: str
    since: str


class QuarantinedWhole(Struct, frozen=True, kw_only=True):
    """The same with what it says: its fields, and the text as it was received (null where it is kept no more)."""

    sequence: int
    kind: DocumentKind
    source: str
    id: str
    reason: str
    since: str
    actor: str | None
    content: Any
    received: str | None


class WaitingPage(Struct, frozen=True):
    """Documents in quarantine, the oldest first. `next` is null at the end."""

    documents: list[QuarantinedShown]
    next: int | None


class Decided(Struct, frozen=True):
    """What became of it: `accepted`, to be tried again, or `dropped`."""

    status: str


@route("GET", "/quarantine", access=DECIDE, answers={200: WaitingPage}, problems=(LedgerUnavailable,))
async def list_quarantine(request: Request, query: QuarantineQuery) -> Response:
    """List documents that could not be awarded, the oldest first."""
    found = await request.services.ledger.quarantine(after=query.after, limit=query.limit + 1)
    shown = [_shown(document) for document in found[: query.limit]]
    return Response(200, WaitingPage(shown, shown[-1].sequence if len(found) > query.limit else None))


@route("GET", _PATH, access=DECIDE, answers={200: QuarantinedWhole}, problems=(NotFound, LedgerUnavailable))
async def show_quarantined(request: Request) -> Response:
    """Show a document in quarantine as it was received, and what was read from it."""
    document = await request.services.ledger.quarantined(*_key(request))
    return Response(
        200,
        QuarantinedWhole(
            **msgspec.structs.asdict(_shown(document)),
            actor=document.actor,
            content=_read(document.content),
            received=document.raw.decode("utf-8", "replace") if document.raw else None,
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
    """Give a document up for good. Its id stays used. It cannot be undone."""
    await request.services.ledger.drop(*_key(request), actor=f"{request.caller.actor}: {form.reason}")
    return Response(200, Decided("dropped"))


def _key(request: Request) -> DocumentKey:
    """What the path names. Raises `NotFound` for a kind that there is not: nothing can be there."""
    try:
        return DocumentKind(request.ids["kind"]), request.ids["source"], request.ids["id"]
    except ValueError as error:
        raise NotFound from error


def _read(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content) if content else None
    except msgspec.DecodeError:  # that may be why it is here
        return None


def _shown(document: QuarantinedDocument) -> QuarantinedShown:
    return QuarantinedShown(
        sequence=document.sequence,
        kind=document.kind,
        source=document.source,
        id=document.id,
        reason=document.reason,
        since=format_instant(document.quarantined_at),
    )


ROUTES = (list_quarantine, show_quarantined, retry_quarantined, drop_quarantined)
