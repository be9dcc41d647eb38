"""Receivers of webhooks that answer in ways in which no honest one does: none holds an event up for ever, and none
makes the sender's memory grow.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

import pytest
from tests.unit.test_webhooks import EVENT, KEY

from laurels import clock
from laurels.engines.sinks import webhooks
from laurels.engines.sinks.webhooks import WebhookSink
from laurels.errors import SettingsError
from laurels.events import SinkUnavailable

pytestmark = pytest.mark.anyio

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

IN_TIME_S = 60.0
"""For what would else never end."""


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[WebhookSink, list[bytes]]]:
    """A receiver that answers each request so, and the heads of its requests; an empty one is a connection."""
    heads: list[bytes] = []
    serving: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(b"")
        with suppress(OSError, asyncio.IncompleteReadError), closing(writer):
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                length = next(line for line in heads[-1].lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                await answer(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sink = WebhookSink(f"http://127.0.0.1:{port}/hook", KEY, clock.now, ["127.0.0.1"])
    try:
        yield sink, heads
    finally:
        await sink.close()
        server.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def drip(writer: asyncio.StreamWriter) -> None:
    """200, a letter at a time, and never to the end."""
    writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def inform(writer: asyncio.StreamWriter) -> None:
    """That an answer will come, again and again."""
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("answer", [drip, inform])
async def test_an_answer_in_drips_is_none(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little is waited for each part of it."""
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.5)
    async with answering(answer) as (sink, _), asyncio.timeout(IN_TIME_S):
        with pytest.raises(SinkUnavailable, match="did not answer in time"):
            await sink.send([EVENT])


async def test_endless_headers_are_no_answer() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"a" * 1000 + b"\r\n")
            await writer.drain()

    async with answering(endless) as (sink, _), asyncio.timeout(IN_TIME_S):
        with pytest.raises(SinkUnavailable, match="answer"):
            await sink.send([EVENT])


async def test_a_huge_answer_is_taken_by_its_status() -> None:
    """What it says beside is not waited for."""

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with answering(endless) as (sink, heads), asyncio.timeout(IN_TIME_S):
        await sink.send([EVENT, EVENT])
    assert len([head for head in heads if head]) == 2


async def test_an_answer_that_stalls_is_taken_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it breaks off."""
    monkeypatch.setattr(webhooks, "_FINISHED_WITHIN_S", 0.2)

    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok")
        await writer.drain()

    async def break_off(writer: asyncio.StreamWriter) -> None:
        await stall(writer)
        writer.close()

    for answer in (stall, break_off):
        async with answering(answer) as (sink, heads), asyncio.timeout(IN_TIME_S):
            await sink.send([EVENT, EVENT])
        assert len([head for head in heads if head]) == 2


async def test_a_connection_is_used_again_whatever_is_answered() -> None:
    """A receiver that says `ok` is shaken hands with once, too."""

    async def ok(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    async with answering(ok) as (sink, heads):
        await sink.send([EVENT] * 3)
    assert [head == b"" for head in heads] == [True, False, False, False]


async def test_cookies_are_not_sent_back() -> None:
    """Nor kept: a receiver could set new ones for ever."""
    number = 0

    async def with_cookie(writer: asyncio.StreamWriter) -> None:
        nonlocal number
        number += 1
        writer.write(b"HTTP/1.1 204 No Content\r\nset-cookie: visit%d=%d\r\n\r\n" % (number, number))
        await writer.drain()

    async with answering(with_cookie) as (sink, heads):
        await sink.send([EVENT] * 3)
    assert len(heads) == 4
    assert not any(b"cookie:" in head.lower() for head in heads)


@pytest.mark.parametrize(
    "url",
    [
        "https://büro.example/points",
        "https://crm..example/points",
        f"https://{'a' * 64}.example/points",
        "https://crm.example/po ints",
        "https://crm.example/points\r\nx: y",
        "https://crm.example/Punkte/für",
    ],
)
def test_addresses_that_no_request_can_go_to_are_refused(url: str) -> None:
    """When they are set, not when the first event is to go out."""
    with pytest.raises(SettingsError):
        WebhookSink(url, KEY, clock.now)
