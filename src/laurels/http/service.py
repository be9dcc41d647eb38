"""What machines ask: is it alive, is it ready, and what does it offer."""

from typing import Any

from msgspec import Struct

import laurels
from laurels.errors import BoardNotReady, NotFound
from laurels.http.gauges import gauges
from laurels.http.problems import KINDS, Kind
from laurels.http.routes import Answer, Call, Route, route
from laurels.leaderboard import ALL_TIME
from laurels.metrics import CONTENT_TYPE, counted


class Alive(Struct, frozen=True):
    """The process answers."""

    alive: bool


class Ready(Struct, frozen=True):
    """Whether the board serves, and which engines stand behind it."""

    ready: bool
    ledger: str
    leaderboard: str
    version: str


@route("GET", "/healthz", access=None, answers={200: Alive})
async def alive(call: Call) -> Answer:  # noqa: ARG001 - every route is given its call
    """Tell that the process answers."""
    return Answer(200, Alive(alive=True))


@route("GET", "/readyz", access=None, answers={200: Ready, 503: Ready})
async def ready(call: Call) -> Answer:
    """Tell whether the board serves: 503 until then."""
    house = call.house
    try:
        await house.leaderboard.read(ALL_TIME, None, top=0, around=0)
        serves = True
    except BoardNotReady:
        serves = False
    answer = Ready(serves, house.ledger.name, house.leaderboard.name, laurels.__version__)
    return Answer(200 if serves else 503, answer)


@route("GET", "/metrics", access=None, answers={200: str}, media_type=CONTENT_TYPE)
async def show_metrics(call: Call) -> Answer:
    """Tell Prometheus what was counted, and how much waits. No figure names a member or an order, so no token is
    needed; with `http.metrics_port` they are told at that port alone.
    """
    return Answer(200, counted() + await gauges(call.house), media_type=CONTENT_TYPE)


def openapi_route(document: bytes) -> Route:
    """The route that gives the API's own description."""

    @route("GET", "/openapi.json", access=None, answers={200: dict[str, Any]})
    async def describe(call: Call) -> Answer:  # noqa: ARG001 - every route is given its call
        """Describe the API (OpenAPI 3.1)."""
        return Answer(200, document)

    return describe


@route("GET", "/problems/{name}", access=None, answers={200: Kind}, problems=(NotFound,))
async def explain_problem(call: Call) -> Answer:
    """Tell what the `type` of a problem document means."""
    kind = KINDS.get(call.ids["name"])
    if kind is None:
        raise NotFound
    return Answer(200, kind)


ROUTES = (alive, ready, show_metrics, explain_problem)
