"""Connections that are kept, and requests as bytes: for tests of what goes over the wire."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.integration.http_shop import Shop

from laurels.model import Version

ODD_ID = "ann+1@example.com"
NO_EDGE = {"Content-Length": "0"}
"""What makes a request one that the edge has no answer to, and changes nothing else."""


def sealed(shop: Shop, position: int) -> str:
    return shop.services.dashboards.versions.seal.token(Version(1, {0: position}))


def request(shop: Shop, target: str, member: str = "m1", method: str = "GET", **headers: str) -> bytes:
    sent = {
        "Host": f"127.0.0.1:{shop.port}",
        "Authorization": f"Bearer {tokens(shop, member)}",
        "X-Request-Id": "r1",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode()


_TOKENS: dict[tuple[Path, str], str] = {}


def tokens(shop: Shop, member: str) -> str:
    """One token for each member, so that it is remembered."""
    return _TOKENS.setdefault((shop.services.settings.state, member), shop.token(member=member))


class Line:
    """A connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> bytes:
        """The next whole answer, without what differs from one to the next by design: the date, what is left of the
        quota.
        """
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: (\d+)", head)
            body = await self.reader.readexactly(int(length[1])) if length else b""
        return re.sub(rb"\r\n(date|ratelimit): [^\r]*", rb"\r\n\1: -", head) + body

    async def ask(self, sent: bytes) -> bytes:
        self.writer.write(sent)
        return await self.answer()


Connect = Callable[[Shop], Awaitable[Line]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects, and hangs up at the end."""
    lines: list[Line] = []

    async def open_line(shop: Shop) -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", shop.port)))
        return lines[-1]

    yield open_line
    for line in lines:
        line.writer.close()
        await line.writer.wait_closed()
