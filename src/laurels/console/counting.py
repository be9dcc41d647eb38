"""What the console counts of itself: pages by their route, without numbers of customers, how long they took, and whom
it did not let in. No figure names a person.
"""

import time
from collections.abc import Callable
from http import HTTPStatus

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from laurels.metrics import CONSOLE_REQUESTS, CONSOLE_SECONDS, CONTENT_TYPE, counted

_METHODS = frozenset({"GET", "HEAD", "POST"})
_OTHER = "other"


def counting(app: ASGIApp) -> ASGIApp:
    """The same application, whose answers are counted as they begin."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                _count(scope, message["status"], time.perf_counter() - began)
            await send(message)

        await app(scope, receive, send_counted)

    return answer


def _count(scope: Scope, status: int, seconds: float) -> None:
    sent, route = scope.get("method"), scope.get("path_template") or _OTHER
    method = sent if sent in _METHODS else _OTHER
    CONSOLE_REQUESTS.labels(method, route, str(status)).inc()
    if status < HTTPStatus.BAD_REQUEST:
        CONSOLE_SECONDS.labels(method, route).observe(seconds)


def create_figures(own: Callable[[], bytes]) -> ASGIApp:
    """`/metrics`, for which nobody signs in: what was counted, and `own`, what the process tells of itself."""

    async def show() -> Response[bytes]:
        return Response(counted() + own(), media_type=CONTENT_TYPE)

    handler = HTTPRouteHandler("/metrics", http_method="GET", status_code=HTTPStatus.OK)(show)
    return Litestar([handler], openapi_config=None, logging_config=None)
