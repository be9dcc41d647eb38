"""The load: keep-alive connections on loopback that ask, read the whole answer, and ask again.

Small on purpose, so that the server and not this is what is measured: it reads of an answer its status and its length
alone. What it costs is told with the figures.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

HOST = "127.0.0.1"
TICK_S = 0.000_5
_LENGTH = b"\r\ncontent-length: "
_END = b"\r\n\r\n"


@dataclass
class Outcome:
    """What a run saw. `latencies_s` are in no order."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many answers came."""
        return self.statuses.total()

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the latencies."""
        ordered = sorted(self.latencies_s)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1e3 if ordered else float("nan")


async def closed_loop(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Outcome:
    """Keep so many requests under way, each connection asking again as soon as it was answered, until the time is over
    or there are no more requests.
    """
    outcome = Outcome()
    start = perf_counter()

    def go_on(line: Line) -> None:
        request = next(requests, None) if perf_counter() - start < seconds else None
        if request is None:
            line.close()
        else:
            line.ask(request, perf_counter())

    lines = await _connect(port, connections, outcome, go_on)
    start = perf_counter()
    for line in lines:
        go_on(line)
    await asyncio.gather(*(line.over for line in lines))
    outcome.seconds = perf_counter() - start
    return outcome


async def open_loop(port: int, requests: Iterator[bytes], *, rate: int, connections: int, seconds: float) -> Outcome:
    """Send `rate` requests a second when they are due, whatever the answers take. Latencies count from when a request
    was due, so that a server that stalls cannot hide it by being asked less (coordinated omission).
    """
    outcome = Outcome()
    start = perf_counter()
    due = iter([start + n / rate for n in range(int(rate * seconds))])
    overdue: deque[float] = deque()
    idle: list[Line] = []

    def go_on(line: Line) -> None:
        if overdue:
            line.ask(next(requests), overdue.popleft())
        else:
            idle.append(line)

    lines = await _connect(port, connections, outcome, go_on)
    idle += lines
    for at in due:
        if at > perf_counter():
            await asyncio.sleep(max(at - perf_counter(), TICK_S))
        overdue.append(at)
        if idle:
            go_on(idle.pop())
    while len(idle) < connections:  # noqa: ASYNC110 - the lines come back by themselves
        await asyncio.sleep(TICK_S)
    outcome.seconds = perf_counter() - start
    for line in lines:
        line.close()
    await asyncio.gather(*(line.over for line in lines))
    return outcome


async def _connect(port: int, connections: int, outcome: Outcome, go_on: "Callable[[Line], None]") -> "list[Line]":
    loop = asyncio.get_running_loop()

    def answered(line: Line, status: int, latency_s: float) -> None:
        outcome.statuses[status] += 1
        outcome.latencies_s.append(latency_s)
        go_on(line)

    return [(await loop.create_connection(lambda: Line(answered), HOST, port))[1] for _ in range(connections)]


class Connection:
    """One connection for a client that waits for its answer; for what is not to be fast."""

    async def open(self, port: int) -> "Connection":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(HOST, port)
        return self

    async def ask(self, request: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The status, the headers and the body of one answer."""
        self._writer.write(request)
        status, *lines = (await self._reader.readuntil(_END)).decode("latin-1").strip().split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        return int(status[9:12]), headers, await self._reader.readexactly(int(dict(headers)["content-length"]))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Line(asyncio.Protocol):
    """One connection, and at most one request under way on it."""

    def __init__(self, answered: "Callable[[Line, int, float], None]") -> None:
        """`answered` gets the status, and the seconds since what `ask` was told."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answered = answered
        self._heard = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's call: we are connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def ask(self, request: bytes, since: float) -> None:
        """Send a request. Its latency counts `since` then."""
        self._since = since
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Asyncio's call: more of the answer, or all of it."""
        heard = self._heard = self._heard + data if self._heard else data
        head = heard.find(_END)
        if head < 0:
            return
        at = heard.find(_LENGTH, 0, head)
        if at < 0:
            at = heard.lower().find(_LENGTH, 0, head)  # nginx writes it with capitals
        length = int(heard[at + len(_LENGTH) : heard.find(b"\r", at + len(_LENGTH))]) if at >= 0 else 0
        if len(heard) < head + len(_END) + length:
            return
        self._heard = b""
        self._answered(self, int(heard[9:12]), perf_counter() - self._since)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's call: one of both hung up."""
        if not self.over.done():
            if exc is None:
                self.over.set_result(None)
            else:
                self.over.set_exception(exc)
