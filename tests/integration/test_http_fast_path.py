"""The fast path answers exactly as the full pipeline does, over a real socket: status line, headers in order, body,
byte for byte.

A request with an empty body goes the long way, and is otherwise the same.
"""

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.integration.http_shop import Shop, open_shop

from laurels.http.serving.fast_path import FastPath
from laurels.model import Version

pytestmark = pytest.mark.anyio

ODD_ID = "ann+1@example.com"
LONG_WAY = {"Content-Length": "0"}


class Seen:
    """Whether the fast path had an answer, request by request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answered: list[bool] = []
        answer = FastPath.answer

        def watched(fast_path: FastPath, *arguments: Any) -> bytes | None:
            found = answer(fast_path, *arguments)
            self.answered.append(found is not None)
            return found

        monkeypatch.setattr(FastPath, "answer", watched)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    return Seen(monkeypatch)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, leaderboard_stale_after_ms=60_000) as shop:
        for n, (member, total) in enumerate((("m1", "500.00"), (ODD_ID, "400.00"), ("m3", "300.00"), ("m4", "1.00"))):
            await shop.order(f"A{n}", member, total)
        await shop.settle()
        yield shop


def sealed(shop: Shop, position: int) -> str:
    return shop.services.dashboards.versions.seal.token(Version(1, {0: position}))


def request(shop: Shop, target: str, member: str = "m1", method: str = "GET", **headers: str) -> bytes:
    sent = {
        "Host": f"127.0.0.1:{shop.port}",
        "Authorization": f"Bearer {tokens(shop, member)}",
        "X-Request-Id": "r1",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode()


_TOKENS: dict[tuple[Path, str], str] = {}


def tokens(shop: Shop, member: str) -> str:
    """One token for each member, so that it is remembered."""
    return _TOKENS.setdefault((shop.services.settings.state, member), shop.token(member=member))


class Line:
    """A connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> bytes:
        """The next whole answer, without what differs from one to the next by design: the date, what is left of the
        quota.
        """
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: (\d+)", head)
            body = await self.reader.readexactly(int(length[1])) if length else b""
        return re.sub(rb"\r\n(date|ratelimit): [^\r]*", rb"\r\n\1: -", head) + body

    async def ask(self, sent: bytes) -> bytes:
        self.writer.write(sent)
        return await self.answer()


