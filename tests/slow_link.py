"""A relay between Laurels and a server that does to a link what networks do: delay it, cut it, shut one direction, let
one byte through at a time, or say nothing at all.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

Weather = Literal["fair", "delayed", "dripping", "silent", "deaf", "half-closed", "cut"]
"""`silent`: nothing passes, and no end hears of it. `deaf`: what is asked passes, no answer comes back."""

DELAY_S = 0.2
DRIP_S = 0.05
"""Between two bytes: an answer of 200 takes ten seconds."""


class Link:
    """Listens at a loopback port for the length of a block and passes on to a server, in a thread of its own. What
    `weather` is set to counts for open connections too.
    """

    def __init__(self, target: str | int) -> None:
        """`target`: the path of a socket, or a loopback port. Where it is changed, open connections stay."""
        self.target = target
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._listening = threading.Event()
        self._weather: Weather = "fair"
        self._changed: asyncio.Event
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.links = 0
        """Connections that were made over it so far."""

    def __enter__(self) -> "Link":
        self._thread.start()
        assert self._listening.wait(60)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def weather(self) -> Weather:
        """What happens to what is sent."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._run(self._turn(weather))

    def _run(self, doing: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(doing, self._loop).result(10)

    async def _turn(self, weather: Weather) -> None:
        self._weather = weather
        if weather == "cut":
            for end in [*self._open]:
                end.transport.abort()
        elif weather == "half-closed":
            for end in [*self._open]:
                with suppress(OSError, RuntimeError):
                    end.write_eof()
        self._changed.set()
        self._changed = asyncio.Event()

    async def _listen(self) -> None:
        self._loop, self._stop, self._changed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()
        for end in [*self._open]:
            end.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.links += 1
        if self._weather == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._open |= {writer, far_writer}
        up = asyncio.create_task(self._pass_on(reader, far_writer, lambda: self._weather == "silent"))
        down = asyncio.create_task(self._pass_on(far_reader, writer, lambda: self._weather in {"silent", "deaf"}))
        try:
            await asyncio.wait({up, down})
        finally:
            self._open -= {writer, far_writer}
            for end in (writer, far_writer):
                end.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, int):
            return await asyncio.open_connection("127.0.0.1", self.target)
        return await asyncio.open_unix_connection(self.target)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_held: Callable[[], bool]
    ) -> None:
        with suppress(OSError, RuntimeError):  # the latter: its other end was shut meanwhile
            while data := await reader.read(65_536):
                if self._weather == "delayed":
                    await asyncio.sleep(DELAY_S)
                while is_held():
                    await self._changed.wait()
                if self._weather == "dripping":
                    data = await self._drip(data, writer)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

    async def _drip(self, data: bytes, writer: asyncio.StreamWriter) -> bytes:
        """Send one byte at a time while that is how it is; gives the rest."""
        at = 0
        while at < len(data) and self._weather == "dripping":
            writer.write(data[at : at + 1])
            await writer.drain()
            at += 1
            await asyncio.sleep(DRIP_S)
        return data[at:]
