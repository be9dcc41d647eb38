"""The one road to everything: the HTTP API, in this process or at an address."""

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from litestar.types import ASGIApp

from laurels.console.sign_in import Person
from laurels.console.transports import Answer, AppTransport, BrokenOff, HttpTransport, NotAsked, Transport
from laurels.console.words import for_people
from laurels.errors import LaurelsError

AT_ONCE = 8
"""Calls of all people together that are under way: the rest waits, so that the console is no load to speak of."""

LOOK_WITHIN_S, CHANGE_WITHIN_S = 20.0, 60.0
"""How long one call may take in all, in this process too: a page that hangs would hold one of the few places."""

_PROBLEM, _JSON = "application/problem+json", "application/json"
_FILES = frozenset({"text/csv", "application/vnd.apache.parquet"})
"""What Laurels answers in. What stands before it, such as somebody's page to sign in, answers otherwise."""

_IN_PATH = "/:@!$&'()*+,;=~%"
"""What stays as it is in a path; what is sent there of people's words is encoded already."""

_DONE, _REFUSED = HTTPStatus.OK // 100, HTTPStatus.BAD_REQUEST // 100
_NO_DOTS = frozenset({".", ".."})


class ApiRefused(LaurelsError):
    """The API refused this."""

    def __init__(self, status: int, kind: str, detail: str, request_id: str, fields: Mapping[str, str]) -> None:
        """`kind` is the last part of the problem's type; `fields` what is wrong with each field of the input."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.request_id = request_id
        self.fields = fields


class ApiAway(LaurelsError):
    """Laurels does not answer now. Nothing was changed."""


class ApiUncertain(ApiAway):
    """Laurels broke off while it was asked for this, so it may be done or not. Send the same form again: it counts
    once, however often.
    """


def client_of(api: ASGIApp | str) -> Transport:
    """What reaches the API: an application in this process, or an address. Close it at the end."""
    return HttpTransport(api, CHANGE_WITHIN_S) if isinstance(api, str) else AppTransport(api)


class Api:
    """Asks the API for people. One for the process."""

    def __init__(self, http: Transport, sign: Callable[[Person], str]) -> None:
        """`sign` makes a person's token, a new one for each page."""
        self._http = http
        self._sign = sign
        self._gate = asyncio.Semaphore(AT_ONCE)

    def for_page(self, person: Person) -> "Asking":
        """What one page asks with: one token, so one look in the audit log."""
        return Asking(self._http, self._gate, self._sign(person))


class Asking:
    """The API as one page asks it."""

    def __init__(self, http: Transport, gate: asyncio.Semaphore, token: str) -> None:
        self._http = http
        self._gate = gate
        self._authorization = b"authorization", f"Bearer {token}".encode("ascii")

    async def get(self, path: str, **query: object) -> Any:
        """An answer's JSON. Raises `ApiRefused`, `ApiAway`."""
        return await self._ask("GET", path, query, None, {})

    async def get_file(self, path: str, **query: object) -> bytes:
        """An answer's bytes. Raises `ApiRefused`, `ApiAway`."""
        answer = await self._send("GET", path, query, None, {})
        if _kind(answer) not in _FILES:
            raise _unheard("GET")
        return answer.content

    async def post(
        self, path: str, body: object | None = None, *, headers: Mapping[str, str] | None = None, **query: object
    ) -> Any:
        """The same of a change. Raises `ApiRefused`, `ApiAway`."""
        return await self._ask("POST", path, query, body, headers or {})

    async def delete(self, path: str) -> Any:
        """The same of what is taken away. Raises `ApiRefused`, `ApiAway`."""
        return await self._ask("DELETE", path, {}, None, {})

    async def _ask(
        self, method: str, path: str, query: Mapping[str, object], body: object | None, headers: Mapping[str, str]
    ) -> Any:
        answer = await self._send(method, path, query, body, headers)
        try:
            return json.loads(answer.content if _kind(answer) == _JSON else b"")
        except (ValueError, RecursionError) as error:
            raise _unheard(method) from error

    async def _send(
        self, method: str, path: str, query: Mapping[str, object], body: object | None, headers: Mapping[str, str]
    ) -> Answer:
        if not _NO_DOTS.isdisjoint(path.split("/")):  # they would lead to another call
            raise ApiRefused(404, "not-found", "There is no such thing.", "", {})
        asked = urlencode({name: str(value) for name, value in query.items() if value is not None}, quote_via=quote)
        sent = [self._authorization, *((name.lower().encode(), value.encode()) for name, value in headers.items())]
        content = b""
        if body is not None:
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            sent.append((b"content-type", b"application/json"))
        try:
            async with self._gate, asyncio.timeout(LOOK_WITHIN_S if method == "GET" else CHANGE_WITHIN_S):
                answer = await self._http.ask(method, quote(path, safe=_IN_PATH), asked, sent, content)
        except NotAsked as error:
            raise ApiAway from error
        except (BrokenOff, TimeoutError) as error:
            raise _unheard(method) from error
        if answer.status // 100 == _DONE:
            return answer
        if answer.status // 100 == _REFUSED or _kind(answer) == _PROBLEM:
            raise _refused(answer)
        raise _unheard(method)  # what stands between here and Laurels has answered


def _kind(answer: Answer) -> str:
    return answer.media_type.partition(";")[0].strip().lower()


def _unheard(method: str) -> ApiAway:
    """What Laurels itself said is not known, and so of a change not whether it was made."""
    return ApiAway() if method == "GET" else ApiUncertain()


def _refused(answer: Answer) -> ApiRefused:
    try:
        problem = json.loads(answer.content)
    except (ValueError, RecursionError):
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    errors = [each for each in problem.get("errors") or [] if isinstance(each, dict)]
    fields = {str(each.get("field", "")): for_people(str(each.get("message", ""))) for each in errors}
    kind = str(problem.get("type", "")).rpartition("/")[2]
    detail = for_people(str(problem.get("detail", f"Laurels answered {answer.status}.")))
    return ApiRefused(answer.status, kind, detail, answer.request_id, fields)
