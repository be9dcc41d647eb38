"""The head of a plain POST, as the edge reads it, is what two parsers read that take it apart: its values, and above
all where its body ends and the next request begins.
"""

import h11
import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.property.test_plain_heads import ODD_BYTES, SMUGGLED, Parsed, lines, targets

plain_post = pytest.importorskip(
    "laurels_core", reason="the edge is part of the native core, which is built where there is a cargo"
).plain_post

READ = (b"authorization", b"content-type", b"x-request-id", b"origin")
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
VALID = (
    b"POST /order/A1 HTTP/1.1\r\nHost: shop.example:80\r\nAuthorization: Bearer a.b.c\r\nContent-Length: 7\r\n"
    b"Content-Type: application/json\r\nOrigin: https://a\r\nX-Request-Id: r1\r\nConnection: keep-alive\r\n\r\n"
    b'{"a":1}' + NEXT
)

lengths = st.tuples(
    st.sampled_from(["Content-Length", "content-length", "Content-Length ", "Transfer-Encoding", "Content-Encoding"]),
    st.sampled_from([": ", ":", ":  ", ":\t"]),
    st.sampled_from(
        ["0", "1", "7", "07", "+7", "-1", "7 ", "7,7", "7, 7", "0x7", "", "1e1", "chunked", "9" * 30, "\u0667"]
    ),
    st.sampled_from(["\r\n"] * 9 + ["\n", "\r"]),
).map("".join)
requests = st.tuples(
    st.sampled_from(["POST "] * 6 + ["POST  ", "post ", "PUT ", "GET "]),
    targets,
    st.sampled_from([" HTTP/1.1\r\n"] * 6 + [" HTTP/1.0\r\n", " HTTP/1.1\n"]),
    st.lists(st.one_of(lines, lengths), max_size=4).map("".join),
    st.sampled_from(["Host: a\r\nContent-Length: 7\r\n"] * 3 + ["Host: a\r\n"]),
    st.sampled_from(["\r\n"] * 6 + ["", "\n"]),
    st.sampled_from(['{"a":1}', '{"a":1', ""]),
).map(lambda parts: "".join(parts).encode() + NEXT)
changes = st.lists(
    st.tuples(
        st.integers(0, len(VALID)),
        st.integers(0, 3),
        st.one_of(st.binary(max_size=3), st.sampled_from([bytes([byte]) for byte in ODD_BYTES]), st.just(b"\r\n\r\n")),
    ),
    min_size=1,
    max_size=3,
)


class ParsedPost(Parsed):
    """What the parser tells of the first request."""

    def __init__(self) -> None:
        super().__init__()
        self.body = b""

    def on_url(self, url: bytes) -> None:
        if self.begun == 1:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.begun == 1:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        if self.begun == 1:
            self.body += body


def apply(changed: list[tuple[int, int, bytes]]) -> bytes:
    data = VALID
    for place, dropped, put in changed:
        data = data[:place] + put + data[place + dropped :]
    return data


def check(data: bytes) -> None:
    """What is read as plain is the same request to both parsers, with the same body, and so the same next one."""
    head = plain_post(data)
    if head is None:
        return
    *values, begin, length = head
    body = data[begin : begin + length]
    if len(body) < length:
        return  # not whole: nothing is said yet
    parsed = ParsedPost()
    parser = httptools.HttpRequestParser(parsed)
    parser.feed_data(data[: begin + length])
    assert (parsed.begun, parsed.ended, parsed.body) == (1, 1, body)
    assert (parser.get_method(), parser.get_http_version(), parser.should_keep_alive()) == (b"POST", "1.1", True)
    by_grammar = h11.Connection(h11.SERVER, max_incomplete_event_size=len(data) + 1)
    by_grammar.receive_data(data)
    request = by_grammar.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.http_version) == (b"POST", b"1.1")
    received = b""
    while isinstance(event := by_grammar.next_event(), h11.Data):
        received += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert received == body
    assert by_grammar.trailing_data == (data[begin + length :], False)
    for target, fields in ((parsed.target, parsed.fields), (request.target, dict(reversed([*request.headers])))):
        path, _, query = target.partition(b"?")
        assert values == [path, query, *(fields.get(name) for name in READ)]


@settings(max_examples=400)
@given(requests)
@example(VALID)
@example(VALID.replace(b"7\r\n", b"0\r\n"))
def test_the_parsers_read_the_same(data: bytes) -> None:
    check(data)


@settings(max_examples=600)
@given(changes)
def test_a_plain_head_with_some_bytes_changed(changed: list[tuple[int, int, bytes]]) -> None:
    check(apply(changed))


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, print_blob=True)
@given(st.one_of(requests, changes.map(apply)))
def test_many_more(data: bytes) -> None:
    check(data)


def test_what_is_read() -> None:
    *values, begin, length = plain_post(VALID)
    assert values == [b"/order/A1", b"", b"Bearer a.b.c", b"application/json", b"r1", b"https://a"]
    assert VALID[begin : begin + length] == b'{"a":1}'
    assert plain_post(VALID[:begin]) is not None, "the head is whole"
    assert plain_post(VALID[: begin - 1]) is None


@pytest.mark.parametrize("data", [one for one in SMUGGLED if b"Content-Length: 4\r" not in one])
def test_what_could_smuggle_is_not_plain(data: bytes) -> None:
    """Whether the one true length comes before it or behind."""
    for line in (b"Host: a\r\nContent-Length: 4\r\n", b"Content-Length: 4\r\nHost: a\r\n"):
        post = data.replace(b"GET / ", b"POST /order/A1 ", 1).replace(b"Host: a\r\n", line, 1)
        head = plain_post(post + b"abcd")
        if b"\r\n\r\nGET" in post:  # there the body begins
            assert head is not None
            assert post[head[-2] :].startswith(b"GET")
        else:
            assert head is None


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 7\r\n",
        b"content-length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: identity\r\n",
        b"Expect: 100-continue\r\n",
    ],
)
def test_a_body_that_two_could_measure_otherwise_is_not_plain(line: bytes) -> None:
    assert plain_post(VALID.replace(b"Origin: https://a\r\n", line)) is None


@pytest.mark.parametrize("length", [b"", b"+7", b"-7", b"07", b"7 ", b" 7", b"7,7", b"0x7", b"7\t", b"1" * 10, b"\xb2"])
def test_a_length_is_written_as_one_writes_it(length: bytes) -> None:
    assert plain_post(VALID.replace(b"Content-Length: 7", b"Content-Length: " + length)) is None
