"""One request and its answer on a connection, as uvicorn has it, for less of the processor's time.

uvicorn makes an event for each request, and holds a pattern against each name and each value of each header. Here the
event is made where somebody waits for it, and the head of an answer is looked at once, as a whole. What is sent is the
same, byte for byte.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_MAY_STAND = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
"""What a line of a head may hold."""

_names: dict[bytes, bytes] = {}
"""Names of headers that were looked at, with how they are written in small letters. The code names them, no client."""


class Exchange(RequestResponseCycle):
    """One request and its answer."""

    flow: FlowControl

    def __init__(self, connection: HttpToolsProtocol, *, keep_alive: bool) -> None:
        super().__init__(
            scope=connection.scope,
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=Signal(),  # type: ignore[arg-type]  # as much of an event as is asked for
            expect_100_continue=connection.expect_100_continue,
            keep_alive=keep_alive,
            on_response=connection.on_response_complete,
        )

    async def send(self, message: Any) -> None:
        """Send a head, or a piece of a body; what is seldom goes uvicorn's way. Raises `RuntimeError` for a head that
        cannot be sent.
        """
        if self.flow.write_paused or self.disconnected:
            await super().send(message)
        elif not self.response_started and message["type"] == "http.response.start":
            self._begin(message["status"], [*self.default_headers, *message.get("headers", ())])
        elif self._is_whole(message):
            self.transport.write(message["body"])
            self.expected_content_length = 0
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
        else:
            await super().send(message)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines, says_close = [STATUS_LINE[status]], False
        for sent, value in headers:
            name = _names.get(sent) or _checked(sent)
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length, self.chunked_encoding = int(value), False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.expected_content_length, self.chunked_encoding = 0, True
            elif name == b"connection" and b"close" in [token.lower().strip() for token in value.split(b",")]:
                self.keep_alive, says_close = False, True
            lines.append(b"%b: %b\r\n" % (name, value))
        if not self.keep_alive and not says_close:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in {204, 304}:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.translate(None, _MAY_STAND) != b"\r\n" * len(lines):
            raise RuntimeError("Invalid HTTP header value.")
        self.transport.write(head)

    def _is_whole(self, message: Any) -> bool:
        """Whether this is all of a body, as long as the head has said."""
        return (
            self.response_started
            and not self.response_complete
            and self.chunked_encoding is False
            and not message.get("more_body", False)
            and len(message.get("body", b"")) == self.expected_content_length
            and self.scope["method"] != "HEAD"
            and message["type"] == "http.response.body"
        )

    async def receive(self) -> Any:
        """What the client sent: the whole body, where it is here already and was not asked for before."""
        if self.message_event.is_set() and not (
            self.more_body or self.waiting_for_100_continue or self.disconnected or self.response_complete
        ):
            self.flow.resume_reading()
            self.message_event.clear()
            body, self.body = bytes(self.body), bytearray()
            return {"type": "http.request", "body": body, "more_body": False}
        return await super().receive()


class Signal:
    """An `asyncio.Event` that is made where somebody waits."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None
        self._is_set = False

    def is_set(self) -> bool:
        """Whether nobody has to wait."""
        return self._is_set

    def set(self) -> None:
        """Let go who waits, and who comes."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        """Let whoever comes wait."""
        self._is_set = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> None:
        """Wait until it is set."""
        if not self._is_set:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()


def _checked(name: bytes) -> bytes:
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    _names[name] = name.lower()
    return _names[name]
