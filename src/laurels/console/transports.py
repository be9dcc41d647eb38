"""How a request reaches the API: an application in this process, or an address."""

from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import unquote

import httpx
from litestar.types import ASGIApp

Pairs = list[tuple[bytes, bytes]]

HOST = b"localhost"
"""What the API in this process is called by."""

_NEVER_ASKED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Where these are raised, Laurels has seen nothing."""

_NOTHING = 500


class Answer(NamedTuple):
    """What came back."""

    status: int
    media_type: str
    request_id: str
    content: bytes


class NotAsked(Exception):
    """Laurels was not reached, and has seen nothing."""


class BrokenOff(Exception):
    """Laurels was reached, and did not answer."""


class Transport(Protocol):
    """One road to the API. Leave it as a context, or close it."""

    async def ask(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Answer:
        """Send a request whose path and query are percent-encoded. Raises `NotAsked`, `BrokenOff`."""
        ...

    async def aclose(self) -> None:
        """Let go of what it holds."""
        ...

    async def __aenter__(self) -> Self:
        """Itself."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


class _Closing:
    """A context that closes itself."""

    async def aclose(self) -> None:
        """Let go of what it holds."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AppTransport(_Closing):
    """Calls an ASGI application. An HTTP client in between would cost a page of four questions a third of its time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def ask(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Answer:
        """What the application answers; an error that it lets through is a server's error."""
        request = _Request(body)
        length = [(b"content-length", b"%d" % len(body))] if body or method == "POST" else []
        scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [(b"host", HOST), *headers, *length],
            "server": ("localhost", None),
            "client": ("127.0.0.1", 0),
        }
        try:
            await self._app(scope, request.receive, request.send)
        except Exception:  # noqa: BLE001 - whatever it was: the application has logged it
            return Answer(_NOTHING, "", "", b"")
        return request.answer()


class _Request:
    """One request to an application, and what it answers."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = _NOTHING
        self._headers: dict[bytes, bytes] = {}
        self._content: list[bytes] = []

    async def receive(self) -> Any:
        """The body, once; whoever asks again hears that nobody is there any more."""
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Keep a part of the answer."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], dict(message["headers"])
        elif message["type"] == "http.response.body":
            self._content.append(message["body"])

    def answer(self) -> Answer:
        """The whole."""
        kind, request_id = (
            self._headers.get(name, b"").decode("latin-1") for name in (b"content-type", b"x-request-id")
        )
        return Answer(self._status, kind, request_id, b"".join(self._content))


class HttpTransport(_Closing):
    """Asks at an address."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._http = httpx.AsyncClient(base_url=address, timeout=timeout_s, trust_env=False)

    async def ask(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Answer:
        """What is answered there."""
        target = f"{path}?{query}" if query else path
        try:
            answer = await self._http.request(method, target, headers=headers, content=body or None)
        except _NEVER_ASKED as error:
            raise NotAsked from error
        except httpx.HTTPError as error:
            raise BrokenOff from error
        kind, request_id = (answer.headers.get(name, "") for name in ("content-type", "x-request-id"))
        return Answer(answer.status_code, kind, request_id, answer.content)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()
