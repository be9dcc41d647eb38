"""The HTTP application put together: routes on the web framework, and around it what every answer carries."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import litestar
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Method
from msgspec.structs import replace

import laurels
from laurels import logs
from laurels.errors import LaurelsError, NotFound
from laurels.http.admission.admission import Admission
from laurels.http.admission.auth import Auth
from laurels.http.admission.cors import Sharing, sharing
from laurels.http.admission.limits import STREAMS_IN_ALL, Limits
from laurels.http.api import (
    adjustments,
    attributes,
    audit_log,
    balances,
    bulk,
    campaigns,
    customers,
    dashboards,
    events,
    finance,
    holds,
    jobs,
    live,
    members,
    orders,
    outbox,
    people,
    points,
    programs,
    proposals,
    quarantine,
    quotes,
    refunds,
    reports,
    search,
    service,
    status,
    timelines,
    transfers,
)
from laurels.http.api.live import EventsResponse
from laurels.http.counting import count_accepted
from laurels.http.dispatcher import Dispatcher
from laurels.http.middleware import Middleware
from laurels.http.mounts import NOTHING, Mounts
from laurels.http.openapi.document import openapi
from laurels.http.problems import answer_problem
from laurels.http.requests.prefix import check_prefix
from laurels.http.routes import Events, Headers, Response, Route
from laurels.http.services import Services
from laurels.http.serving.fast_path import FastPath
from laurels.http.serving.files import File, answer_file, read_files
from laurels.http.serving.hot_routes import HotRoutes
from laurels.metrics import LOG_LINES_LEFT_OUT

ROUTES = (
    *orders.ROUTES,
    *refunds.ROUTES,
    *bulk.ROUTES,
    *dashboards.ROUTES,
    *live.ROUTES,
    *points.ROUTES,
    *balances.ROUTES,
    *adjustments.ROUTES,
    *events.ROUTES,
    *search.ROUTES,
    *customers.ROUTES,
    *timelines.ROUTES,
    *audit_log.ROUTES,
    *status.ROUTES,
    *reports.ROUTES,
    *quarantine.ROUTES,
    *proposals.ROUTES,
    *jobs.ROUTES,
    *people.ROUTES,
    *programs.ROUTES,
    *campaigns.ROUTES,
    *outbox.ROUTES,
    *finance.ROUTES,
    *quotes.ROUTES,
    *holds.ROUTES,
    *transfers.ROUTES,
    *attributes.ROUTES,
    *members.ROUTES,
)
"""The API, in the order of its documentation."""


NUMBER = "number"
"""What stands before a member's number in a path."""

_MEMBERS = "/members/"


class Application(NamedTuple):
    """The ASGI application, and the fast path that a server of ours asks before it; `metrics` where they have a port of
    their own.
    """

    asgi: ASGIApp
    fast_path: FastPath
    dispatcher: Dispatcher
    shared: Sharing | None
    metrics: ASGIApp | None = None


def create_app(services: Services, auth: Auth, mounts: Mounts = NOTHING) -> ASGIApp:
    """The ASGI application over services that are built. It opens and closes nothing.

    Raises `SettingsError` for an `http.cors_origins` or `http.root_path` that is none.
    """
    return create_application(services, auth, mounts).asgi


