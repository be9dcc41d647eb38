"""Messages of everybody: what became of them, and another try."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from laurels.errors import Conflict, LedgerUnavailable, NotFound
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger import MessageState
from laurels.model.times import format_instant

LOOK = Access(("quarantine:write",))


class MessagesQuery(Struct, forbid_unknown_fields=True):
    """In which state (left out: any), and behind which one to go on."""

    state: Literal["due", "held", "sent", "undeliverable", "dropped"] | None = None
    after: Annotated[str, Meta(max_length=64, description="`next` of the last answer")] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class OutboxMessage(Struct, frozen=True, kw_only=True):
    """A message that a milestone decided, to the member with this number (null: nobody who is known by now). `due_at`
    is when it is tried next; `note` why it was not delivered. `dropped`: the member became another one that has the
    same message.
    """

    id: str
    member: int | None
    milestone: str
    points: int
    state: str
    created_at: str
    due_at: str | None
    attempts: int
    note: str


class MessagesPage(Struct, frozen=True):
    """Messages, the oldest first. `next` is null at the end."""

    messages: list[OutboxMessage]
    next: str | None


@route("GET", "/messages", access=LOOK, answers={200: MessagesPage}, problems=(LedgerUnavailable,))
async def list_messages(request: Request, query: MessagesQuery) -> Response:
    """List messages, the oldest first: a page costs what it shows."""
    ledger = request.services.ledger
    found = await ledger.all_messages(state=query.state, after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    numbers = await ledger.numbers_called({each.member_id for each in page if each.member_id is not None})
    shown = [_shown(each, numbers.get(each.member_id or "")) for each in page]
    return Response(200, MessagesPage(shown, page[-1].id if len(found) > query.limit else None))


@route(
    "POST",
    "/messages/{message_id}/retry",
    access=LOOK,
    answers={200: OutboxMessage},
    problems=(NotFound, Conflict, LedgerUnavailable),
)
async def retry_message(request: Request) -> Response:
    """Try a message again, now. 409 for one that was sent, and where there is no address."""
    ledger, id = request.services.ledger, request.ids["message_id"]
    await ledger.retry_message(id)
    message = await ledger.message(id)
    numbers = await ledger.numbers_called([message.member_id] if message.member_id is not None else [])
    return Response(200, _shown(message, numbers.get(message.member_id or "")))


def _shown(message: MessageState, member: int | None) -> OutboxMessage:
    return OutboxMessage(
        id=message.id,
        member=member,
        milestone=message.milestone,
        points=message.points,
        state=message.state,
        created_at=format_instant(message.created_at),
        due_at=format_instant(message.due_at) if message.state == "due" else None,
        attempts=message.attempts,
        note=message.note,
    )


ROUTES = (list_messages, retry_message)
