"""A plain head, as the edge reads it in one step, is what two parsers read that take it apart: httptools, which reads
all requests in Python, and h11, which is written after the grammar.
"""

from urllib.parse import quote

import h11
import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laurels.http.requests.paths import read_part

plain_head = pytest.importorskip(
    "laurels_core", reason="the edge is part of the native core, which is built where there is a cargo"
).plain_head

READ = (b"authorization", b"if-none-match", b"x-request-id", b"origin")
NAMES = ["Host", "Authorization", "If-None-Match", "X-Request-Id", "Origin", "Accept", "Connection", "Content-Length"]
PIECES = [
    "a",
    "Bearer t",
    "shop.example:8000",
    "",
    " ",
    "\t",
    "\r\n",
    "\n",
    "\r",
    "é",
    "\0",
    ":",
    "Host: b",
    "close",
    "0",
]

lines = st.tuples(
    st.sampled_from([*NAMES, *map(str.lower, NAMES), "X y", "", "Host "]),
    st.sampled_from([": ", ":", ":  ", " : ", ":\t", ""]),
    st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    st.sampled_from(["\r\n"] * 9 + ["\n", "\r", "", " \r\n", "\r\n "]),
).map("".join)
IDS = st.text(st.sampled_from("aZ09-._~:@!$&'()*+,;=/%#?|\\\"<>^`{} é日😀\t\r\n\x00\x7f\x85"), max_size=12)
encoded = st.tuples(IDS, st.sampled_from(["", ":@", "/:@!$&'()*+,;=", "%/?#|"])).map(
    lambda some: quote(some[0], some[1])
)
targets = st.one_of(
    st.sampled_from(["/loyalty/m1", "/loyalty/m1?top=3", "/a?b?c", "/a#b", "*", "/é", "/a b", "http://x/y", ""]),
    encoded.map(lambda part: f"/loyalty/{part}"),
    IDS.map(lambda part: f"/loyalty/{part}"),
)
requests = st.tuples(
    st.sampled_from(["GET "] * 5 + ["GET  ", "get ", "POST ", "HEAD ", "\r\nGET "]),
    targets,
    st.sampled_from([" HTTP/1.1\r\n"] * 5 + [" HTTP/1.0\r\n", " HTTP/1.1\n", "\r\n", " HTTP/1.1 \r\n"]),
    st.lists(lines, max_size=5).map(lambda some: "".join(["Host: a\r\n", *some])),
    st.sampled_from(["\r\n"] * 5 + ["", "\n", "\r\nGET / HTTP/1.1\r\n\r\n"]),
).map("".join)


