"""What machines ask: is it alive, is it ready, and what does it offer."""

import asyncio
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

import laurels
from laurels.errors import BoardNotReady, LedgerUnavailable, NotFound
from laurels.http.api.gauges import ANSWER_WITHIN_S, gauges, own_gauges
from laurels.http.problems import KINDS, ProblemKind
from laurels.http.routes import Request, Response, Route, route
from laurels.http.services import HttpServices
from laurels.leaderboard import ALL_TIME
from laurels.ledger import Heads
from laurels.metrics import CONTENT_TYPE, counted
from laurels.model.times import format_instant
from laurels.role_status import RoleState


class Alive(Struct, frozen=True):
    """The process answers."""

    alive: bool


class RoleShown(Struct, frozen=True):
    """A role that runs on this state directory: `running`, `waiting` (the ledger or the leaderboard is away), `failing`
    (tried again after an error of the kind `error`) or `down` (its process is being started again), since an instant;
    how often it failed or its process died.
    """

    role: str
    state: RoleState
    since: str
    restarts: int
    error: str | None


class Head(Struct, frozen=True):
    """The last entry of a shard: its position, and its hash in hex. A ledger that had this head has to hold it ever
    after.
    """

    shard: int
    position: int
    hash: str


class Ready(Struct, frozen=True):
    """Whether the board serves, and which engines stand behind it. For services also how each role gets on, and the
    ledger's heads while it answers.
    """

    ready: bool
    ledger: str
    leaderboard: str
    version: str
    roles: list[RoleShown] | UnsetType = UNSET
    heads: list[Head] | UnsetType = UNSET


@route("GET", "/healthz", access=None, answers={200: Alive})
async def alive(request: Request) -> Response:  # noqa: ARG001 - every route is given its call
    """Tell that the process answers."""
    return Response(200, Alive(alive=True))


@route("GET", "/readyz", access=None, answers={200: Ready, 503: Ready}, asks_who=True)
async def ready(request: Request) -> Response:
    """Tell whether the board serves: 503 until then. A service's token (with any scope) is also told how the roles get
    on and where the ledger ends.
    """
    services = request.services
    try:
        await services.leaderboard.read(ALL_TIME, None, top=0, around=0)
        serves = True
    except BoardNotReady:
        serves = False
    answer = Ready(serves, services.ledger.name, services.leaderboard.name, laurels.__version__)
    if request.caller.scopes:
        answer = replace(answer, roles=roles_shown(services), heads=await _heads(services))
    return Response(200 if serves else 503, answer)


@route("GET", "/metrics", access=None, answers={200: str}, media_type=CONTENT_TYPE)
async def show_metrics(request: Request) -> Response:
    """Tell Prometheus what was counted, and how much waits. No figure names a member or an order, so no token is
    needed; with `http.metrics_port` they are told at that port alone.
    """
    services = request.services
    own = own_gauges(services.ledger.name, services.leaderboard.name)
    return Response(200, counted() + own + await gauges(services), media_type=CONTENT_TYPE)


@route("GET", "/metrics", access=None, answers={200: str}, media_type=CONTENT_TYPE)
async def show_counted(request: Request) -> Response:
    """Tell Prometheus what was counted, of a process beside those that answer the API: what waits, they tell."""
    own = own_gauges(request.services.ledger.name, request.services.leaderboard.name)
    return Response(200, counted() + own, media_type=CONTENT_TYPE)


def roles_shown(services: HttpServices) -> list[RoleShown]:
    """How each role gets on."""
    return [
        RoleShown(one.role, one.state, format_instant(one.since), one.restarts, one.error)
        for one in services.roles.all()
    ]


async def _heads(services: HttpServices) -> list[Head] | UnsetType:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            heads = await services.ledger.heads()
    except (LedgerUnavailable, TimeoutError):
        return UNSET
    return heads_shown(heads)


def heads_shown(heads: Heads) -> list[Head]:
    """Where each shard ends."""
    return [Head(shard, mark.position, mark.hash.hex()) for shard, mark in sorted(heads.marks.items())]


def openapi_route(document: bytes) -> Route:
    """The route that gives the API's own description."""

    @route("GET", "/openapi.json", access=None, answers={200: dict[str, Any]})
    async def describe(request: Request) -> Response:  # noqa: ARG001 - every route is given its call
        """Describe the API (OpenAPI 3.1)."""
        return Response(200, document)

    return describe


@route("GET", "/problems/{name}", access=None, answers={200: ProblemKind}, problems=(NotFound,))
async def explain_problem(request: Request) -> Response:
    """Tell what the `type` of a problem document means."""
    kind = KINDS.get(request.ids["name"])
    if kind is None:
        raise NotFound
    return Response(200, kind)


ROUTES = (alive, ready, show_metrics, explain_problem)
