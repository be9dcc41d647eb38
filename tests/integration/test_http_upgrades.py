"""Requests that ask for another protocol, as Java's client does with each first one: they are answered as if they had
not asked. Who could have a body taken for the next request would mix up the answers of all who share a connection.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
from tests.integration.http_lines import Connect, Line, connect
from tests.integration.http_shop import Shop, open_shop

__all__ = ["connect"]

pytestmark = pytest.mark.anyio

ORDER = json.dumps({"member_id": "m1", "currency": "GBP", "total": "25.00"}).encode()
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADES = {
    "h2c": [
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA",
    ],
    "websocket": [b"Upgrade: websocket", b"Connection: upgrade"],
    "anything": [b"Connection: keep-alive, Upgrade", b"Upgrade: x/1, y"],
}


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        yield shop


def whole(body: bytes) -> tuple[bytes, bytes]:
    return b"Content-Length: %d" % len(body), body


def in_chunks(body: bytes) -> tuple[bytes, bytes]:
    half = len(body) // 2
    pieces = (body[:half], body[half:], b"")
    return b"Transfer-Encoding: chunked", b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def post(shop: Shop, number: int, framing: bytes, body: bytes, *more: bytes) -> bytes:
    token = b"Authorization: Bearer " + shop.token(scope="orders:write").encode()
    lines = [b"POST /order/U%d HTTP/1.1" % number, b"Host: a", token, b"Content-Type: application/json", *more, framing]
    return b"\r\n".join([*lines, b"", body])


def statuses(answers: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)


async def all_of(line: Line, sent: list[bytes]) -> bytes:
    """Every answer to these pieces, behind which the client sends no more."""
    for piece in sent:
        line.writer.write(piece)
        await line.writer.drain()
        await asyncio.sleep(0)
    line.writer.write_eof()
    async with asyncio.timeout(60):
        return await line.reader.read()


@pytest.mark.parametrize("framed", [whole, in_chunks])
@pytest.mark.parametrize("asked", UPGRADES)
async def test_the_body_is_the_requests_own(shop: Shop, connect: Connect, asked: str, framed: object) -> None:
    assert callable(framed)
    number = 10 * [*UPGRADES].index(asked) + (framed is whole)
    sent = post(shop, number, *framed(ORDER), *UPGRADES[asked]) + ALIVE
    assert statuses(await all_of(await connect(shop), [sent])) == [b"202", b"200"]
    line = await connect(shop)
    again = await line.ask(sent.removesuffix(ALIVE))
    assert statuses(again) == [b"200"], "the same order again"
    assert statuses(await line.ask(ALIVE)) == [b"200"], "the connection goes on"


@pytest.mark.parametrize("framed", [whole, in_chunks])
@pytest.mark.parametrize("asked", UPGRADES)
async def test_a_request_in_a_body_is_none(shop: Shop, connect: Connect, asked: str, framed: object) -> None:
    """It is answered once: what it holds is no order, and no request."""
    assert callable(framed)
    sent = post(shop, 0, *framed(ALIVE * 3), *UPGRADES[asked])
    assert statuses(await all_of(await connect(shop), [sent])) == [b"422"]
    stranger = sent.replace(b"Bearer ", b"Bearer x")
    assert statuses(await all_of(await connect(shop), [stranger + ALIVE])) == [b"401", b"200"]


@pytest.mark.parametrize("framed", [whole, in_chunks])
async def test_wherever_it_is_cut_on_its_way(shop: Shop, connect: Connect, framed: object) -> None:
    assert callable(framed)
    sent = post(shop, 77, *framed(ORDER), *UPGRADES["h2c"]) + ALIVE
    await all_of(await connect(shop), [sent])
    begin = sent.index(b"Connection")
    for cut in range(begin, len(sent)):
        assert statuses(await all_of(await connect(shop), [sent[:cut], sent[cut:]])) == [b"200", b"200"], cut


async def test_without_a_body_there_is_nothing_to_leave_out(shop: Shop, connect: Connect) -> None:
    for asked in UPGRADES.values():
        for framing in ([], [b"Content-Length: 0"]):
            get = b"\r\n".join([b"GET /healthz HTTP/1.1", b"Host: a", *asked, *framing, b"", b""])
            assert statuses(await all_of(await connect(shop), [get + ALIVE])) == [b"200", b"200"]


async def test_an_older_client_is_sent_the_answer_and_nothing_before_it(shop: Shop, connect: Connect) -> None:
    sent = post(shop, 88, *whole(ORDER), b"Expect: 100-continue", b"Connection: keep-alive")
    assert statuses(await all_of(await connect(shop), [sent])) == [b"100", b"202"]
    older = sent.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    assert statuses(await all_of(await connect(shop), [older])) == [b"200"]