def create_application(
    services: Services, auth: Auth, mounts: Mounts = NOTHING, most_connections: int = 2 * STREAMS_IN_ALL
) -> Application:
    """The same, with its fast path. Of the connections that a server takes at most half may be streams."""
    services.intake.on_receipts = count_accepted
    services.points.on_receipts = count_accepted
    logs.left_out = LOG_LINES_LEFT_OUT.inc
    settings = services.settings
    own_port = settings.http.metrics_port is not None
    described = [*ROUTES, *(one for one in service.ROUTES if one is not service.show_metrics or not own_port)]
    document = msgspec.json.encode(openapi(described, laurels.__version__, settings.http.root_path))
    # ECMA's regular expressions, which JSON Schema uses, know no \Z; their $ means just that.
    api = [*described, service.openapi_route(document.replace(rb"\\Z", b"$")), *mounts.routes]
    files = read_files({"/": "index.html", "/docs": "docs.html", **mounts.pages}, settings.http.root_path)
    check_prefix(settings.http.root_path, [*(route.path for route in api), *files])
    limits = Limits(settings.http.rate_limit_per_minute, services.now, most_streams=max(1, most_connections // 2))
    dispatcher = Dispatcher(services, Admission(auth, limits), [*api, service.show_metrics])
    app = _framework([*_of_routes(api, dispatcher), _file_handler(files)])
    shared = sharing(settings.http.cors_origins, ROUTES)
    return Application(
        Middleware(HotRoutes(app, dispatcher), shared, settings.http.root_path),
        FastPath(dispatcher, shared, settings.http.root_path),
        dispatcher,
        shared,
        Middleware(_framework(_of_routes([service.show_metrics], dispatcher))) if own_port else None,
    )


def _framework(handlers: Sequence[HTTPRouteHandler]) -> Litestar:
    return Litestar(
        handlers,
        exception_handlers={LaurelsError: _problem, Exception: _problem},
        openapi_config=None,
        logging_config=None,
    )


def _of_routes(routes: Sequence[Route], dispatcher: Dispatcher) -> list[HTTPRouteHandler]:
    called_number = _of_one_called_number(routes)
    return [
        *(_options(path, methods) for path, methods in _methods([*routes, *called_number.values()]).items()),
        *(_handler(route, dispatcher) for route in routes),
        *(_handler(routes[place], dispatcher, route) for place, route in called_number.items()),
    ]


def _of_one_called_number(routes: Sequence[Route]) -> dict[int, Route]:
    """The routes of a member again, by their places, for the one whose id is `number`: below that word the calls by
    member number begin, and the framework takes the word before any id.
    """
    of_member = f"{_MEMBERS}{{member_id}}"
    return {
        place: replace(route, path=f"{_MEMBERS}{NUMBER}{route.path.removeprefix(of_member)}")
        for place, route in enumerate(routes)
        if route.path.startswith(of_member)
    }


def _handler(route: Route, dispatcher: Dispatcher, called_number: Route | None = None) -> HTTPRouteHandler:
    """The framework's handler of a route; with `called_number` at that one's path, which names the member already."""
    at = route if called_number is None else called_number
    named = {} if called_number is None else {"member_id": NUMBER}
    spelling = re.compile(re.sub(r"{\w+}", "[^/]+", route.path))

    async def handle(request: litestar.Request[Any, Any, Any]) -> litestar.Response[bytes]:
        scope = request.scope
        headers = Headers(scope["headers"])
        # The framework takes /metrics/, //metrics and /%6detrics for /metrics; a rule of a proxy in front does not.
        if route.access is None and not spelling.fullmatch(scope["raw_path"].decode("latin-1")):
            raise NotFound
        answer = await dispatcher.answer(route, scope, {**request.path_params, **named}, headers, request.receive)
        return _response(answer)

    return HTTPRouteHandler(
        _path(at),
        http_method=_methods_of(route),
        name=f"{at.method} {at.path}",
        request_max_body_size=None,  # `read_body` holds the sizes
        status_code=HTTPStatus.OK,
    )(handle)


def _response(answer: Response) -> litestar.Response[bytes]:
    if isinstance(answer.body, Events):
        return EventsResponse(answer)
    return litestar.Response(
        answer.encoded, status_code=answer.status, headers=answer.headers, media_type=answer.media_type
    )


def _problem(request: litestar.Request[Any, Any, Any], error: Exception) -> litestar.Response[bytes]:
    return _response(answer_problem(request.scope, error))


def _options(path: str, methods: Sequence[str]) -> HTTPRouteHandler:
    """What a path takes. The framework's own answer names one method where several routes share a path."""

    async def options() -> litestar.Response[None]:
        return litestar.Response(
            None, status_code=HTTPStatus.NO_CONTENT, headers={"Allow": ", ".join([*methods, "OPTIONS"])}
        )

    return HTTPRouteHandler(path, http_method="OPTIONS", name=f"OPTIONS {path}", status_code=HTTPStatus.NO_CONTENT)(
        options
    )


def _methods(routes: Sequence[Route]) -> dict[str, list[str]]:
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(_path(route), []).extend(_methods_of(route))
    return methods


def _methods_of(route: Route) -> list[Method]:
    """What a route takes: where no token is needed, whoever only looks whether it is there may use HEAD."""
    return ["GET", "HEAD"] if route.access is None and route.method == "GET" else [route.method]


def _path(route: Route) -> str:
    """The path as the framework spells it."""
    return re.sub(r"{(\w+)}", r"{\1:str}", route.path)


def _file_handler(files: Mapping[str, File]) -> HTTPRouteHandler:
    async def handle(request: litestar.Request[Any, Any, Any]) -> litestar.Response[bytes]:
        scope = request.scope
        return _response(answer_file(files[scope["path_template"]], Headers(scope["headers"])))

    return HTTPRouteHandler([*files], http_method=["GET", "HEAD"], name="files", status_code=HTTPStatus.OK)(handle)
