"""How a request becomes an answer: who asks, whether they may, what is asked, and only then the work.

Nothing here needs a web framework. `app.py` has Litestar around it, `fast.py` has nothing.
"""

from collections.abc import Mapping, Sequence

from litestar.types import Receive, Scope

from laurels.http.bodies import read_body
from laurels.http.callers import Caller
from laurels.http.dashboards import show_dashboard
from laurels.http.door import Door
from laurels.http.house import House
from laurels.http.query import parse_query
from laurels.http.routes import Answer, Call, Headers, Route
from laurels.intake import decode
from laurels.metrics import DASHBOARD_SECONDS, Meter
from laurels.model.ids import check_id

ANYONE = Caller("")


class Answerer:
    """Answers requests to one house."""

    def __init__(self, house: House, door: Door, routes: Sequence[Route]) -> None:
        """`routes` are those that it answers; each is counted by itself, on its own of the `meters`."""
        self.house = house
        self.door = door
        self.meters = {(route.method, route.path): _meter(route) for route in routes}

    async def answer(
        self,
        route: Route,
        scope: Scope,
        ids: Mapping[str, str],
        headers: Headers,
        receive: Receive,
    ) -> Answer:
        """The answer to one request. A body is received only where the route takes one, and everything before it
        is in order. Raises what `problems.py` has a status for.
        """
        scope["state"]["meter"] = self.meters[route.method, route.path]
        caller = ANYONE
        if route.access is not None:
            caller = await self.door.caller(scope)
            if route.for_members is not None and caller.member_id is not None:
                route = route.for_members
        if route.access is not None:
            route.access.admit(caller, ids.get("member_id"))
        for name, value in ids.items():
            if name.endswith("_id"):
                check_id(value, name)
        inputs: dict[str, object] = {}
        if route.query is not None:
            inputs["query"] = parse_query(route.query, scope["query_string"])
        raw = await read_body(route, headers, receive) if route.takes_body else b""
        if route.form is not None:
            inputs["form"] = decode(route.form, raw)
        call = Call(house=self.house, limits=self.door.limits, caller=caller, ids=ids, headers=headers, raw=raw)
        return await route.handle(call, **inputs)


def _meter(route: Route) -> Meter:
    return Meter(route.method, route.path, DASHBOARD_SECONDS if route is show_dashboard else None)
