"""A relay before a broker that loses acknowledgements: now and then it takes what a client sends, passes nothing on,
and cuts the link.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random

FIRST_CUT_BYTES, LAST_CUT_BYTES = 1_500, 4_000
"""What a client may send over one link before what it sends gets lost."""


class CutLinks:
    """Listens at a loopback port for the length of a block, and passes on to another; in a thread of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._dice = Random(target)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._listening = threading.Event()
        self.port = 0
        self.cut = 0

    def __enter__(self) -> "CutLinks":
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _listen(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        most = self._dice.randint(FIRST_CUT_BYTES, LAST_CUT_BYTES)
        up = asyncio.create_task(_pass_on(reader, far_writer, lambda passed: passed > most))
        down = asyncio.create_task(_pass_on(far_reader, writer, lambda _: False))
        _, waiting = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        self.cut += 1
        for each in waiting:
            each.cancel()
        for end in (writer, far_writer):
            end.close()
            with suppress(OSError):
                await end.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_lost: Callable[[int], bool]) -> None:
    passed = 0
    with suppress(OSError):
        while data := await reader.read(65_536):
            passed += len(data)
            if is_lost(passed):
                return
            writer.write(data)
            await writer.drain()
