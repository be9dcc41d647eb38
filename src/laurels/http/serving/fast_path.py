"""The fast path: a member's own dashboard, answered on the connection itself, before anything of ASGI is built.

It answers only what needs no wait: a plain GET that arrived in one piece, a token that was checked lately, the member's
own address, a board that can be read at once. Every other request goes through the full pipeline. Both count, limit and
tag alike; a test holds their answers to be the same, byte for byte.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from laurels import clock
from laurels.dashboard import Encoded
from laurels.errors import InvalidInput
from laurels.http.admission.cors import Sharing, headers_of
from laurels.http.api.dashboards import CACHED, DashboardQuery, checksum, etag, matches, show_dashboard
from laurels.http.dispatcher import Dispatcher
from laurels.http.middleware import SECURITY_HEADERS, request_id
from laurels.http.native import IS_INSTALLED, core
from laurels.http.requests.paths import read_part
from laurels.http.requests.query import parse_query
from laurels.http.serving.hot_routes import LOYALTY
from laurels.http.serving.request_head import plain_head as plain_head_in_python

Headers = Sequence[tuple[bytes, bytes]]

plain_head = core.plain_head if IS_INSTALLED else plain_head_in_python

_OK_STATUS, _NOT_MODIFIED_STATUS = 200, 304
"""Plain numbers: those of `HTTPStatus` take ten times as long to look up and to count by."""
_MOST_QUERY_BYTES = 200


def header_lines(headers: Headers) -> bytes:
    """Headers as they go over the wire."""
    return b"".join(b"%s: %s\r\n" % header for header in headers)


CACHED_LINES = header_lines([(name.lower().encode(), value.encode()) for name, value in CACHED.items()])
SECURITY_LINES = header_lines(SECURITY_HEADERS)
_OK = (
    b"HTTP/1.1 200 OK\r\n%betag: %b\r\n"
    + CACHED_LINES
    + b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
    + SECURITY_LINES
    + b"%b%b\r\n%b"
)
_NOT_MODIFIED = (
    b"HTTP/1.1 304 Not Modified\r\n%betag: %b\r\n"
    + CACHED_LINES
    + b"x-request-id: %b\r\n"
    + SECURITY_LINES
    + b"%b%b\r\n"
)


class FastPath:
    """Answers dashboards that can be read at once. One for each server."""

    def __init__(self, dispatcher: Dispatcher, shared: Sharing | None, prefix: str = "") -> None:
        """What is `shared` with pages of other origins is so here too. `prefix` is what a proxy may have left before
        each path.
        """
        self._shared = shared
        self._prefix = prefix.encode("ascii")
        self._starts = (b"GET " + LOYALTY, b"GET " + self._prefix + LOYALTY)
        self._admission = dispatcher.admission
        self._dashboards = dispatcher.services.dashboards
        self._meter = dispatcher.meters[show_dashboard.method, show_dashboard.path]
        self._server_lines: tuple[Headers, bytes] = (), b""

    def answer(self, data: bytes, server_headers: Headers) -> bytes | None:
        """The whole answer to the request that `data` is, as bytes for the connection; None: the full pipeline has to.

        `server_headers` is what the server adds to every answer, the very same list until it is another one. Costs some
        10 us, reading the board included.
        """
        began = clock.elapsed()
        if not data.startswith(self._starts):
            return None
        head = plain_head(data)
        if head is None:
            return None
        path, raw_query, authorization, sent_tag, sent_id, origin = head
        asked = self._asked(path, raw_query, authorization)
        shown = None if asked is None else self._shown(*asked)
        if asked is None or shown is None:
            return None
        member_id, query = asked
        left = self._admission.limits.member(member_id)
        if left.wait:
            return None
        tag = etag(shown.as_of, shown.body, query.checksum)
        is_known = sent_tag is not None and matches(sent_tag.decode("ascii"), tag)
        self._meter.count(_NOT_MODIFIED_STATUS if is_known else _OK_STATUS, clock.elapsed() - began)
        told = b"ratelimit: %b\r\n" % header if (header := left.header) else b""
        lines, id_ = self._lines_of(server_headers), request_id(sent_id)
        for_page = b"" if self._shared is None else header_lines(headers_of(self._shared, origin or b""))
        if is_known:
            return _NOT_MODIFIED % (lines, tag.encode(), id_, told, for_page)
        return _OK % (lines, tag.encode(), len(shown.body), id_, told, for_page, shown.body)

    def _asked(self, path: bytes, raw_query: bytes, authorization: bytes | None) -> tuple[str, "_Query"] | None:
        """Whose dashboard, where it is the own one, and which; None for everything else."""
        if authorization is None or len(raw_query) > _MOST_QUERY_BYTES:
            return None
        caller = self._admission.remembered(authorization)
        part = path.removeprefix(self._prefix)[len(LOYALTY) :]
        if caller is None or b"/" in part:
            return None
        member_id = read_part(part.decode("ascii"))
        if member_id is None or caller.member_id != member_id:
            return None
        query = _read(raw_query)
        return None if query is None else (member_id, query)

    def _shown(self, member_id: str, query: "_Query") -> Encoded | None:
        try:
            return self._dashboards.at_hand(member_id, query.board, top=query.top, around=query.around)
        except Exception:  # noqa: BLE001 - the full pipeline meets it too, and says why
            return None

    def _lines_of(self, server_headers: Headers) -> bytes:
        if server_headers is not self._server_lines[0]:
            self._server_lines = server_headers, header_lines(server_headers)
        return self._server_lines[1]


class _Query(NamedTuple):
    """What a query string asks for."""

    board: str
    top: int
    around: int
    checksum: int


@lru_cache(maxsize=1024)
def _read(raw: bytes) -> _Query | None:
    """What a query string asks for; None where that takes a wait, or is wrong."""
    try:
        query = parse_query(DashboardQuery, raw)
    except InvalidInput:
        return None
    if query.min_version is not None:
        return None
    return _Query(query.board, query.top, query.around, checksum(query))
