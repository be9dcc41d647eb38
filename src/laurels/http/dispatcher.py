"""How a request becomes an answer: who asks, whether they may, what is asked, and only then the work.

Nothing here needs a web framework. `app.py` has Litestar around it, `serving/hot_routes.py` has nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from litestar.types import Receive, Scope
from msgspec.structs import replace

from laurels.errors import IssuerUnavailable, NotSignedIn, TooManyRequests
from laurels.http.admission.admission import Admission
from laurels.http.admission.callers import Caller
from laurels.http.admission.rights import check_for_people
from laurels.http.api.dashboards import show_dashboard
from laurels.http.auditing import Auditor
from laurels.http.requests.bodies import expected_bytes, read_body
from laurels.http.requests.paths import read_part, read_parts
from laurels.http.requests.query import parse_query
from laurels.http.routes import Headers, Request, Response, Route
from laurels.http.services import Services
from laurels.intake import decode
from laurels.metrics import ACCEPT_SECONDS, DASHBOARD_SECONDS, Meter

ANYONE = Caller("")

_ACCEPTING = ("/order/{order_id}", "/order/{order_id}/refund", "/loyalty/{member_id}/refund")
"""Routes that take one document and answer when it is kept."""


class Dispatcher:
    """Answers requests."""

    def __init__(self, services: Services, admission: Admission, routes: Sequence[Route]) -> None:
        """`routes` are those that it answers; each is counted by itself, on its own of the `meters`."""
        self.services = services
        self._auditor = Auditor()
        self.admission = admission
        self.meters = {(route.method, route.path): _meter(route) for route in routes}

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
        scope["state"]["meter"] = self.meters[route.method, route.path]
        caller = ANYONE
        if route.access is not None:
            caller = await self.admission.caller(scope)
            if route.for_members is not None and caller.member_id is not None:
                route = route.for_members
        elif route.asks_who and headers.get(b"authorization") is not None:
            with suppress(NotSignedIn, IssuerUnavailable, TooManyRequests):  # open to all, whatever comes with it
                caller = await self.admission.caller(scope)
        if route.access is not None:
            route.access.admit(caller, read_part(parts.get("member_id", "")))
            check_for_people(caller, route.method, route.handle.__name__)
        ids = read_parts(parts)
        inputs: dict[str, object] = {}
        if route.query is not None:
            inputs["query"] = parse_query(route.query, scope["query_string"])
        request = Request(services=self.services, limits=self.admission.limits, caller=caller, ids=ids, headers=headers)
        request_id = scope["state"].get("request_id", "")
        if not route.takes_body:
            return await self._handle(route, request, inputs, request_id)
        room, size = self.admission.limits.bodies, expected_bytes(route, headers)
        await room.take(caller.member_id, size)
        try:
            request = replace(request, raw=await read_body(route, receive))
            if route.form is not None:
                inputs["form"] = decode(route.form, request.raw)
            return await self._handle(route, request, inputs, request_id)
        finally:
            room.give_back(caller.member_id, size)

    async def _handle(self, route: Route, request: Request, inputs: dict[str, object], request_id: str) -> Response:
        if request.caller.person is None or not route.audited:
            return await route.handle(request, **inputs)
        return await self._auditor.answer(route, request, inputs, request_id)


def _meter(route: Route) -> Meter:
    seconds = None
    if route is show_dashboard:
        seconds = DASHBOARD_SECONDS
    elif route.method == "POST" and route.path in _ACCEPTING:
        seconds = ACCEPT_SECONDS
    return Meter(route.method, route.path, seconds)