Connect = Callable[[Shop], Awaitable[Line]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects, and hangs up at the end."""
    lines: list[Line] = []

    async def open_line(shop: Shop) -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", shop.port)))
        return lines[-1]

    yield open_line
    for line in lines:
        line.writer.close()
        await line.writer.wait_closed()


@pytest.mark.parametrize(
    "target",
    [
        "/loyalty/m1",
        "/loyalty/m1?",
        "/loyalty/m1?board=month&top=0&around=0",
        "/loyalty/m1?top=100&around=50",
        "/loyalty/m1?board=month:2020-01",
    ],
)
async def test_the_same_answer_byte_for_byte(shop: Shop, connect: Connect, seen: Seen, target: str) -> None:
    line = await connect(shop)
    documented = await line.ask(request(shop, target, **LONG_WAY))
    assert await line.ask(request(shop, target)) == documented
    assert documented.startswith(b"HTTP/1.1 200 OK\r\n")
    assert seen.answered == [False, True]


@pytest.mark.parametrize("member", ["m4", "never-ordered", ODD_ID])
async def test_whoever_asks_for_the_own_place(shop: Shop, connect: Connect, seen: Seen, member: str) -> None:
    line = await connect(shop)
    documented = await line.ask(request(shop, f"/loyalty/{member}", member, **LONG_WAY))
    assert await line.ask(request(shop, f"/loyalty/{member}", member)) == documented
    assert seen.answered == [False, True]


@pytest.mark.parametrize(
    ("part", "member"),
    [
        ("%6D1", "m1"),
        ("m%31", "m1"),
        ("ann%2B1%40example.com", ODD_ID),
        ("m1%2Flive", "m1/live"),
        ("auth0%7C5f7c", "auth0|5f7c"),
        ("gid:%2F%2Fshopify%2FCustomer%2F1", "gid://shopify/Customer/1"),
        ("Zo%C3%AB%20%231%3F%25", "Zoë #1?%"),
    ],
)
async def test_an_encoded_id(shop: Shop, connect: Connect, seen: Seen, part: str, member: str) -> None:
    line = await connect(shop)
    documented = await line.ask(request(shop, f"/loyalty/{part}", member, **LONG_WAY))
    assert documented.startswith(b"HTTP/1.1 200 OK\r\n")
    assert await line.ask(request(shop, f"/loyalty/{part}", member)) == documented
    assert seen.answered == [False, True]


async def test_what_did_not_change(shop: Shop, connect: Connect, seen: Seen) -> None:
    line = await connect(shop)
    answer = await line.ask(request(shop, "/loyalty/m1", **LONG_WAY))
    tag = re.search(rb"etag: ([^\r]*)", answer)
    assert tag
    for known in (tag[1].decode(), f"W/{tag[1].decode()}", "*", f'"x", {tag[1].decode()}'):
        documented = await line.ask(request(shop, "/loyalty/m1", If_None_Match=known, **LONG_WAY))
        assert documented.startswith(b"HTTP/1.1 304 ")
        assert await line.ask(request(shop, "/loyalty/m1", If_None_Match=known)) == documented
    assert (await line.ask(request(shop, "/loyalty/m1", If_None_Match='"other"'))).startswith(b"HTTP/1.1 200 ")
    assert seen.answered == [False, *[False, True] * 4, True]


@pytest.mark.parametrize("shared", [(), ("*",), ("https://shop.example", "https://other.example")])
async def test_pages_of_other_origins(tmp_path: Path, connect: Connect, seen: Seen, shared: tuple[str, ...]) -> None:
    async with open_shop(tmp_path, http_cors_origins=shared, leaderboard_stale_after_ms=60_000) as shop:
        line = await connect(shop)
        for sent in ({}, {"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            documented = await line.ask(request(shop, "/loyalty/m1", **sent, **LONG_WAY))
            assert await line.ask(request(shop, "/loyalty/m1", **sent)) == documented
    assert seen.answered == [False, True] * 4


@pytest.mark.parametrize(
    ("target", "member", "headers"),
    [
        ("/loyalty/m1", "m3", {}),
        ("/loyalty/%zz", "%zz", {}),
        ("/loyalty/m1/live?board=none", "m1/live", {}),
        ("/loyalty/m1/entries", "m1/entries", {}),
        ("/loyalty/m1%2Fentries", "m1", {}),
        ("/loyalty/m1?top=101", "m1", {}),
        ("/loyalty/m1?topp=1", "m1", {}),
        ("/loyalty/m1?board=week", "m1", {}),
        ("/loyalty/m1?min_version=SEALED", "m1", {}),
        ("/loyalty/m1", "m1", {"Host": "a b"}),
        ("/loyalty/m1", "m1", {"Expect": "100-continue"}),
        ("/loyalty/m1", "m1", {"Connection": "close"}),
        ("/loyalty/m1", "m1", {"Accept": "caf\u00e9"}),
        ("/loyalty/m1", "m1", {"Accept": "a\tb"}),
        ("/loyalty/m1", "m1", {"Accept": "*/* "}),
        ("/loyalty/m1", "m1", {"Accept": " */*"}),
        ("/loyalty/m1/balance", "m1", {}),
        ("/loyalty/", "m1", {}),
        ("/", "m1", {}),
    ],
)
async def test_what_is_not_plain_goes_the_long_way(  # noqa: PLR0917 - its fixtures and its cases
    shop: Shop, connect: Connect, seen: Seen, target: str, member: str, headers: dict[str, str]
) -> None:
    await (await connect(shop)).ask(request(shop, "/loyalty/m1", member))
    sent = request(shop, target.replace("SEALED", sealed(shop, 1)), member, **headers)
    first, second = [await (await connect(shop)).ask(sent) for _ in range(2)]
    assert first == second
    assert not any(seen.answered)


async def test_the_first_use_of_a_token_goes_the_long_way(shop: Shop, connect: Connect, seen: Seen) -> None:
    line = await connect(shop)
    assert await line.ask(request(shop, "/loyalty/m1")) == await line.ask(request(shop, "/loyalty/m1"))
    assert seen.answered == [False, True]


async def test_who_asks_too_often_is_told_by_the_long_way(tmp_path: Path, connect: Connect, seen: Seen) -> None:
    async with open_shop(tmp_path, http_rate_limit_per_minute=3) as shop:
        line = await connect(shop)
        answers = [await line.ask(request(shop, "/loyalty/m1")) for _ in range(5)]
        assert [answer[9:12] for answer in answers] == [b"200", b"200", b"200", b"429", b"429"]
        assert seen.answered == [False, True, True, False, False]


async def test_what_goes_wrong_inside_is_told_by_the_long_way(
    shop: Shop, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await connect(shop)
    await line.ask(request(shop, "/loyalty/m1"))

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("not to be told")

    async def fail_later(*_: Any, **__: Any) -> None:
        fail()

    monkeypatch.setattr(shop.services.dashboards, "at_hand", fail)
    monkeypatch.setattr(shop.services.dashboards, "member", fail_later)
    answer = await line.ask(request(shop, "/loyalty/m1"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"not to be told" not in answer
    assert not any(seen.answered)


async def test_requests_sent_at_once_are_answered_in_order(shop: Shop, connect: Connect, seen: Seen) -> None:
    """An answer of the fast path never overtakes one that is still being made on the same connection."""
    line = await connect(shop)
    await line.ask(request(shop, "/loyalty/m1"))
    quick = [request(shop, f"/loyalty/m1?top={n}") for n in range(1, 4)]
    slow = request(shop, f"/loyalty/m1?top=9&min_version={sealed(shop, 999_999)}")
    line.writer.write(quick[0] + slow)
    answers = [await line.answer()]
    line.writer.write(quick[1])
    answers += [await line.answer() for _ in range(2)]
    answers.append(await line.ask(quick[2]))
    assert [answer[9:12] for answer in answers] == [b"200", b"409", b"200", b"200"]
    assert [answer.count(b'"rank"') for answer in (answers[0], *answers[2:])] == [5, 6, 7]
    assert seen.answered == [False, False, True], "what comes behind a slow one is not even asked"


async def test_a_request_in_pieces_goes_the_long_way(shop: Shop, connect: Connect, seen: Seen) -> None:
    line = await connect(shop)
    documented = await line.ask(request(shop, "/loyalty/m1", **LONG_WAY))
    sent = request(shop, "/loyalty/m1")
    for cut in (1, 3, 20, len(sent) - 3, len(sent) - 1):
        line.writer.write(sent[:cut])
        await line.writer.drain()
        await asyncio.sleep(0.05)  # so that they arrive apart; together they would be answered as well
        assert await line.ask(sent[cut:]) == documented
    assert await line.ask(sent) == documented
    assert seen.answered[-1]


async def test_a_body_that_looks_like_a_request_is_none(shop: Shop, connect: Connect, seen: Seen) -> None:
    """What arrives before the request under way has its whole body belongs to that body, whatever it says."""
    line = await connect(shop)
    await line.ask(request(shop, "/loyalty/m1"))
    inner = request(shop, "/loyalty/m1")
    outer = request(shop, "/loyalty/m1", method="POST", Content_Length=str(len(inner)))
    assert (await line.ask(outer)).startswith(b"HTTP/1.1 403 ")
    line.writer.write(inner)
    await line.writer.drain()
    await asyncio.sleep(0.05)
    assert (await line.ask(request(shop, "/loyalty/m1?top=0"))).count(b'"rank"') == 4
    assert seen.answered == [False, False, True], "the body is not even asked about"


async def test_any_bytes_for_an_id(tmp_path: Path, connect: Connect) -> None:
    async with open_shop(tmp_path, http_rate_limit_per_minute=60_000) as shop:
        await _any_bytes(shop, connect)


async def _any_bytes(shop: Shop, connect: Connect) -> None:
    """As they are, and percent-encoded. Each gets an answer, and the next request its own."""
    seed = int(os.environ.get("LAURELS_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"LAURELS_TEST_SEED={seed} repeats this")
    rng = random.Random(seed)
    await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
    for _ in range(300):
        id_ = rng.randbytes(rng.choice((1, 3, 40, 400)))
        for spelt in (id_, quote(id_, safe="").encode(), quote(id_, safe=":@+").encode()):
            line = await connect(shop)
            line.writer.write(request(shop, "/loyalty/-").replace(b"/-", b"/" + spelt))
            assert (await line.answer())[:13] in {
                f"HTTP/1.1 {status} ".encode() for status in (200, 304, 400, 403, 404, 405, 408, 414, 429, 431)
            }
            line.writer.close()
    assert (await (await connect(shop)).ask(request(shop, "/loyalty/m1"))).startswith(b"HTTP/1.1 200 ")


async def test_an_idle_connection_is_closed(
    tmp_path: Path, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laurels.http.serving.connections.LOOK_EVERY_S", 0.05)
    async with open_shop(tmp_path / "short", http_keep_alive_s=1, leaderboard_stale_after_ms=60_000) as shop:
        line = await connect(shop)
        for _ in range(2):
            await line.ask(request(shop, "/loyalty/m1"))
        assert seen.answered == [False, True]
        async with asyncio.timeout(15):
            assert await line.reader.read() == b""
