"""A plain head read in one step is what the parser of all requests reads, in Python as in the native core."""

from collections.abc import Callable
from importlib.util import find_spec
from urllib.parse import quote

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laurels.http.requests.paths import read_part
from laurels.http.serving import request_head
from laurels.http.serving.request_head import Head

Read = Callable[[bytes], Head | None]
READERS: list[Read] = [request_head.plain_head]
if find_spec("laurels_core") is not None:
    from laurels_core import plain_head as native_plain_head

    READERS.append(native_plain_head)

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


@settings(max_examples=400)
@given(requests.map(str.encode))
@example(b"GET /loyalty/gid:%2F%2Fshopify%2FCustomer%2F1 HTTP/1.1\r\nHost: a\r\n\r\n")
@example(b'GET /loyalty/auth0|5f7c"<>^`{}\\ HTTP/1.1\r\nHost: a\r\n\r\n')
@example(b"GET /loyalty/m1?top=3 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n\r\n")
def test_the_parser_reads_the_same(data: bytes) -> None:
    head, *others = [read(data) for read in READERS]
    assert all(other == head for other in others)
    if head is None:
        return
    parsed = Parsed()
    parser = httptools.HttpRequestParser(parsed)
    parser.feed_data(data)
    assert (parsed.begun, parsed.ended) == (1, 1)
    assert (parser.get_method(), parser.get_http_version(), parser.should_keep_alive()) == (b"GET", "1.1", True)
    path, _, query = parsed.target.partition(b"?")
    names = (b"authorization", b"if-none-match", b"x-request-id", b"origin")
    assert head == (path, query, *(parsed.fields.get(name) for name in names))


@pytest.mark.parametrize("plain_head", READERS)
@pytest.mark.parametrize("end", [b"\r\n", b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", b"body", b"\n"])
def test_nothing_comes_behind(plain_head: Read, end: bytes) -> None:
    data = b"GET / HTTP/1.1\r\nHost: a\r\n"
    assert plain_head(data + b"\r\n") is not None
    assert plain_head(data + b"\r\n" + end) is None
    assert plain_head(data) is None


@pytest.mark.parametrize("plain_head", READERS)
def test_as_a_browser_asks(plain_head: Read) -> None:
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


@pytest.mark.parametrize("plain_head", READERS)
def test_long_heads_are_read_in_time_that_grows_with_them(plain_head: Read) -> None:
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
    for read in READERS:
        head = read(data)
        assert head is not None
        assert head[0] == httptools.parse_url(b"/loyalty/%b?top=1" % part).path == b"/loyalty/" + part
        assert read_part(head[0].removeprefix(b"/loyalty/").decode("ascii")) == id_
