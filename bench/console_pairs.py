"""What people at the console cost those who are served meanwhile: awards, and the hot read, with the console in use and
without, in turns.

Told are rates by the clock, and processor time of `laurels serve` for each award and each read: on a machine whose
processors are all busy the console's own work takes from the rate whatever it is, and from nobody's time.
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any, NamedTuple

import httpx
from bench.console_people import round_of
from bench.console_processes import Processes, cpu_us
from tests.console.console_shop import Visitor

from laurels.http.admission.tokens import sign_token

AT_ONCE = 500
"""Orders in one call."""

READERS = 8
MEMBERS = 5_000
"""Who look at their own places at most, each with a quota of its own."""


class Measured(NamedTuple):
    """A second's worth, and the processor's microseconds for each."""

    rate: float
    cpu_us: float


class Pair(NamedTuple):
    """The same without the console in use, and with it."""

    without: Measured
    used: Measured


Measure = Callable[[], Awaitable[Measured]]


async def pairs(shop: Processes, options: argparse.Namespace) -> dict[str, list[Pair]]:
    """So many pairs of each kind."""
    token = sign_token(shop.settings, subject="bench", scope="orders:write status:read", ttl_s=36_000)
    made = options.members // options.copies
    ids = [f"m{n}" for n in range(0, made, max(1, made // MEMBERS))]
    members = {id: sign_token(shop.settings, subject=id, scope=None, ttl_s=36_000) for id in ids}
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=shop.base, headers=headers, timeout=60) as client:
        load = Load(client, shop.serve, options, members)
        found: dict[str, list[Pair]] = {}
        for name, measure in (("awards", load.awards), ("hot reads", load.reads)):
            await measure()  # warm
            found[name] = [await pair(measure, shop.visitors, options, n) for n in range(options.pairs)]
    return found


async def pair(measure: Measure, visitors: list[Visitor], options: argparse.Namespace, n: int) -> Pair:
    """Both ways, this one first and the next time the other one."""
    if n % 2:
        used = await with_people(measure, visitors, options, n)
        return Pair(await measure(), used)
    without = await measure()
    return Pair(without, await with_people(measure, visitors, options, n))


async def with_people(measure: Measure, visitors: list[Visitor], options: argparse.Namespace, n: int) -> Measured:
    """Measure while people are at work."""

    async def at_work(visitor: Visitor, rng: random.Random) -> None:
        while True:
            await round_of(visitor, rng, options, {})

    people = [asyncio.create_task(at_work(each, random.Random(n * 1000 + m))) for m, each in enumerate(visitors)]
    try:
        return await measure()
    finally:
        for each in people:
            each.cancel()
        for error in await asyncio.gather(*people, return_exceptions=True):
            assert isinstance(error, asyncio.CancelledError), error


class Load:
    """What is asked of `laurels serve`."""

    def __init__(
        self, client: httpx.AsyncClient, serve: int, options: argparse.Namespace, members: dict[str, str]
    ) -> None:
        """`members` are those who look, with their tokens."""
        self._client = client
        end = f" HTTP/1.1\r\nHost: {client.base_url.host}\r\nAuthorization: Bearer"
        self._looks = [f"GET /loyalty/{id}{end} {token}\r\n\r\n".encode() for id, token in members.items()]
        self._serve = serve
        self._options = options
        self._orders = 0
        self._rng = random.Random(options.seed)

    async def awards(self) -> Measured:
        """Orders in bulk calls, until all of them are awarded."""
        before, cpu, began = await self._head(), cpu_us(self._serve), time.perf_counter()
        sent = 0
        while time.perf_counter() - began < self._options.span:
            orders = [self._order() for _ in range(AT_ONCE)]
            answer = await self._client.post("/orders", json=orders)
            assert answer.is_success, answer.text
            sent += AT_ONCE
        while await self._head() < before + sent:  # noqa: ASYNC110 - another process awards them
            await asyncio.sleep(0.02)
        took = time.perf_counter() - began
        return Measured(sent / took, (cpu_us(self._serve) - cpu) / sent)

    async def reads(self) -> Measured:
        """Members' own looks at their place and neighbours, over as many connections as are told of elsewhere."""
        counts, cpu, began = [0] * READERS, cpu_us(self._serve), time.perf_counter()
        ends = began + self._options.span
        base = self._client.base_url

        async def read(n: int) -> None:
            reader, writer = await asyncio.open_connection(base.host, base.port)
            while time.perf_counter() < ends:
                writer.write(self._looks[self._rng.randrange(len(self._looks))])
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 "), head
                _, _, after = head.lower().partition(b"content-length: ")
                await reader.readexactly(int(after.partition(b"\r")[0]))
                counts[n] += 1
            writer.close()

        await asyncio.gather(*map(read, range(READERS)))
        took = time.perf_counter() - began
        return Measured(sum(counts) / took, (cpu_us(self._serve) - cpu) / sum(counts))

    def _member(self) -> int:
        return self._rng.randrange(self._options.members // self._options.copies)

    def _order(self) -> dict[str, Any]:
        self._orders += 1
        return {
            "order_id": f"beside{os.getpid()}-{self._orders}",
            "member_id": f"m{self._member()}",
            "currency": "GBP",
            "total": f"{5 + self._rng.randrange(200)}.00",
        }

    async def _head(self) -> int:
        heads = (await self._client.get("/status")).json()["heads"]
        return sum(each["position"] for each in heads)


def told(found: dict[str, list[Pair]]) -> list[str]:
    """A line for each kind: medians of both, and of what each pair came to."""
    lines = []
    for name, each in found.items():
        rates = median(it.without.rate for it in each), median(it.used.rate for it in each)
        costs = median(it.without.cpu_us for it in each), median(it.used.cpu_us for it in each)
        rate = 100 * median(it.used.rate / it.without.rate for it in each)
        cost = 100 * median(it.without.cpu_us / it.used.cpu_us for it in each)
        lines.append(
            f"{name:12} {rates[0]:8,.0f}/s alone, {rates[1]:8,.0f}/s with the console in use: {rate:.1f} %; processor "
            f"{costs[0]:,.0f} and {costs[1]:,.0f} us each: {cost:.1f} %  (bound 98)"
        )
    return lines
