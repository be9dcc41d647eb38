"""Connections: HTTP/1.1 as uvicorn speaks it with httptools, with the limits that both leave to others.

httptools takes heads of any size, and uvicorn waits for ever for the rest of a request. Here a head has a size, a
request has a time in which to arrive, and what is refused before the application sees it is a problem document too.
"""

import asyncio
import uuid
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.exceptions import HTTPException
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from laurels.http.express import Express
from laurels.http.problems import MEDIA_TYPE, problem_of

MAX_HEAD_BYTES = 32 * 1024
"""Address and headers together: the longest token takes 8 kB of it, the longest `min_version` 6 kB. What arrives in one
piece with an earlier request may be longer, by as much as is read at once."""

HEAD_WITHIN_S = 15.0
"""How long a head may take to arrive, counted from the connection or from its first byte."""

REQUEST_WITHIN_S = 120.0
"""How long a whole request may take to arrive: 16 MB at 1.2 Mbit/s."""

LOOK_EVERY_S = 1.0


class Connection(HttpToolsProtocol):
    """One client's connection. What the `express` has an answer for is answered here; the rest goes to the
    application.
    """

    def __init__(self, express: Express, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._express = express
        self._is_between = True
        self._idle_since: float | None = None
        self._in_head = True
        self._arrived = 0
        self._arriving_since: float | None = None
        self._refusal = HTTPStatus.BAD_REQUEST
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        self._arriving_since = self.loop.time()
        super().connection_made(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self._refused:
            return
        answer = self._express_answer(data)
        if answer is not None:
            self._unset_keepalive_if_required()
            self._arriving_since = None
            self._idle_since = self.loop.time()
            self.server_state.total_requests += 1
            self.transport.write(answer)
            return
        if self._arriving_since is None:
            self._arriving_since = self.loop.time()
            self._idle_since = None
        self._arrived += len(data)
        super().data_received(data)
        if self._in_head and self._arrived > MAX_HEAD_BYTES:
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._is_between = False
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request on, unless its head is too large. The exact sum is taken only where it can matter."""
        if self._arrived > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:
            self._refusal = self._too_large()
            raise ValueError("the head is too large")  # stops the parser, which asks for `send_400_response`
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the request is here."""
        self._is_between = True
        self._arrived = 0
        self._arriving_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says more
        """Refuse what the parser could not take."""
        self._refuse(self._refusal)

    def hurry(self, now: float) -> None:
        """Refuse a request that takes too long to arrive, and close a connection on which none comes. `now` is in
        seconds of the loop's clock.
        """
        if self._idle_since is not None and now - self._idle_since > self.timeout_keep_alive:
            self.transport.close()
            return
        within = HEAD_WITHIN_S if self._in_head or self._refused else REQUEST_WITHIN_S
        if self._arriving_since is None or now - self._arriving_since <= within:
            return
        if self._refused:
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _express_answer(self, data: bytes) -> bytes | None:
        """The answer to a plain request that nothing stands before; None where it goes the long way."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's type leaves out that there is none at first
        if not self._is_between or (cycle is not None and not cycle.response_complete) or self.flow.write_paused:
            return None
        return self._express.answer(data, self.server_state.default_headers)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)

    def _too_large(self) -> HTTPStatus:
        if len(self.url or b"") > MAX_HEAD_BYTES // 2:
            return HTTPStatus.REQUEST_URI_TOO_LONG
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer where nothing else is being answered on this connection, and end it.

        What the client still sends is read and thrown away until it hangs up, at most as long as for a head: closed at
        once, the connection would be reset, and the answer lost on its way.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._arriving_since = self.loop.time()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            nothing_else = True
        else:
            nothing_else = not (self._in_head or self.pipeline or cycle.response_started)
        if nothing_else:
            if cycle is not None:  # whoever is at work on the answer has nobody left to give it to
                cycle.disconnected = True
                cycle.message_event.set()
            self.transport.write(_refusal(status))
            self.transport.write_eof()
        else:
            self.transport.close()


async def hurry_all(connections: AbstractSet[Any]) -> None:
    """Look every second at all connections of a server, until cancelled; nobody waits for the rest of a request."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for connection in list(connections):
            connection.hurry(loop.time())


def _refusal(status: HTTPStatus) -> bytes:
    problem, _ = problem_of(HTTPException(status_code=status), "/")
    body = msgspec.json.encode(problem)
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
        "x-request-id": uuid.uuid4().hex,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[status] + lines.encode("ascii") + b"\r\n" + body
