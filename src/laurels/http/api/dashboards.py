"""The reads that everybody makes: a member's dashboard, and the top of a board.

The dashboard is the one hot read, so its steps are plain functions: read the query, read
the board, encode, compare tags.
"""

from contextlib import suppress
from functools import lru_cache
from typing import Annotated
from zlib import crc32

from msgspec import Meta, Struct

from laurels.dashboard import Board, Dashboard, Dashboards, to_json
from laurels.errors import BoardNotReady, UnknownBoard, UnknownMember, VersionNotReached
from laurels.http.admission.callers import Caller
from laurels.http.routes import Access, Headers, Request, Response, route

BoardName = Annotated[str, Meta(max_length=64, description="`all-time`, `month` or `month:YYYY-MM`")]
Top = Annotated[int, Meta(ge=0, le=100, description="places from the top")]
Around = Annotated[int, Meta(ge=0, le=50, description="neighbours above and below")]
MinVersion = Annotated[
    str,
    Meta(
        max_length=6000,
        description="an `as_of`: wait up to 200 ms for it",
        extra_json_schema={"pattern": "^[0-9A-Za-z._-]+$"},
    ),
]

READ = "members:read"
"""The scope that may read every member's dashboard, so there is nothing to keep from it."""

CACHED = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
"""A browser may keep the answer, and asks each time whether it still holds."""


class PlacesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which board, and how much of it."""

    board: BoardName = "all-time"
    top: Top = 10
    around: Around = 2


class DashboardQuery(PlacesQuery, frozen=True, forbid_unknown_fields=True):
    """Which board, how much of it, and how new at least."""

    min_version: MinVersion | None = None


class BoardQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the board."""

    top: Top = 10


@route(
    "GET",
    "/loyalty/{member_id}",
    access=Access((READ,), members="own"),
    answers={200: Dashboard, 304: None},
    problems=(UnknownMember, UnknownBoard, VersionNotReached, BoardNotReady),
    headers={"If-None-Match": "the `ETag` of the last answer: 304 where nothing changed"},
)
async def show_dashboard(request: Request, query: DashboardQuery) -> Response:
    """Show a member's dashboard: the top, the own place, and the neighbours above and below, all of one version."""
    dashboards, caller, member_id = request.services.dashboards, request.caller, request.ids["member_id"]
    if caller.member_id is not None and query.min_version is None:
        with suppress(BoardNotReady):
            read = dashboards.try_read(member_id, query.board, top=query.top, around=query.around)
            if read is not None:
                return answer(read.as_of, read.body, query, request.headers)
    dashboard = await read_dashboard(dashboards, caller, member_id, query)
    return answer(dashboard.as_of, to_json(dashboard), query, request.headers)


@route(
    "GET",
    "/leaderboard/{board}",
    access=Access(members="any"),
    answers={200: Board, 304: None},
    problems=(UnknownBoard, BoardNotReady),
    headers={"If-None-Match": "the `ETag` of the last answer: 304 where nothing changed"},
    audited=False,
)
async def show_board(request: Request, query: BoardQuery) -> Response:
    """Show the top of a board under proxy names."""
    shown = await read_board(request.services.dashboards, request.caller, request.ids["board"], query)
    return answer(shown.as_of, to_json(shown), query, request.headers)


async def read_dashboard(dashboards: Dashboards, caller: Caller, member_id: str, query: DashboardQuery) -> Dashboard:
    """The dashboard of a member for an admitted caller. A member who never ordered sees an empty place; a service that
    asks for an unknown member raises `UnknownMember`.
    """
    is_member = caller.member_id is not None
    wanted = query.min_version
    return await dashboards.member(
        member_id,
        query.board,
        top=query.top,
        around=query.around,
        min_version=None if wanted is None else dashboards.versions.read(wanted, by_member=is_member),
        must_exist=not is_member,
        whole=READ in caller.scopes,
        sealed=is_member,
    )


async def read_board(dashboards: Dashboards, caller: Caller, board: str, query: BoardQuery) -> Board:
    """The top of a board for an admitted caller."""
    return await dashboards.board(
        board, top=query.top, whole=READ in caller.scopes, sealed=caller.member_id is not None
    )


def answer(as_of: str, body: bytes, query: Struct, headers: Headers) -> Response:
    """The encoded answer with its tag; 304 without a body where the client has it already."""
    tag = etag(as_of, body, checksum(query))
    with_tag = {"ETag": tag, **CACHED}
    sent = headers.get(b"if-none-match")
    if sent is not None and matches(sent, tag):
        return Response(304, b"", with_tag)
    return Response(200, body, with_tag)


def etag(as_of: str, body: bytes, query: int) -> str:
    """The tag of an answer: another one for another `as_of`, another query (its `checksum`), and when it becomes stale.

    The checksum is over the body too, for what `as_of` and the query do not say: `month` turns into another month, and
    a restored ledger gives an `as_of` a second time.
    """
    return f'"{as_of}-{crc32(body, query):08x}"'


@lru_cache(maxsize=1024)
def checksum(query: Struct) -> int:
    """What tells one query from another."""
    return crc32(repr(query).encode())


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a client that sent this `If-None-Match` has the answer with this tag."""
    sent = (one.strip().removeprefix("W/") for one in if_none_match.split(","))
    return any(one in {tag, "*"} for one in sent)


ROUTES = (show_dashboard, show_board)
