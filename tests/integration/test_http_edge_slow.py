"""Slow clients at the edge: each is answered, told or cut off, and none of them keeps others waiting."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_lines import Connect, Line, connect, request
from tests.integration.http_shop import Shop, open_shop
from tests.integration.test_http_edge import NATIVE, Seen, seen
from tests.integration.test_http_edge_hand_over import standing, until

__all__ = ["connect", "seen"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")

BYTE_S = 0.01
"""Between two bytes of who drips: a head takes seconds, where it may take half of one."""


@pytest.fixture
async def shop(tmp_path: Path, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setattr("laurels.http.serving.edge.HEAD_WITHIN_S", 0.5)
    monkeypatch.setattr("laurels.http.serving.connections.HEAD_WITHIN_S", 0.5)
    async with open_shop(tmp_path, http_rate_limit_per_minute=600_000, **NATIVE) as shop:
        await shop.order("A1", "m1", "500.00")
        await shop.settle()
        yield shop


async def drip(line: Line, sent: bytes) -> bytes:
    """Send a byte at a time until something is answered; gives the answer."""
    answer = asyncio.create_task(line.answer())
    for byte in sent:
        if answer.done():
            break
        line.writer.write(bytes([byte]))
        await asyncio.sleep(BYTE_S)
    return await answer


async def a_head_that_drips(line: Line, one: bytes) -> bytes:
    return await drip(line, one)


async def one_that_drips_behind_an_answer(line: Line, one: bytes) -> bytes:
    await line.ask(one)
    return await drip(line, one)


async def half_a_head(line: Line, one: bytes) -> bytes:
    line.writer.write(one[:40])
    return await line.answer()


async def half_of_the_next_head_with_the_first(line: Line, one: bytes) -> bytes:
    line.writer.write(one + one[:40])
    await line.answer()
    return await line.answer()


async def nothing(line: Line, _: bytes) -> bytes:
    return await line.answer()


async def blank_lines_without_end(line: Line, _: bytes) -> bytes:
    return await drip(line, b"\r\n" * 1000)


async def a_header_without_end(line: Line, one: bytes) -> bytes:
    return await drip(line, one.removesuffix(b"\r\n") + b"X: " + b"x" * 1000)


Slow = Callable[[Line, bytes], Coroutine[Any, Any, bytes]]


SLOW: list[Slow] = [
    a_head_that_drips,
    one_that_drips_behind_an_answer,
    half_a_head,
    half_of_the_next_head_with_the_first,
    nothing,
    blank_lines_without_end,
    a_header_without_end,
]


async def test_who_sends_slowly_is_told_and_nobody_waits(shop: Shop, connect: Connect, seen: Seen) -> None:
    quick, one = await connect(shop), request(shop, "/loyalty/m1")
    expected = await quick.ask(one)
    before = standing(seen)
    at_work = {
        asyncio.create_task(slow(await connect(shop), one), name=slow.__name__) for slow in SLOW for _ in range(3)
    }
    while not all(task.done() for task in at_work):
        assert await quick.ask(one) == expected
        await asyncio.sleep(BYTE_S)
    told = {task.get_name(): (await task)[:13] for task in at_work}
    assert told == dict.fromkeys(told, b"HTTP/1.1 408 ")
    await until(seen, before)


async def test_who_reads_slowly_reads_all_of_it(shop: Shop, connect: Connect, seen: Seen) -> None:
    """A byte at a time, through the smallest window there is."""
    quick, one = await connect(shop), request(shop, "/loyalty/m1?top=100&around=50")
    expected = await quick.ask(one)
    handed = seen.handed
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", shop.port))
        await loop.sock_sendall(client, one)
        read = asyncio.StreamReader()
        line = Line(read, quick.writer)
        answer = asyncio.create_task(line.answer())
        async with asyncio.timeout(60):
            while not answer.done():
                read.feed_data(await loop.sock_recv(client, 1))
                await asyncio.sleep(0)
        assert await answer == expected
    assert seen.handed == handed, "the edge answered"
