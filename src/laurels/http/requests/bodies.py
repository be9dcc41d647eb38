"""Reading a request's body: what it may be, and how much of it; every road reads it by the same rules."""

from laurels.errors import InvalidInput, TooLarge, WrongMediaType
from laurels.http.asgi import Receive
from laurels.http.routes import MEGABYTE, Headers, Route

JSON_TYPES = frozenset({"", "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"})

_SAYS_NOTHING, _SAYS_NOTHING_BYTES = frozenset({b"", b"{}", b"null"}), 100


def expected_bytes(route: Route, headers: Headers) -> int:
    """How long the body will be as its headers say, else the most that it may be. Raises `WrongMediaType`, `TooLarge`;
    nothing is read for that.
    """
    media_type = headers.get(b"content-type") or ""
    if media_type not in JSON_TYPES and media_type.partition(";")[0].strip().lower() not in JSON_TYPES:
        raise WrongMediaType
    if (headers.get(b"content-encoding") or "identity").strip().lower() != "identity":
        raise WrongMediaType("A compressed body is not taken: send it without `Content-Encoding`.")
    most = route.most_bytes
    length = headers.get(b"content-length")
    if length is None:
        return most if headers.get(b"transfer-encoding") is not None else 0
    size = int(length)  # the server below checked that it is a number
    if size > most:
        raise _too_large(most)
    return size


async def read_body(route: Route, receive: Receive) -> bytes:
    """The body as received, and an empty object where there is none and none is needed. Raises `InvalidInput`, and
    `TooLarge` before more is read than the route takes.
    """
    return checked_body(route, await _received(receive, route.most_bytes))


def checked_body(route: Route, raw: bytes) -> bytes:
    """A body that was received; an empty object where there is none and none is needed. Raises `InvalidInput`."""
    if raw.strip():
        return raw
    if route.needs_body:
        raise InvalidInput.of("body", "is required")
    return b"{}"


async def refuse_body(headers: Headers, receive: Receive) -> None:
    """Raise `InvalidInput` for a body that is sent to a call which takes none: what it asks for would be ignored. One
    that says nothing is as good as none.
    """
    if int(headers.get(b"content-length") or 0) == 0 and headers.get(b"transfer-encoding") is None:
        return
    try:
        raw = await _received(receive, _SAYS_NOTHING_BYTES)
    except TooLarge:
        raw = b"more"
    if raw.strip() not in _SAYS_NOTHING:
        raise InvalidInput.of("body", "is not taken by this call; leave it out")


async def _received(receive: Receive, most: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ended_early()
    first: bytes = message.get("body", b"")
    if len(first) > most:
        raise _too_large(most)
    if not message.get("more_body", False):
        return first
    whole = bytearray(first)  # grows in one place: pieces that are kept would lie strewn over four times the memory
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ended_early()
        whole += message.get("body", b"")
        if len(whole) > most:
            raise _too_large(most)
    return bytes(whole)


def _ended_early() -> InvalidInput:
    """The client went away; nobody will read this."""
    return InvalidInput.of("body", "ended too early")


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most // MEGABYTE} MB, the most that this address takes.")
