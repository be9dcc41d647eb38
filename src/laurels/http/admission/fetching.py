"""Fetching what an identity provider publishes: one GET over HTTP/1.1, within a time and a size that hold whatever the
other side does.

asyncio's own timeout ends it wherever it stands: in the name look-up, the handshake, the head, or a body that drips.
The libraries for this bound each read instead, so a byte now and then holds them for as long as it likes.
"""

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import SplitResult

import httptools

MOST_BYTES = 256 * 1024
"""A longer answer is not a set of keys."""

_HEAD_BYTES = 32 * 1024
_OK = 200


async def fetch(url: SplitResult, within_s: float) -> bytes:
    """The body behind an address: of an answer 200, no redirect followed, at most `MOST_BYTES`.

    Raises `OSError` (`TimeoutError` after `within_s`) or `ValueError`, saying what was wrong and nothing of what was
    answered.
    """
    assert url.hostname is not None, "the address was checked"
    secure = ssl.create_default_context() if url.scheme == "https" else None
    port = url.port or (443 if secure else 80)
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection(url.hostname, port, ssl=secure)
        try:
            writer.write(_request(url))
            return await _body(reader)
        finally:
            writer.close()
            with suppress(OSError):
                writer.transport.abort()


def _request(url: SplitResult) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    name = url.hostname or ""
    host = f"[{name}]" if ":" in name else name.encode("idna").decode("ascii")
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host if url.port is None else f'{host}:{url.port}'}",
        "Accept: application/json",
        "Connection: close",
        "",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


async def _body(reader: asyncio.StreamReader) -> bytes:
    answer = _Answer()
    parser = answer.parser
    received = 0
    while not answer.is_whole:
        piece = await reader.read(1 << 16)
        received += len(piece)
        if not piece:
            answer.end()
        elif received > MOST_BYTES + _HEAD_BYTES:
            raise ValueError(f"answered more than {MOST_BYTES} bytes")
        else:
            _feed(parser, piece)
    if parser.get_status_code() != _OK:
        raise ValueError(f"answered {parser.get_status_code()}")
    if len(answer.body) > MOST_BYTES:
        raise ValueError(f"answered more than {MOST_BYTES} bytes")
    return bytes(answer.body)


def _feed(parser: httptools.HttpResponseParser, piece: bytes) -> None:
    try:
        parser.feed_data(piece)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise ValueError("answered what is not HTTP") from error


class _Answer:
    """What the parser finds."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body = bytearray()
        self.is_whole = False
        self._has_head = False
        self._has_length = False

    def on_header(self, name: bytes, _: bytes) -> None:
        """Note whether the answer says where it ends."""
        self._has_length |= name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        """Note the head."""
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        """Take a piece."""
        self.body += body

    def on_message_complete(self) -> None:
        """Note the end; hints that are sent before the answer (1xx) are none."""
        if self.parser.get_status_code() >= _OK:
            self.is_whole = True
        else:
            self._has_head = self._has_length = False

    def end(self) -> None:
        """The other side hung up. Raises `ValueError` unless that is how its answer ends."""
        if not self._has_head or self._has_length:
            raise ValueError("hung up within the answer")
        self.is_whole = True
