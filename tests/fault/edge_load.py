"""Customers on kept-alive connections, who check each answer: whose request it answers, and whether it can be true."""

import asyncio
import json
import random
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

NO_EDGE = "Content-Length: 0\r\n"
HONEST = {"board-not-ready", "ledger-unavailable"}
"""What a 503 may say while something is away."""

Asked = tuple[str, str, str]
"""What a request is (`read` or `order`), its member, and the key that signed its token."""


class Load:
    """Customers at one port, in a thread of their own. `tokens` are by key and member, `till` orders for all."""

    def __init__(self, port: int, seed: int, tokens: Mapping[tuple[str, str], str], till: str) -> None:
        self.port, self.seed, self.tokens, self.till = port, seed, tokens, till
        self.members = sorted({member for _, member in tokens})
        self.sent: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self.customers = [Customer(self, n) for n in range(6)]
        self.key = "first"
        self.is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        self._thread.join()

    async def _run(self) -> None:
        results = await asyncio.gather(*(one.visit() for one in self.customers), return_exceptions=True)
        self.faults += [repr(result) for result in results if result is not None]
        self.is_over = True


class Customer:
    """One connection, which no fault of another process may break."""

    def __init__(self, load: Load, number: int) -> None:
        self.load, self.number = load, number
        self.rng = random.Random(f"{load.seed}-{number}")
        self.has_second = False
        """Whether the worker at the other end has heard of the second key, and so that the first is gone."""
        self._asked = 0
        self._seen: dict[str, int] = defaultdict(int)

    async def visit(self) -> None:
        """Ask until the load is over; raises where an answer is wrong."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.load.port)
        try:
            while not self.load.is_over:
                requests = [self._request() for _ in range(self.rng.choice((1, 1, 1, 1, 3)))]
                sent = b"".join(data for _, _, data in requests)
                cut = self.rng.choice((0, 0, 0, self.rng.randrange(len(sent))))
                writer.write(sent[:cut])
                await writer.drain()
                writer.write(sent[cut:])
                for id_, asked, _ in requests:
                    self._check(id_, asked, *await self._answer(reader))
                await asyncio.sleep(0.005)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[str, bytes]:
        async with asyncio.timeout(60):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"\r\ncontent-length: (\d+)", head)
            return head, await reader.readexactly(int(length[1])) if length else b""

    def _request(self) -> tuple[str, Asked, bytes]:
        self._asked += 1
        id_, load = f"c{self.number}-{self._asked}", self.load
        member = self.rng.choice(load.members)
        if self.rng.random() < 0.05:
            load.sent[member] += 1
            body = json.dumps({"member_id": member, "currency": "GBP", "total": "10.00"})
            line, more = f"POST /order/{id_}", f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            return id_, ("order", member, "till"), self._bytes(line, id_, load.till, more, body)
        key = "first" if load.key == "first" or self.rng.random() < 0.05 else load.key
        line = f"GET /loyalty/{member}?top={self.rng.randrange(12)}"
        more = NO_EDGE if self.rng.random() < 0.1 else ""
        return id_, ("read", member, key), self._bytes(line, id_, load.tokens[key, member], more, "")

    @staticmethod
    def _bytes(line: str, id_: str, token: str, more: str, body: str) -> bytes:
        head = f"{line} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id_}\r\nAuthorization: Bearer {token}\r\n{more}\r\n"
        return (head + body).encode()

    def _check(self, id_: str, asked: Asked, head: str, body: bytes) -> None:
        kind, member, key = asked
        status = head[9:12]
        self.load.answers[f"{kind} {key} {status}"] += 1
        assert f"\r\nx-request-id: {id_}\r\n" in head, f"{id_} was answered by {head}"
        answer: Any = json.loads(body) if body else {}
        if status == "503":
            assert answer["type"].removeprefix("/problems/") in HONEST, (asked, answer)
        elif kind == "order":
            assert status in {"200", "202"}, (asked, head, answer)
            self.load.acknowledged[member] += 1
        elif status == "200":
            assert not (key == "first" and self.has_second), "a key that was taken back let somebody in"
            self.has_second = self.has_second or key == "second"
            points = answer["me"]["points"]
            assert self._seen[member] <= points <= self.load.sent[member], (asked, points, self._seen[member])
            self._seen[member] = points
        else:
            is_refused = key != "till" and self.load.key == "second" and not (key == "second" and self.has_second)
            assert status in {"401", "429"}, (asked, head, answer)
            assert is_refused, (asked, head, answer)
