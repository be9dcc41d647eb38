"""Live dashboards over HTTP: server-sent events, each one the whole answer that a read at that moment would give.

Read them with `fetch` streaming, which can send the token in a header; an `EventSource` would want it in the address.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from msgspec.structs import replace

from laurels.dashboard import Board, Dashboard, Live, to_json
from laurels.errors import BoardNotReady, UnknownBoard, UnknownMember, VersionNotReached
from laurels.http.api.dashboards import BoardQuery, DashboardQuery, PlacesQuery, read_board, read_dashboard
from laurels.http.routes import Access, Events, Request, Response, route

MEDIA_TYPE = "text/event-stream"
UNCACHED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""No cache may keep the events, no proxy hold them back."""

SIGN_OF_LIFE = b": still here\n\n"

Watched = TypeVar("Watched", Board, Dashboard)


@route(
    "GET",
    "/loyalty/{member_id}/live",
    access=Access(("members:read",), members="own"),
    answers={200: Dashboard},
    media_type=MEDIA_TYPE,
    problems=(UnknownMember, UnknownBoard, VersionNotReached, BoardNotReady),
    headers={"Last-Event-ID": "the last `id` or `as_of` seen: begin at or after it; waits up to 200 ms"},
)
async def follow_dashboard(request: Request, query: PlacesQuery) -> Response:
    """Follow a member's dashboard: server-sent events, at once and then whenever it is another one.

    At most 4 a second; what changed in between is skipped, the newest never. A comment after 15 s without an event. The
    stream ends with the token.
    """
    asked = DashboardQuery(query.board, query.top, query.around)
    seen = request.headers.get(b"last-event-id")
    dashboards = request.services.dashboards

    def read(query: DashboardQuery = asked) -> Awaitable[Dashboard]:
        return read_dashboard(dashboards, request.caller, request.ids["member_id"], query)

    if seen:
        # Another process may be behind the one that this client heard before. From here on there is only this one.
        dashboards.versions.read(seen, "Last-Event-ID", by_member=request.caller.member_id is not None)
        await read(replace(asked, min_version=seen))
    return await _events(request, read)


@route(
    "GET",
    "/leaderboard/{board}/live",
    access=Access(members="any"),
    answers={200: Board},
    problems=(UnknownBoard, BoardNotReady),
    media_type=MEDIA_TYPE,
    audited=False,
)
async def follow_board(request: Request, query: BoardQuery) -> Response:
    """Follow the top of a board, as server-sent events."""
    return await _events(
        request, lambda: read_board(request.services.dashboards, request.caller, request.ids["board"], query)
    )


async def _events(request: Request, read: Callable[[], Awaitable[Watched]]) -> Response:
    # What is refused is refused with a status, before the stream begins.
    await read()
    request.limits.check_streams(request.caller.member_id)
    counted = request.limits.stream(request.caller.member_id)
    live = request.services.live
    return Response(200, Events(_frames(live, read), live, request.caller.expires, counted), UNCACHED, MEDIA_TYPE)


async def _frames(live: Live, read: Callable[[], Awaitable[Watched]]) -> AsyncGenerator[bytes, None]:
    async with aclosing(live.follow(read)) as answers:
        async for answer in answers:
            yield SIGN_OF_LIFE if answer is None else f"id: {answer.as_of}\ndata: ".encode() + to_json(answer) + b"\n\n"


ROUTES = (follow_dashboard, follow_board)
