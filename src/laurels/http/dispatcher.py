"""How a request becomes an answer: which route it is for, who asks, whether they may, what is asked, and only then the
work.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

from laurels.errors import IssuerUnavailable, NotSignedIn, TooManyRequests
from laurels.http.admission.admission import Admission
from laurels.http.admission.callers import Caller
from laurels.http.admission.rights import check_for_people
from laurels.http.api.dashboards import show_dashboard
from laurels.http.asgi import Receive, Scope, Send
from laurels.http.auditing import Auditor
from laurels.http.problems import answer_problem
from laurels.http.requests.bodies import expected_bytes, read_body, refuse_body
from laurels.http.requests.paths import read_part, read_parts
from laurels.http.requests.query import parse_query, refuse_query
from laurels.http.router import Router
from laurels.http.routes import Headers, Request, Response, Route
from laurels.http.sending import send_response
from laurels.http.services import HttpServices
from laurels.http.serving.files import File, answer_file
from laurels.intake import decode
from laurels.metrics import ACCEPT_SECONDS, DASHBOARD_SECONDS, Meter

ANYONE = Caller("")
_LOOKING = ("GET", "HEAD")

_ACCEPTING = ("/order/{order_id}", "/order/{order_id}/refund", "/loyalty/{member_id}/refund")
"""Routes that take one document and answer when it is kept."""


class Dispatcher:
    """The ASGI application below `Middleware`: the one road of every request that Python answers."""

    def __init__(
        self,
        services: HttpServices,
        admission: Admission,
        routes: Sequence[Route],
        files: Mapping[str, File] | None = None,
    ) -> None:
        """`routes` are those that it answers, `files` those by their paths; each route is counted by itself, on its own
        of the `meters`.
        """
        self.services = services
        self.admission = admission
        self.meters = {(route.method, route.path): _meter(route) for route in routes}
        self._auditor = Auditor()
        self._router = Router[Route | File](
            [
                *((method, route.path, route) for route in routes for method in _methods(route)),
                *((method, path, file) for path, file in (files or {}).items() for method in _LOOKING),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._respond(scope, receive)
        except Exception as error:  # noqa: BLE001 - the table of problems has a row for each
            response = answer_problem(scope, error)
        await send_response(response, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        root = scope.get("root_path")
        if root:
            scope["path"] = scope["path"].removeprefix(root) or "/"
        match = self._router.find(scope["path"])
        scope["path_params"] = match.ids
        method, headers = scope["method"], Headers(scope["headers"])
        if method == "OPTIONS":
            return Response(HTTPStatus.NO_CONTENT, b"", {"Allow": match.allow})
        endpoint = match.endpoint(method)
        if isinstance(endpoint, File):
            return answer_file(endpoint, headers)
        return await self.answer(endpoint, scope, match.ids, headers, receive)

    async def answer(
        self,
        route: Route,
        scope: Scope,
        parts: Mapping[str, str],
        headers: Headers,
        receive: Receive,
    ) -> Response:
        """The answer to one request; `parts` are the path's, as they were sent. A body is received only where the route
        takes one, and everything before it is in order. Raises what `problems.py` has a status for.
        """
        state = scope["state"]
        state["meter"] = self.meters[route.method, route.path]
        caller = ANYONE
        if route.access is not None:
            caller = state["caller"] = await self.admission.caller(scope)
            if route.for_members is not None and caller.member_id is not None:
                route = route.for_members
        elif route.asks_who and headers.get(b"authorization") is not None:
            with suppress(NotSignedIn, IssuerUnavailable, TooManyRequests):  # open to all, whatever comes with it
                caller = await self.admission.caller(scope)
        ids = admit(route, caller, parts)
        inputs: dict[str, object] = {}
        if route.query is not None:
            inputs["query"] = parse_query(route.query, scope["query_string"])
        elif route.changes:
            refuse_query(scope["query_string"])
        if route.changes and not route.takes_body:
            await refuse_body(headers, receive)
        room, size = self.admission.limits.bodies, expected_bytes(route, headers) if route.takes_body else 0
        await room.take(caller.member_id, size)
        try:
            raw = await read_body(route, receive) if route.takes_body else b""
            if route.form is not None:
                inputs["form"] = decode(route.form, raw)
            request = Request(
                services=self.services, limits=self.admission.limits, caller=caller, ids=ids, headers=headers, raw=raw
            )
            if caller.person is None or not route.audited:
                return await route.handle(request, **inputs)
            return await self._auditor.answer(route, request, inputs, state.get("request_id", ""))
        finally:
            room.give_back(caller.member_id, size)


def admit(route: Route, caller: Caller, parts: Mapping[str, str]) -> dict[str, str]:
    """Let the caller pass; gives the ids in the path, whose parts are as they were sent. Raises as `Access.admit` and
    `read_parts` do.
    """
    if route.access is not None:
        route.access.admit(caller, read_part(parts.get("member_id", "")))
        check_for_people(caller, route.method, route.handle.__name__)
    return read_parts(parts)


def _methods(route: Route) -> Sequence[str]:
    """What a route takes: where no token is needed, whoever only looks whether it is there may use HEAD."""
    return _LOOKING if route.access is None and route.method == "GET" else (route.method,)


def _meter(route: Route) -> Meter:
    seconds = None
    if route is show_dashboard:
        seconds = DASHBOARD_SECONDS
    elif route.method == "POST" and route.path in _ACCEPTING:
        seconds = ACCEPT_SECONDS
    return Meter(route.method, route.path, seconds)
