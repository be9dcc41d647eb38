"""The hot routes: the two that a shop asks for all day, a member's dashboard and an order, without the web framework.

Only plain requests are taken here: a path of just two parts, a host that looks like one. All others go through the
full pipeline, and so does the documentation. Both run the same `Dispatcher`, read bodies by the same rules and word
problems by the same table; a test holds their answers to be the same, byte for byte.
"""

from http import HTTPStatus

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from laurels.http.api.dashboards import show_dashboard
from laurels.http.api.orders import place_order
from laurels.http.dispatcher import Dispatcher
from laurels.http.problems import answer_problem
from laurels.http.routes import Headers, Response
from laurels.http.serving.request_head import is_plain_host

LOYALTY = b"/loyalty/"
_ROUTES = {
    ("GET", "/loyalty"): (show_dashboard, "member_id"),
    ("POST", "/order"): (place_order, "order_id"),
}


class HotRoutes:
    """An ASGI application before another one, which gets every request that is not plainly one of the two."""

    def __init__(self, app: ASGIApp, dispatcher: Dispatcher) -> None:
        self._app = app
        self._dispatcher = dispatcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        parent, _, id_ = scope["path"].rpartition("/")
        route, name = _ROUTES.get((scope["method"], parent), (None, ""))
        if route is None or not id_ or not _is_plain(scope):
            await self._app(scope, receive, send)
            return
        scope["path_params"] = {name: id_}
        headers = Headers(scope["headers"])
        try:
            answer = await self._dispatcher.answer(route, scope, scope["path_params"], headers, receive)
        except Exception as error:  # noqa: BLE001 - the table of problems has a row for each
            answer = answer_problem(scope, error)
        await _send(answer, send)


def _is_plain(scope: Scope) -> bool:
    return not scope.get("root_path") and all(
        is_plain_host(value) for name, value in scope["headers"] if name == b"host"
    )


async def _send(answer: Response, send: Send) -> None:
    body = answer.encoded
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.status != HTTPStatus.NOT_MODIFIED:
        headers += [(b"content-type", answer.media_type.encode("ascii")), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
