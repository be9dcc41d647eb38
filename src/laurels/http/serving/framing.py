"""Where a request's body ends, and an answer as the bytes of a connection."""

import uuid
from http import HTTPStatus

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from laurels.http.problems import MEDIA_TYPE, RETRY_AFTER_S, Problem


def body_bytes(headers: list[tuple[bytes, bytes]]) -> int | None:
    """How long the body is; None where only its end will tell. The parser has checked what is said of it. Raises
    `ValueError` for a body that is coded otherwise than in chunks: it would be taken as it came.
    """
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise ValueError("a body comes in chunks or whole")
            return None
        if name == b"content-length":
            length = int(value)
    return length


def refusal(problem: Problem) -> bytes:
    """A problem as the whole answer, after which the connection is closed."""
    body = msgspec.json.encode(problem)
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",  # a cache may keep 414 for what others ask at the same address
        "connection": "close",
        "x-request-id": uuid.uuid4().hex,
    }
    if problem.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["retry-after"] = str(RETRY_AFTER_S)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[problem.status] + lines.encode("ascii") + b"\r\n" + body
