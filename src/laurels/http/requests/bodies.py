"""Reading a request's body: what it may be, and how much of it. Needs no web framework, so that every road reads it by
the same rules.
"""

from typing import Any

from laurels.errors import InvalidInput, TooLarge, WrongMediaType
from laurels.http.asgi import Receive
from laurels.http.routes import BULK_BYTES, MEGABYTE, SINGLE_BYTES, Headers, Route

JSON_TYPES = frozenset({"", "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"})


async def read_body(route: Route, headers: Headers, receive: Receive) -> bytes:
    """The body as received, and an empty object where there is none and none is needed. Raises `WrongMediaType`,
    `InvalidInput`, and `TooLarge` before more is read than the route takes.
    """
    media_type, _, _ = (headers.get(b"content-type") or "").partition(";")
    if media_type.strip().lower() not in JSON_TYPES:
        raise WrongMediaType
    if (headers.get(b"content-encoding") or "identity").strip().lower() != "identity":
        raise WrongMediaType("A compressed body is not taken: send it without `Content-Encoding`.")
    most = BULK_BYTES if route.bulk_of is not None else SINGLE_BYTES
    length = headers.get(b"content-length")
    if length is not None and int(length) > most:  # the server below checked that it is a number
        raise _too_large(most)
    raw = await _received(receive, most)
    if raw.strip():
        return raw
    if route.needs_body:
        raise InvalidInput.of("body", "is required")
    return b"{}"


async def _received(receive: Receive, most: int) -> bytes:
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":  # the client went away; nobody will read this
            raise InvalidInput.of("body", "ended too early")
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise _too_large(most)
        pieces.append(piece)
        more = message.get("more_body", False)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most // MEGABYTE} MB, the most that this address takes.")
