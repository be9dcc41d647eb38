"""Whatever a client sends on one connection, in whatever pieces, it gets the same bytes back from a shop with an edge
and from one without, and both ledgers then hold the same orders: reads, orders, what is wrong and what is no HTTP at
all, behind one another.
"""

import asyncio
import json
import re
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from tests.integration.http_lines import tokens
from tests.integration.test_http_edge_orders import ORDER, Till, open_till

from laurels.http.serving.edge import Edge, HandedConnection

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")

STREAMS = 150
HELPED = 6
"""Streams, of 150 some 13, of which the edge answered the first request itself: with fewer little was compared."""

SEEN = {b"200", b"202", b"400", b"404", b"422"}
MEMBER, TILL = b"{member}", b"{till}"
"""Stand for tokens, which each shop signs with its own key."""

_TOKEN = re.compile(rb"\{(?:member|till)\}")

TARGETS = (
    *("/loyalty/m1", "/loyalty/m1?top=3", "/loyalty/%6d1", "/leaderboard/all-time", "/loyalty/m2", "/healthz", "/none"),
    *("//loyalty/m1", "/loyalty/m1/", "/loyalty/../loyalty/m1", "/loyalty/m1%2e%2e", "/loyalty/m%001", "/loyalty/m1#a"),
    *("http://a/loyalty/m1", "*", "loyalty/m1", "/shop/loyalty/m1", "/shop", "/%73hop/loyalty/m1", "/shop//loyalty/m1"),
    *("/loyalty/m1?" + "top=1&" * 30, "/loyalty/m1?" + "x" * 9000, "/loyalty/" + "m" * 2100),
)
METHODS = ("GET",) * 12 + ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "PRI", "G\x00T", "")
VERSIONS = ("HTTP/1.1",) * 20 + ("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", "")
FRAMING = (
    *("Expect: 100-continue", "Content-Length: 3\r\nTransfer-Encoding: chunked"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: identity"),
    *("Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: chunked, identity"),
    *("Content-Length: 0", "Content-Length: 3", "Content-Length: +3", "Content-Length: 0x3", "Content-Length: 3, 3"),
    *("Content-Length : 3", "Content-Length: -1", "Content-Length: 9999999999999999999999", "Content-Length:"),
)
"""What says where a body ends, or is to. Whether such a request is answered before the rest of it is seen to be wrong
is a matter of when that comes, so they go in one piece.
"""

ODD_LINES = (
    *("Host: b", "Host:", "Connection: keep-alive", "Connection: keep-alive, X", "Connection: Upgrade", "Upgrade: h2c"),
    *("Expect: 200-ok", "Proxy-Connection: close", "Authorization: Bearer x", "Authorization:"),
    *("If-None-Match: *", 'If-None-Match: "a", W/*', 'If-None-Match: W/"a"\r\nIf-None-Match: *', 'If-Match: "x"'),
    *("X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: b", "Forwarded: for=10.0.0.1;host=b"),
    *("Origin: https://shop.example", "Origin: null", "Origin: https://shop.example\r\nOrigin: null", "Cookie: a=b"),
    *("Access-Control-Request-Method: GET", "X-Request-Id: \xe9", "X-Request-Id: a b", "X: " + "a" * 9000, "Date: x"),
    *("Content-Encoding: gzip", "Content-Type: text/plain", "Trailer: X", "Sec-WebSocket-Key: a", "HTTP2-Settings: a"),
    "TE: trailers",
)
BODIES = (
    *(
        json.dumps(ORDER).encode(),
        json.dumps(ORDER | {"total": "x"}).encode(),
        b"{",
        b"",
        b" ",
        b"3\r\n{ }\r\n0\r\n\r\n",
    ),
    *(b"0\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
)
JUNK = (
    b"\r\n",
    b"\n",
    b"\x00",
    b"\xff\xfe",
    b"GET /",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)
LAST = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def message(rng: Random, n: int, odd_lines: Sequence[str], slips: Sequence[int]) -> bytes:
    """One request: plain in most ways, and of those that are not, in one or two. `slips`: by how much the length of a
    body is told wrong.
    """
    is_order = rng.random() < 0.45
    body = rng.choice(BODIES[:1] * 8 + BODIES) if is_order else rng.choice((b"",) * 12 + BODIES)
    method = "POST" if is_order else rng.choice(METHODS)
    target = f"/order/A{rng.choice((n, n, n, 0))}" if is_order else rng.choice(TARGETS[:1] * 12 + TARGETS)
    lines = [f"{method} {target} {rng.choice(VERSIONS)}", "Host: a", f"X-Request-Id: r{n}"]
    if rng.random() < 0.9:
        lines.append(f"Authorization: Bearer {(TILL if is_order else MEMBER).decode()}")
    if is_order or body:
        lines.append(f"Content-Length: {max(0, len(body) + rng.choice(slips))}")
    for _ in range(rng.choice((0,) * 8 + (1, 1, 2))):
        lines.insert(rng.randint(1, len(lines)), rng.choice(odd_lines))
    if rng.random() < 0.03:
        lines[1:] = [line for line in lines[1:] if not line.startswith("Host")]
    end = rng.choice(("\r\n",) * 30 + ("\n", "\r"))
    return (end.join(lines) + end + end).encode("latin-1") + body


class Stream(NamedTuple):
    """What one connection sends, in pieces; `in_turn`: each when something was said to the one before. `is_shut`: and
    then closes its half.
    """

    pieces: list[bytes]
    in_turn: bool = False
    is_shut: bool = False


def stream(rng: Random, begin: int) -> Stream:
    """Requests, of which the last ends the connection, whatever was said before; or the client does."""
    is_shut = rng.random() < 0.3
    last = b"" if is_shut else LAST
    numbers = range(begin, begin + rng.randint(1, 8))
    how = rng.choice(("whole", "cut", "in turn"))
    if how == "whole":
        sent = [message(rng, n, FRAMING + ODD_LINES, (0,) * 20 + (1, -1, 5)) for n in numbers]
        sent.insert(rng.randint(0, len(sent)), rng.choice((b"",) * 5 + JUNK))
        return Stream([b"".join(sent) + last], is_shut=is_shut)
    sent = [*(message(rng, n, ODD_LINES, (0,)) for n in numbers), LAST]
    if how == "in turn":
        return Stream(sent, in_turn=True)
    sent[-1] = last
    whole = b"".join(sent)
    cuts = sorted(rng.randrange(len(whole)) for _ in range(rng.choice((1, 3, 8))))
    return Stream([whole[begin:end] for begin, end in pairwise([0, *cuts, len(whole)])], is_shut=is_shut)


async def answers(till: Till, sent: Stream) -> bytes:
    """All that comes back until the shop hangs up, without what differs by design."""
    loop, came = asyncio.get_running_loop(), b""
    known = {MEMBER: tokens(till.shop, "m1").encode(), TILL: till.orders.encode()}
    with socket.create_connection(("127.0.0.1", till.shop.port)) as line:
        line.setblocking(False)
        async with asyncio.timeout(60):
            with suppress(OSError):  # the shop has hung up; what it said before is there to be read
                for piece in sent.pieces:
                    await loop.sock_sendall(line, _TOKEN.sub(lambda found: known[found[0]], piece))
                    came += await loop.sock_recv(line, 65_536) if sent.in_turn else b""
                    await asyncio.sleep(0)
                if sent.is_shut:
                    line.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):  # more was sent behind the last that is answered
                while answered := await loop.sock_recv(line, 65_536):
                    came += answered
    came = re.sub(rb"\r\n(date|ratelimit): [^\r]*", rb"\r\n\1: -", came)
    return re.sub(rb"\r\nx-request-id: [0-9a-f]{32}\r", rb"\r\nx-request-id: -\r", came)


@pytest.mark.parametrize(("shared", "prefix"), [((), ""), (("*",), "/shop"), (("https://shop.example",), "")])
async def test_the_same_bytes_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: tuple[str, ...], prefix: str, rng: Random
) -> None:
    take, handed = HandedConnection.take, list[bytes]()

    def taken(connection: HandedConnection, edge: Edge, data: bytes, *more: Any) -> None:
        handed.append(data)
        take(connection, edge, data, *more)

    monkeypatch.setattr(HandedConnection, "take", taken)
    key = tmp_path / "names.key"
    key.write_text(bytes(range(32)).hex())
    key.chmod(0o600)
    async with AsyncExitStack() as stack:
        tills = []
        for edge in ("off", "auto"):
            settings = {"http_edge": edge, "http_cors_origins": shared, "http_root_path": prefix}
            till = await open_till(stack, tmp_path / edge, names_key_file=key, **settings)
            await till.shop.order("A0", "m1", "500.00")
            await till.shop.settle()
            await till.shop.ask("GET", "/loyalty/m1", token=tokens(till.shop, "m1"))
            tills.append(till)
        statuses, helped, n = set[bytes](), 0, 0
        while n < STREAMS or helped < HELPED or not statuses >= SEEN:
            handed.clear()
            sent = stream(rng, 10 * n)
            python, by_edge = [await answers(till, sent) for till in tills]
            assert by_edge == python, (n, sent)
            helped += sent.in_turn and b": r%d" % (10 * n) not in handed[0]
            statuses.update(re.findall(rb"HTTP/1.1 (\d+) ", python))
            n += 1
        orders = [await till.shop.services.ledger.inbox_depth() for till in tills]
        assert orders[0] == orders[1] > 0