class Parsed:
    """What the parser tells, as a connection hears it."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: dict[bytes, bytes] = {}
        self.begun = self.ended = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.setdefault(name.lower(), value)

    def on_message_complete(self) -> None:
        self.ended += 1


VALID = (
    b"GET /loyalty/m1?top=3&around=2 HTTP/1.1\r\nHost: shop.example:80\r\nAuthorization: Bearer a.b.c\r\n"
    b'If-None-Match: "1.0-7-abc"\r\nOrigin: https://a\r\nX-Request-Id: r1\r\nConnection: keep-alive\r\nA:\r\n\r\n'
)
ODD_BYTES = b"\r\n\t \0:;,/?#%\x0b\x0c\x1c\x7f\x80\x85\xa0\xff"
"""What parsers have disagreed on: other line ends and blanks, separators, what is no ASCII."""

changes = st.lists(
    st.tuples(
        st.integers(0, len(VALID)),
        st.integers(0, 3),
        st.one_of(st.binary(max_size=3), st.sampled_from([bytes([byte]) for byte in ODD_BYTES]), st.just(b"\r\n\r\n")),
    ),
    min_size=1,
    max_size=3,
)


def apply(changed: list[tuple[int, int, bytes]]) -> bytes:
    """A plain head, changed at some places."""
    data = VALID
    for place, dropped, put in changed:
        data = data[:place] + put + data[place + dropped :]
    return data


SMUGGLED = [
    b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % line
    for line in (
        b"Content-Length: 4\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n",
        b"Content-Length: +0\r\n",
        b"Content-Length : 0\r\n",
        b"Content_Length: 0\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\tchunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding\r\n : chunked\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\n",
        b"X: a\nTransfer-Encoding: chunked\r\n",
        b"X: a\rTransfer-Encoding: chunked\r\n",
        b"X: a\r\n\tb\r\n",
        b" X: a\r\n",
        b"X\0: a\r\n",
        b"X: a\0\r\n",
        b"\x80: a\r\n",
        b"Host: b\r\n",
        b"hOST: a\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive, content-length\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
        b"Expect: 100-continue\r\n",
        b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        b": a\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n",
    )
]
"""Heads that have told one server where a request ends, and the proxy before it another place."""


@settings(max_examples=400)
@given(requests.map(str.encode))
@example(b"GET /loyalty/gid:%2F%2Fshopify%2FCustomer%2F1 HTTP/1.1\r\nHost: a\r\n\r\n")
@example(b'GET /loyalty/auth0|5f7c"<>^`{}\\ HTTP/1.1\r\nHost: a\r\n\r\n')
@example(b"GET /loyalty/m1?top=3 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n\r\n")
@example(b"GET a HTTP/1.1\r\nHost: a\r\n\r\n")
@example(b"GET 1://x HTTP/1.1\r\nHost: a\r\n\r\n")
@example(b"GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n")
def test_the_parsers_read_the_same(data: bytes) -> None:
    check(data)


@settings(max_examples=600)
@given(changes)
def test_a_plain_head_with_some_bytes_changed(changed: list[tuple[int, int, bytes]]) -> None:
    check(apply(changed))


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, print_blob=True)
@given(st.one_of(requests.map(str.encode), changes.map(apply)))
def test_many_more(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("data", SMUGGLED)
def test_what_could_smuggle_is_not_plain(data: bytes) -> None:
    assert plain_head(data) is None


def check(data: bytes) -> None:
    """What is read as plain is one whole request without a body to both parsers, with the same target and values."""
    head = plain_head(data)
    if head is None:
        return
    parsed = Parsed()
    parser = httptools.HttpRequestParser(parsed)
    parser.feed_data(data)
    assert (parsed.begun, parsed.ended) == (1, 1)
    assert (parser.get_method(), parser.get_http_version(), parser.should_keep_alive()) == (b"GET", "1.1", True)
    by_grammar = h11.Connection(h11.SERVER, max_incomplete_event_size=len(data) + 1)
    by_grammar.receive_data(data)
    request = by_grammar.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.http_version) == (b"GET", b"1.1")
    assert isinstance(by_grammar.next_event(), h11.EndOfMessage)
    assert by_grammar.trailing_data == (b"", False)
    assert by_grammar.states[h11.CLIENT] is h11.DONE, "the connection is kept"
    for target, fields in ((parsed.target, parsed.fields), (request.target, dict(reversed([*request.headers])))):
        path, _, query = target.partition(b"?")
        assert head == (path, query, *(fields.get(name) for name in READ))


@pytest.mark.parametrize("end", [b"\r\n", b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", b"body", b"\n"])
def test_nothing_comes_behind(end: bytes) -> None:
    data = b"GET / HTTP/1.1\r\nHost: a\r\n"
    assert plain_head(data + b"\r\n") is not None
    assert plain_head(data + b"\r\n" + end) is None
    assert plain_head(data) is None


def test_as_a_browser_asks() -> None:
    data = (
        b"GET /loyalty/ann%40example.com?board=month&top=5 HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n"
        b'AUTHORIZATION: Bearer a.b.c\r\nif-none-match: "1.0-7-abc", W/"x"\r\nOrigin: https://shop.example\r\n'
        b"Accept: application/json\r\nCookie:\r\nX-Request-ID: r-1\r\n\r\n"
    )
    assert plain_head(data) is None, "a connection that may end"
    assert plain_head(data.replace(b"close", b"keep-alive")) == (
        b"/loyalty/ann%40example.com",
        b"board=month&top=5",
        b"Bearer a.b.c",
        b'"1.0-7-abc", W/"x"',
        b"r-1",
        b"https://shop.example",
    )


def test_long_heads_are_read_in_time_that_grows_with_them() -> None:
    """Nothing in the pattern goes back over what it took."""
    spaces = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a " * 100_000 + b"\r\n\r\n"
    assert plain_head(spaces) is None


@given(id_=st.text(min_size=1, max_size=30).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
@example(id_="gid://shopify/Order/1")
@example(id_="auth0|5f7c8ec7c33c6c004bbafe82")
def test_an_encoded_id_is_read_by_all_and_comes_out_as_it_went_in(id_: str) -> None:
    """Both readers, the parser and the server's own splitting of the target agree on where an id begins and ends."""
    part = quote(id_, safe="").encode()
    data = b"GET /loyalty/%b?top=1 HTTP/1.1\r\nHost: a\r\n\r\n" % part
    head = plain_head(data)
    assert head is not None
    assert head[0] == httptools.parse_url(b"/loyalty/%b?top=1" % part).path == b"/loyalty/" + part
    assert read_part(head[0].removeprefix(b"/loyalty/").decode("ascii")) == id_
