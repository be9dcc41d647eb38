"""How a request becomes an answer: who asks, whether they may, what is asked, and only then the work.

Nothing here knows a web framework. `app.py` has Litestar around it, `fast.py` has nothing.
"""

from collections.abc import Awaitable, Callable, Mapping

from laurels.http.auth import Auth, Caller
from laurels.http.house import House
from laurels.http.query import parse_query
from laurels.http.routes import Answer, Call, Headers, Route
from laurels.intake import decode
from laurels.model.ids import check_id

ANYONE = Caller("")


async def no_body() -> bytes:
    """The body of a request that has none."""
    return b""


class Answerer:
    """Answers requests to one house."""

    def __init__(self, house: House, auth: Auth) -> None:
        self.house = house
        self._auth = auth

    async def answer(
        self,
        route: Route,
        ids: Mapping[str, str],
        headers: Headers,
        query: bytes,
        body: Callable[[], Awaitable[bytes]] = no_body,
    ) -> Answer:
        """The answer to one request. `body` is called only where the route takes one, and everything before it is in
        order. Raises what `problems.py` has a status for.
        """
        caller = ANYONE
        if route.access is not None:
            caller = self._auth.caller(headers.all(b"authorization"))
            route.access.admit(caller, ids.get("member_id"))
        for name, value in ids.items():
            if name.endswith("_id"):
                check_id(value, name)
        inputs: dict[str, object] = {}
        if route.query is not None:
            inputs["query"] = parse_query(route.query, query)
        raw = await body() if route.takes_body else b""
        if route.form is not None:
            inputs["form"] = decode(route.form, raw)
        return await route.handle(Call(house=self.house, caller=caller, ids=ids, headers=headers, raw=raw), **inputs)
