"""Requests one by one: the edge answers them as Python does, byte for byte, or does not answer them at all."""

import asyncio
import random
import re
from typing import Any
from urllib.parse import quote

import pytest
from tests.integration.http_lines import NO_EDGE, ODD_ID, Connect, connect, request, sealed
from tests.integration.http_shop import Shop
from tests.integration.test_http_edge import Seen, seen, shop

from laurels.http.serving.connections import MAX_HEAD_BYTES

__all__ = ["connect", "seen", "shop"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")


async def same(shop: Shop, connect: Connect, seen: Seen, target: str, member: str = "m1", **headers: str) -> bytes:
    """The answer to a request whose token is known, after making sure that the edge gives it, and Python the same."""
    by_python = await (await connect(shop)).ask(request(shop, target, member, **headers, **NO_EDGE))
    handed, line = seen.handed, await connect(shop)
    by_edge = await line.ask(request(shop, target, member, **headers))
    assert by_edge == by_python
    assert seen.handed == handed, "the edge answered"
    return by_edge


async def test_the_same_answer_byte_for_byte(shop: Shop, connect: Connect, seen: Seen) -> None:
    for target in (
        "/loyalty/m1",
        "/loyalty/m1?",
        "/loyalty/m1?board=month&top=0&around=0",
        "/loyalty/m1?top=100&around=50",
        "/leaderboard/all-time",
        "/leaderboard/month?top=3",
    ):
        assert (await same(shop, connect, seen, target)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_whoever_asks_for_the_own_place(shop: Shop, connect: Connect, seen: Seen) -> None:
    for part, member in (
        ("%6D1", "m1"),
        ("m%31", "m1"),
        ("ann%2B1%40example.com", ODD_ID),
        (ODD_ID, ODD_ID),
        ("m1%2Flive", "m1/live"),
        ("auth0%7C5f7c", "auth0|5f7c"),
        ("gid:%2F%2Fshopify%2FCustomer%2F1", "gid://shopify/Customer/1"),
        ("Zo%C3%AB%20%231%3F%25", "Zoë #1?%"),
        ("m4", "m4"),
        ("never-ordered", "never-ordered"),
    ):
        assert (await same(shop, connect, seen, f"/loyalty/{part}", member)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_what_did_not_change(shop: Shop, connect: Connect, seen: Seen) -> None:
    tag = re.search(rb"etag: ([^\r]*)", await same(shop, connect, seen, "/loyalty/m1"))
    assert tag
    for known in (tag[1].decode(), f"W/{tag[1].decode()}", "*", f'"x", {tag[1].decode()}'):
        assert (await same(shop, connect, seen, "/loyalty/m1", If_None_Match=known)).startswith(b"HTTP/1.1 304 ")
    assert (await same(shop, connect, seen, "/loyalty/m1", If_None_Match='"other"')).startswith(b"HTTP/1.1 200 ")


NOT_PLAIN: list[tuple[str, str, dict[str, str]]] = [
    ("/loyalty/m1", "m3", {}),
    ("/loyalty/%zz", "%zz", {}),
    ("/loyalty/m1/live?board=none", "m1/live", {}),
    ("/loyalty/m1/entries", "m1/entries", {}),
    ("/loyalty/m1%2Fentries", "m1", {}),
    ("/loyalty/m1?top=101", "m1", {}),
    ("/loyalty/m1?topp=1", "m1", {}),
    ("/loyalty/m1?board=week", "m1", {}),
    ("/loyalty/m1?board=month:2020-01", "m1", {}),
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
    ("//loyalty/m1", "m1", {}),
    ("/", "m1", {}),
]


async def test_what_is_not_plain_is_handed_over(shop: Shop, connect: Connect, seen: Seen) -> None:
    for target, member, headers in NOT_PLAIN:
        await (await connect(shop)).ask(request(shop, "/loyalty/m1", member, **NO_EDGE))
        sent = request(shop, target.replace("SEALED", sealed(shop, 1)), member, **headers)
        handed = seen.handed
        first, second = [await (await connect(shop)).ask(sent) for _ in range(2)]
        assert first == second, sent
        assert seen.handed == handed + 2, sent


async def test_a_head_may_be_as_long_as_python_takes(shop: Shop, connect: Connect, seen: Seen) -> None:
    """And no longer: what a road refuses, the other one does not take."""
    sent = request(shop, "/loyalty/m1", Cookie="")
    room = MAX_HEAD_BYTES - len(sent)
    await same(shop, connect, seen, "/loyalty/m1", Cookie="a" * (room - len("Content-Length: 0\r\n")))
    for more, status in ((0, b"200"), (100, b"431"), (20_000, b"431")):
        handed = seen.handed
        answer = await (await connect(shop)).ask(request(shop, "/loyalty/m1", Cookie="a" * (room + more)))
        assert answer[9:12] == status
        assert seen.handed == handed + (status == b"431")


async def test_the_first_use_of_a_token_is_pythons(shop: Shop, connect: Connect, seen: Seen) -> None:
    sent = request(shop, "/loyalty/m9", "m9")
    answers = [await (await connect(shop)).ask(sent) for _ in range(3)]
    assert answers == answers[:1] * 3
    assert seen.handed == 1


async def test_what_goes_wrong_inside_is_told(shop: Shop, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("not to be told")

    monkeypatch.setattr(shop.services.dashboards, "try_read", fail)
    answer = await (await connect(shop)).ask(request(shop, "/loyalty/m1", **NO_EDGE))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"not to be told" not in answer


async def test_requests_sent_at_once_are_answered_in_order(shop: Shop, connect: Connect) -> None:
    """No answer overtakes one that is still being made on the same connection."""
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


async def test_a_request_in_pieces(shop: Shop, connect: Connect, seen: Seen) -> None:
    documented = await same(shop, connect, seen, "/loyalty/m1")
    sent = request(shop, "/loyalty/m1")
    for cut in (1, 3, 20, len(sent) - 3, len(sent) - 1):
        line, handed = await connect(shop), seen.handed
        line.writer.write(sent[:cut])
        await line.writer.drain()
        async with asyncio.timeout(60):  # so that the pieces arrive apart; together they would be answered as well
            while seen.handed == handed:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.002)
        assert await line.ask(sent[cut:]) == documented


async def test_a_body_that_looks_like_a_request_is_none(shop: Shop, connect: Connect) -> None:
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


async def test_any_bytes_for_an_id(shop: Shop, connect: Connect, rng: random.Random) -> None:
    """As they are, and percent-encoded. Each gets an answer, and the next request its own."""
    for _ in range(100):
        id_ = rng.randbytes(rng.choice((1, 3, 40, 400)))
        for spelt in (id_, quote(id_, safe="").encode(), quote(id_, safe=":@+").encode()):
            line = await connect(shop)
            line.writer.write(request(shop, "/loyalty/-").replace(b"/-", b"/" + spelt))
            assert (await line.answer())[:13] in {
                f"HTTP/1.1 {status} ".encode() for status in (200, 304, 400, 403, 404, 405, 408, 414, 429, 431)
            }
            line.writer.close()
    assert (await (await connect(shop)).ask(request(shop, "/loyalty/m1"))).startswith(b"HTTP/1.1 200 ")


async def test_two_requests_of_one_piece(shop: Shop, connect: Connect, seen: Seen) -> None:
    """They go to Python together; then the connection comes back."""
    line = await connect(shop)
    line.writer.write(b"".join(request(shop, "/loyalty/m1", X_Request_Id=id_) for id_ in ("a", "b")))
    assert [b"x-request-id: " + id_ in await line.answer() for id_ in (b"a", b"b")] == [True, True]
    async with asyncio.timeout(60):
        while not seen.returned:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.002)
    handed = seen.handed
    assert b"x-request-id: c" in await line.ask(request(shop, "/loyalty/m1", X_Request_Id="c"))
    assert seen.handed == handed
