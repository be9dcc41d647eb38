"""The HTTP room put together: routes on the web framework, and around it what every answer carries."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

import laurels
from laurels.errors import LaurelsError
from laurels.http import adjustments, bulk, dashboards, live, members, orders, points, refunds, service
from laurels.http.answering import Answerer
from laurels.http.auth import Auth
from laurels.http.beside import NOTHING, Beside
from laurels.http.cors import sharing
from laurels.http.counting import count_accepted
from laurels.http.door import Door
from laurels.http.envelope import Envelope
from laurels.http.express import Express
from laurels.http.fast import FastLane
from laurels.http.files import File, answer_file, read_files
from laurels.http.limits import Limits
from laurels.http.live import EventsResponse
from laurels.http.openapi import openapi
from laurels.http.problems import answer_problem
from laurels.http.routes import Answer, Events, Headers, Route
from laurels.http.services import Services

ROUTES = (
    *orders.ROUTES,
    *refunds.ROUTES,
    *bulk.ROUTES,
    *dashboards.ROUTES,
    *live.ROUTES,
    *points.ROUTES,
    *adjustments.ROUTES,
    *members.ROUTES,
)
"""The API, in the order of its documentation."""


class Application(NamedTuple):
    """The ASGI application, and the express that a server of ours asks before it."""

    asgi: ASGIApp
    express: Express


def create_app(services: Services, auth: Auth, beside: Beside = NOTHING) -> ASGIApp:
    """The ASGI application over services that are built. It opens and closes nothing.

    Raises `SettingsError` for an `http.cors_origins` that is none.
    """
    return create_application(services, auth, beside).asgi


def create_application(services: Services, auth: Auth, beside: Beside = NOTHING) -> Application:
    """The same, with its express."""
    services.intake.on_receipts = count_accepted
    services.points.on_receipts = count_accepted
    described = [*ROUTES, *service.ROUTES]
    document = msgspec.json.encode(openapi(described, laurels.__version__))
    # ECMA's regular expressions, which JSON Schema uses, know no \Z; their $ means just that.
    api = [*described, service.openapi_route(document.replace(rb"\\Z", b"$")), *beside.routes]
    pages = {"/": "index.html", "/docs": "docs.html", **beside.pages}
    answerer = Answerer(services, Door(auth, Limits(services.settings.http.rate_limit_per_minute, services.now)), api)
    app = Litestar(
        [
            *(_options(path, methods) for path, methods in _methods(api).items()),
            *(_handler(route, answerer) for route in api),
            _file_handler(read_files(pages)),
        ],
        exception_handlers={LaurelsError: _problem, Exception: _problem},
        openapi_config=None,
        logging_config=None,
    )
    shared = sharing(services.settings.http.cors_origins, ROUTES)
    return Application(Envelope(FastLane(app, answerer), shared), Express(answerer, shared))


def _handler(route: Route, answerer: Answerer) -> HTTPRouteHandler:
    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        scope = request.scope
        headers = Headers(scope["headers"])
        answer = await answerer.answer(route, scope, request.path_params, headers, request.receive)
        return _response(answer)

    return HTTPRouteHandler(
        _path(route),
        http_method=route.method,
        name=f"{route.method} {route.path}",
        request_max_body_size=None,  # `read_body` holds the sizes
        status_code=HTTPStatus.OK,
    )(handle)


def _response(answer: Answer) -> Response[bytes]:
    if isinstance(answer.body, Events):
        return EventsResponse(answer)
    return Response(answer.encoded, status_code=answer.status, headers=answer.headers, media_type=answer.media_type)


def _problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _response(answer_problem(request.scope, error))


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


def _file_handler(files: Mapping[str, File]) -> HTTPRouteHandler:
    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        scope = request.scope
        return _response(answer_file(files[scope["path_template"]], Headers(scope["headers"])))

    return HTTPRouteHandler([*files], http_method=["GET", "HEAD"], name="files", status_code=HTTPStatus.OK)(handle)