@pytest.mark.parametrize("cut", [1, 2, 3])
@pytest.mark.parametrize("edge", ["off", "auto"])
async def test_a_head_ends_where_it_ends_though_in_two_pieces(tmp_path: Path, edge: str, cut: int) -> None:
    """What comes behind it, and is no HTTP, costs it no answer."""
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path, http_edge=edge)
        get = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        came = await answers(till, Stream([get + get[:-cut], get[-cut:] + b" no HTTP\r\n\r\n" + LAST], in_turn=True))
        assert re.findall(rb"HTTP/1.1 (\d+) ", came) == [b"200", b"200", b"400"]


CHUNKED = b"POST /order/A%d HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {till}\r\nTransfer-Encoding: chunked\r\n\r\n%b"
WHOLE = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODIES[0]), BODIES[0])


@pytest.mark.parametrize(
    "fault", [b" no HTTP\r\n\r\n", b"GET /healthz HTTP/1.1\r\nX : a\r\n\r\n", CHUNKED % (9, b"x\r\n")]
)
@pytest.mark.parametrize("orders", [1, 3])
@pytest.mark.parametrize("edge", ["off", "auto"])
async def test_what_comes_before_a_fault_is_answered(tmp_path: Path, edge: str, orders: int, fault: bytes) -> None:
    """In one piece with bodies whose end only the parser finds; an order that is accepted is answered, too."""
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path, http_edge=edge)
        came = await answers(till, Stream([b"".join(CHUNKED % (n, WHOLE) for n in range(orders)) + fault + LAST]))
        assert re.findall(rb"HTTP/1.1 (\d+) ", came) == [b"202"] * orders + [b"400"]
        assert await till.shop.services.ledger.inbox_depth() == orders


@pytest.mark.parametrize("edge", ["off", "auto"])
async def test_a_client_that_closes_its_half_is_answered(tmp_path: Path, edge: str) -> None:
    """As by `nc -N`: what it sent whole is answered, and the connection then ends; what it began is not waited for."""
    async with AsyncExitStack() as stack:
        till = await open_till(stack, tmp_path, http_edge=edge)
        orders = b"".join(till.post(f"/order/A{n}", ORDER, Content_Encoding="identity") for n in range(3))
        for begun in (b"", b"GET /hea", till.post("/order/A9", ORDER)[:-1]):
            came = await answers(till, Stream([orders + begun], is_shut=True))
            assert re.findall(rb"HTTP/1.1 (\d+) ", came) == [b"200" if begun else b"202"] * 3
        assert await till.shop.services.ledger.inbox_depth() == 3
