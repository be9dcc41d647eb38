"""The events, for services that ask for them rather than being told."""

from typing import Annotated

from msgspec import Meta, Struct

from laurels.errors import EventsMoved, FeedDiverged, LedgerUnavailable
from laurels.events import Cursor, Event, read_events
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger import Ledger
from laurels.model import Mark


class EventsQuery(Struct, forbid_unknown_fields=True):
    """Where to go on, and how far."""

    after: Annotated[str, Meta(max_length=20_000, description="`next` of the last answer")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class EventList(Struct, frozen=True):
    """Events in order for each member, those of at most `limit` entries. `next` is where to go on; `more` says whether
    there is something now.
    """

    events: list[Event]
    next: str
    more: bool


@route(
    "GET",
    "/events",
    access=Access(("events:read",)),
    answers={200: EventList},
    problems=(EventsMoved, LedgerUnavailable),
)
async def list_events(request: Request, query: EventsQuery) -> Response:
    """List point entries as events, from the beginning or behind a cursor: once or more, in order for each member.

    Keep `next` with what you did with the events. After a restore of the ledger a cursor may be of entries that are no
    more: 409, and a reader begins anew.
    """
    ledger = request.services.ledger
    cursor = Cursor({}) if query.after is None else Cursor.parse(query.after)
    try:
        listed = await _read(ledger, cursor, query.limit)
    except FeedDiverged as error:
        raise EventsMoved from error
    return Response(200, listed)


async def _read(ledger: Ledger, cursor: Cursor, limit: int) -> EventList:
    heads = await ledger.heads()
    events: list[Event] = []
    marks: dict[int, Mark] = {}
    left = limit
    for shard in sorted(heads.marks):
        mark = cursor.mark(shard)
        entries, found = await read_events(ledger, shard, mark, left, heads) if left else ([], [])
        if entries:
            mark = Mark(entries[-1].position, entries[-1].hash)
            events += [event for _, event in found]
            left -= len(entries)
        marks[shard] = mark
    more = any(mark.position < heads.marks[shard].position for shard, mark in marks.items())
    return EventList(events, str(Cursor.at(marks)), more)


ROUTES = (list_events,)
