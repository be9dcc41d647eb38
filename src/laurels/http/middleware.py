"""What every answer carries, whoever gives it: the request's id, what is left of the sender's quota, the headers that
keep browsers safe, and those that let other sites' pages in where the settings say so. What every answer leaves behind:
a count, and where it failed or took long, a line in the log.

Neither count nor line names a member, an order or a path with ids in it: they name the route.
"""

import re
from http import HTTPStatus
from random import Random

import msgspec
import structlog

from laurels import clock
from laurels.http.admission.cors import Pairs, Sharing, headers_for, preflight
from laurels.http.asgi import ASGIApp, Message, Receive, Scope, Send
from laurels.http.problems import MEDIA_TYPE, Refusal, log_fault, problem_of
from laurels.http.requests.paths import path_as_sent
from laurels.http.requests.prefix import take_off
from laurels.http.sending import NOT_KEPT
from laurels.metrics import Meter

SLOW_S = 1.0
"""Answers that took longer to begin are logged."""

_SANE = re.compile(rb"[A-Za-z0-9._:@+=/-]{1,128}\Z")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?\Z")
_FAILED = 500

SECURITY_HEADERS = [
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
"""Sent with every answer that does not bring its own."""

_SECURITY = frozenset(name for name, _ in SECURITY_HEADERS)

_dice = Random()  # noqa: S311 - an id has to be another one each time, it is no secret
log = structlog.get_logger(__name__)


class Middleware:
    """An ASGI application around another one. A client's own sane `X-Request-Id` is kept, else there is a new one.

    What it needs to know of a request it finds in the request's state: `meter` of the route that took it (none: a page,
    or nothing), `rate_limit`, the value of the header `RateLimit`.
    """

    def __init__(self, app: ASGIApp, shared: Sharing | None = None, prefix: str = "") -> None:
        """`shared` with pages of other origins: None costs nothing, anything else some 4 us a request. `prefix` is what
        a proxy may have left before each path.
        """
        self._app = app
        self._shared = shared
        self._prefix = prefix
        self._elsewhere = Meter("any", "other")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            raise ValueError(f"this application speaks HTTP, not {scope['type']}")
        began = clock.elapsed()
        scope["path"] = path_as_sent(scope)
        id_ = request_id(next((value for name, value in scope["headers"] if name == b"x-request-id"), None))
        state = scope.setdefault("state", {})
        state["request_id"] = id_.decode("ascii")
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = [*message["headers"], (b"x-request-id", id_)]
                own = _SECURITY.intersection([name for name, _ in headers])
                headers += [header for header in SECURITY_HEADERS if header[0] not in own] if own else SECURITY_HEADERS
                if "rate_limit" in state:
                    headers.append((b"ratelimit", state["rate_limit"]))
                if self._shared is not None:
                    headers += headers_for(self._shared, scope)
                message["headers"] = headers
                self._note(scope, message["status"], clock.elapsed() - began)
            await send(message)

        try:
            if await self._is_answered(scope, send_with_headers):
                return
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the server below would log it with all that it says
            log_fault(error, state["request_id"])
            if not has_begun:
                await _answer_problem(send_with_headers, error)

    async def _is_answered(self, scope: Scope, send: Send) -> bool:
        """Answer what needs no route; takes the prefix off what does."""
        if not _has_one_host(scope):
            await _answer_problem(send, Refusal(HTTPStatus.BAD_REQUEST))
            return True
        if self._prefix and scope["path"] == self._prefix:
            await _redirect(send, f"{self._prefix}/")
            return True
        if self._prefix:
            take_off(self._prefix, scope)
        if self._shared is not None and (allowed := preflight(self._shared, scope)) is not None:
            await _allow(send, allowed)
            return True
        return False

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        meter: Meter = scope["state"].get("meter", self._elsewhere)
        meter.count(status, seconds)
        if must_log(status, seconds):
            log_answer(meter, scope["state"]["request_id"], status, seconds)


def must_log(status: int, seconds: float) -> bool:
    """Whether an answer has a line in the log."""
    return status >= _FAILED or seconds > SLOW_S


def log_answer(meter: Meter, id_: str, status: int, seconds: float) -> None:
    """Log an answer that failed, or took so many seconds."""
    say = log.warning if status >= _FAILED else log.info
    say(
        "http.answered",
        request_id=id_,
        method=meter.method,
        route=meter.route,
        status=status,
        ms=round(seconds * 1000, 1),
    )


async def _allow(send: Send, headers: Pairs) -> None:
    await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _redirect(send: Send, to: str) -> None:
    headers = [(b"location", to.encode("ascii")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": HTTPStatus.PERMANENT_REDIRECT, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer_problem(send: Send, error: Exception) -> None:
    problem, _ = problem_of(error, "/")
    body = msgspec.json.encode(problem)
    headers = [NOT_KEPT, (b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _has_one_host(scope: Scope) -> bool:
    """Whether a request names one host, as HTTP asks for: with two, or one that is none, each proxy on the way may mean
    another one.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) == 1:
        return _HOST.match(hosts[0]) is not None
    is_old: bool = scope["http_version"] == "1.0"
    return not hosts and is_old


def request_id(sent: bytes | None) -> bytes:
    """The id of a request: the client's own where it is sane, else a new one."""
    return sent if sent is not None and _SANE.match(sent) else b"%032x" % _dice.getrandbits(128)
