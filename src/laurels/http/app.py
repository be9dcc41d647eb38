"""The HTTP room put together: routes on the web framework, and around it what every answer carries."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp

import laurels
from laurels.errors import InvalidInput, LaurelsError, TooLarge, WrongMediaType
from laurels.http import bulk, dashboards, members, orders, points, refunds, service
from laurels.http.auth import Auth, Caller
from laurels.http.door import Door
from laurels.http.envelope import Envelope
from laurels.http.house import House
from laurels.http.limits import Limits
from laurels.http.openapi import openapi
from laurels.http.problems import answer_problem
from laurels.http.query import parse_query
from laurels.http.routes import BULK_BYTES, MEGABYTE, SINGLE_BYTES, Call, Route
from laurels.intake import decode
from laurels.metrics import DASHBOARD_SECONDS, Meter
from laurels.model.ids import check_id

ROUTES = (*orders.ROUTES, *refunds.ROUTES, *bulk.ROUTES, *dashboards.ROUTES, *points.ROUTES, *members.ROUTES)
"""The API, in the order of its documentation."""

WEB = Path(laurels.__file__).parent / "web"
JSON_TYPES = frozenset({"", "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"})
ANYONE = Caller("")


def create_app(house: House, auth: Auth) -> ASGIApp:
    """The ASGI application over a house that is built. It opens and closes nothing."""
    door = Door(auth, Limits(house.settings.http_rate_limit_per_minute, house.now))
    described = [*ROUTES, *service.ROUTES]
    document = msgspec.json.encode(openapi(described, laurels.__version__))
    # ECMA's regular expressions, which JSON Schema uses, know no \Z; their $ means just that.
    api = [*described, service.openapi_route(document.replace(rb"\\Z", b"$"))]
    app = Litestar(
        [
            *(_options(path, methods) for path, methods in _methods(api).items()),
            *(_handler(route, house, door) for route in api),
            _page("/", "index.html"),
            _page("/docs", "docs.html"),
            create_static_files_router("/web", [WEB]),
        ],
        exception_handlers={LaurelsError: answer_problem, Exception: answer_problem},
        openapi_config=None,
        logging_config=None,
    )
    return Envelope(app)


def _handler(route: Route, house: House, door: Door) -> HTTPRouteHandler:
    meter = Meter(route.method, route.path, DASHBOARD_SECONDS if route is dashboards.show_dashboard else None)

    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        request.scope["state"]["meter"] = meter
        return await _answer(route, request, house, door)

    return HTTPRouteHandler(
        _path(route),
        http_method=route.method,
        name=f"{route.method} {route.path}",
        request_max_body_size=BULK_BYTES if route.bulk_of is not None else SINGLE_BYTES,
        status_code=HTTPStatus.OK,
    )(handle)


def _options(path: str, methods: Sequence[str]) -> HTTPRouteHandler:
    """What a path takes. The framework's own answer names one method where several routes share a path."""

    async def options() -> Response[None]:
        return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"Allow": ", ".join([*methods, "OPTIONS"])})

    return HTTPRouteHandler(path, http_method="OPTIONS", name=f"OPTIONS {path}", status_code=HTTPStatus.NO_CONTENT)(
        options
    )


def _methods(routes: Sequence[Route]) -> dict[str, list[str]]:
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(_path(route), []).append(route.method)
    return methods


def _path(route: Route) -> str:
    """The path as the framework spells it."""
    return re.sub(r"{(\w+)}", r"{\1:str}", route.path)


async def _answer(route: Route, request: Request[Any, Any, Any], house: House, door: Door) -> Response[bytes]:
    """From a request to its answer: who asks, whether they may, what is asked, and only then the work."""
    ids: Mapping[str, str] = request.path_params
    caller = ANYONE
    if route.access is not None:
        caller = await door.caller(request.scope)
        route.access.admit(caller, ids.get("member_id"))
    for name, value in ids.items():
        if name.endswith("_id"):
            check_id(value, name)
    inputs: dict[str, object] = {}
    if route.query is not None:
        inputs["query"] = parse_query(route.query, request.scope["query_string"])
    raw = await _body(request, route) if route.takes_body else b""
    if route.form is not None:
        inputs["form"] = decode(route.form, raw)
    call = Call(house=house, limits=door.limits, caller=caller, ids=ids, headers=request.headers, raw=raw)
    answer = await route.handle(call, **inputs)
    return Response(
        answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body),
        status_code=answer.status,
        headers=answer.headers,
        media_type=answer.media_type,
    )


async def _body(request: Request[Any, Any, Any], route: Route) -> bytes:
    """The body as received. Raises `TooLarge` before it reads more than the route takes."""
    media_type, _ = request.content_type
    if media_type not in JSON_TYPES or "content-encoding" in request.headers:
        raise WrongMediaType
    try:
        raw = await request.body()
    except RequestEntityTooLarge as error:
        limit = (BULK_BYTES if route.bulk_of is not None else SINGLE_BYTES) // MEGABYTE
        raise TooLarge(f"The body is larger than {limit} MB, the most that this address takes.") from error
    except InternalServerException as error:  # the client went away; nobody will read this
        raise InvalidInput.of("body", "ended too early") from error
    if not raw.strip():
        raise InvalidInput.of("body", "is required")
    return raw


def _page(path: str, file: str) -> HTTPRouteHandler:
    content = (WEB / file).read_bytes()

    async def page() -> Response[bytes]:
        return Response(content, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})

    return HTTPRouteHandler(path, http_method="GET", name=path)(page)
