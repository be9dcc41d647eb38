"""Connections that go to and fro between the edge and Python, and the limits that hold on both sides."""

import asyncio
import os
import random
import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_lines import NO_EDGE, Connect, connect, request
from tests.integration.http_shop import Shop, open_shop
from tests.integration.test_http_edge import NATIVE, Seen, seen, shop

from laurels.http.serving.capacity import Capacity
from laurels.http.serving.edge import Edge

__all__ = ["connect", "seen", "shop"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only their number is wanted


async def test_each_request_is_answered_once_and_in_order(
    shop: Shop, connect: Connect, seen: Seen, rng: random.Random
) -> None:
    """Four connections at once with mixed requests, some of them sent in pieces or behind one another."""

    async def mixed(name: str) -> None:
        line, n = await connect(shop), 0
        for _ in range(120):
            ids = [f"{name}-{n + more}" for more in range(rng.choice((1, 1, 1, 3)))]
            n += len(ids)
            sent = b"".join(
                request(shop, "/loyalty/m1", X_Request_Id=id_, **({} if rng.random() < 0.8 else NO_EDGE)) for id_ in ids
            )
            cut = rng.choice((0, 0, 0, rng.randrange(len(sent))))
            line.writer.write(sent[:cut])
            await line.writer.drain()
            await asyncio.sleep(0)
            line.writer.write(sent[cut:])
            for id_ in ids:
                answer = await line.answer()
                assert answer.startswith(b"HTTP/1.1 200 ")
                assert f"\r\nx-request-id: {id_}\r\n".encode() in answer
        line.writer.close()
        await line.writer.wait_closed()

    before = standing(seen)
    await asyncio.gather(*(mixed(str(n)) for n in range(2)))  # warm: what is loaded once takes descriptors
    await until(seen, before)
    opened = descriptors()
    await asyncio.gather(*(mixed(str(n)) for n in range(4)))
    assert min(seen.handed, seen.returned) > 10, "they did go to and fro"
    await until(seen, before)
    async with asyncio.timeout(60):  # a closed one may have a moment to go
        while descriptors() > opened:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


def connections(seen: Seen) -> int:
    """Those of both sides."""
    return seen.edges[0]._core.connections() + seen.edges[0]._held_by_python()


def standing(seen: Seen) -> int:
    """Those that are there before a test connects: the shop's own is one, and counts on neither side while it is given
    back.
    """
    return max(connections(seen), 1)


async def until(seen: Seen, most: int) -> None:
    """Wait until there are no more connections than so many."""
    async with asyncio.timeout(60):
        while connections(seen) > most:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


async def test_a_connection_that_only_sends_orders_stays_with_python(shop: Shop, connect: Connect, seen: Seen) -> None:
    line = await connect(shop)
    for _ in range(6):
        await line.ask(request(shop, "/loyalty/m1", **NO_EDGE))
        await line.ask(request(shop, "/loyalty/m1"))
    assert (seen.handed, seen.returned) == (1, 0)
    await line.ask(request(shop, "/loyalty/m1"))
    assert (seen.handed, seen.returned) == (1, 1)


async def test_a_client_that_says_nothing_is_told_so(
    tmp_path: Path, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laurels.http.serving.edge.HEAD_WITHIN_S", 0.1)
    monkeypatch.setattr("laurels.http.serving.connections.HEAD_WITHIN_S", 0.1)
    async with open_shop(tmp_path, **NATIVE) as shop:
        assert (await (await connect(shop)).answer()).startswith(b"HTTP/1.1 408 ")
        assert seen.handed == 1


async def test_an_idle_connection_is_closed(tmp_path: Path, connect: Connect, seen: Seen) -> None:
    async with open_shop(tmp_path, http_keep_alive_s=1, **NATIVE) as shop:
        await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
        line, handed = await connect(shop), seen.handed
        await line.ask(request(shop, "/loyalty/m1"))
        async with asyncio.timeout(60):
            assert await line.reader.read() == b""
        assert seen.handed == handed, "the edge held it"


async def test_a_client_that_asks_and_hangs_up_at_once(shop: Shop, connect: Connect, seen: Seen) -> None:
    """Its end is seen, whether it comes with the request, while that is answered, or after it."""
    before = standing(seen)
    for n in range(60):
        line = await connect(shop)
        line.writer.write(request(shop, "/loyalty/m1"))
        if n % 3 == 1:
            await asyncio.sleep(0)
        if n % 3 == 2:
            await line.answer()
        line.writer.write_eof()
        async with asyncio.timeout(60):  # a connection that is kept would stay for 75 s
            assert n % 3 == 2 or (await line.answer()).startswith(b"HTTP/1.1 200 ")
            assert await line.reader.read() == b""
    assert seen.handed == 0
    await until(seen, before)


async def test_one_too_many_is_refused(
    tmp_path: Path, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laurels.http.serving.server.Capacity", partial(Capacity, 5))
    async with open_shop(tmp_path, **NATIVE) as shop:
        lines = [await connect(shop) for _ in range(5)]
        assert (await (await connect(shop)).answer()).startswith(b"HTTP/1.1 503 ")
        refused = await asyncio.gather(*(connect(shop) for _ in range(40)))
        for line in lines:  # those that stand go on, wherever the refused ones are meanwhile
            assert (await line.ask(request(shop, "/loyalty/m1"))).startswith(b"HTTP/1.1 200 ")
        for line in refused:
            assert (await line.answer()).startswith(b"HTTP/1.1 503 ")


async def test_who_does_not_read_is_cut_off(
    tmp_path: Path, connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing more is read from it meanwhile: what the edge keeps for it is one answer."""
    monkeypatch.setattr("laurels.http.serving.edge.TAKEN_WITHIN_S", 0.5)
    monkeypatch.setattr(Edge, "_count", lambda _: None)  # the counts are taken here
    async with open_shop(tmp_path, http_rate_limit_per_minute=600_000, **NATIVE) as shop:
        await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
        one = request(shop, "/loyalty/m1?top=100&around=50")
        core, answered, unread = seen.edges[0]._core, 0, 0
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", shop.port))
            async with asyncio.timeout(60):
                while not unread:
                    client.send(one)
                    before = answered
                    while answered == before and not unread:
                        await asyncio.sleep(0.001)
                        counts = core.take_counts()
                        answered, unread = answered + counts[0][0][0], unread + counts[3]
        assert answered > 10, "until the system took no more"
        assert seen.handed == 1, "by the first request alone"


async def test_a_server_that_stops_answers_what_was_asked(tmp_path: Path, connect: Connect, seen: Seen) -> None:
    lines: list[Any] = []
    async with open_shop(tmp_path, **NATIVE) as shop:
        await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
        lines = [await connect(shop) for _ in range(3)]
        for line in lines:
            await line.ask(request(shop, "/loyalty/m1"))
    for line in lines:
        assert await line.reader.read() == b"", "closed, and nothing more was said"
