"""A relay before a broker: it passes on, cuts, delays, or goes silent as a firewall does that forgot a link."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random

FIRST_CUT_BYTES, LAST_CUT_BYTES = 1_500, 4_000
"""What a client may send over one link, where those are lossy, before what it sends gets lost."""


class UnsteadyLinks:
    """Listens at a loopback port for the length of a block, and passes on to another; in a thread of its own.

    Where it is `lossy` it loses acknowledgements: now and then it takes what a client sends, passes nothing on, and
    cuts the link.
    """

    def __init__(self, target: int = 0, *, lossy: bool = False) -> None:
        self.target = target
        self.lossy = lossy
        self.delay_s = 0.0
        """How much later everything arrives, in both directions."""
        self.port = 0
        self.cuts = 0
        self._rng = Random(target)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._listening = threading.Event()
        self._links: set[asyncio.Event] = set()
        self._silent: set[asyncio.Event] = set()
        self._mute = False

    def __enter__(self) -> "UnsteadyLinks":
        self._thread.start()
        assert self._listening.wait(60)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def cut(self) -> None:
        """Cut every link that is open."""
        self._loop.call_soon_threadsafe(self._cut)

    def go_silent(self) -> None:
        """Pass nothing on any more, over open links and new ones, and tell nobody."""
        self._loop.call_soon_threadsafe(self._silence)

    def speak(self) -> None:
        """Let new links through; those of before stay silent for ever."""
        self._mute = False

    def _cut(self) -> None:
        for link in self._links:
            link.set()

    def _silence(self) -> None:
        self._mute = True
        self._silent |= self._links

    async def _listen(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        link = asyncio.Event()
        self._links.add(link)
        if self._mute:
            self._silent.add(link)
        most = self._rng.randint(FIRST_CUT_BYTES, LAST_CUT_BYTES)
        ends = {
            asyncio.create_task(self._pass_on(link, reader, far_writer, lambda sent: self.lossy and sent > most)),
            asyncio.create_task(self._pass_on(link, far_reader, writer, lambda _: False)),
            asyncio.create_task(link.wait()),
        }
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:  # also at the end of the block
            self.cuts += 1
            self._links.discard(link)
            self._silent.discard(link)
            for each in ends:
                each.cancel()
            for end in (writer, far_writer):
                end.transport.abort()

    async def _pass_on(
        self,
        link: asyncio.Event,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_lost: Callable[[int], bool],
    ) -> None:
        passed = 0
        with suppress(OSError):
            while data := await reader.read(65_536):
                passed += len(data)
                if is_lost(passed):
                    return
                await asyncio.sleep(self.delay_s)
                if link not in self._silent:
                    writer.write(data)
                    await writer.drain()
        if link in self._silent:  # nor does the end of it come through
            await asyncio.Event().wait()
