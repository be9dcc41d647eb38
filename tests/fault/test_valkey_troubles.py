"""What a server refuses, and why, is in the log by its own word and with what to do; readers are told, and are never
told a wrong thing.
"""

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.key_value_server import Process, redis_binary, running, valkey_binary

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.engines.valkey.leaderboard import READ_WITHIN_S
from laurels.errors import BoardMoved, BoardNotReady, BoardUnavailable, SettingsError
from laurels.leaderboard import ALL_TIME, Followed, Joined, Scored, View
from laurels.model import Mark, Version

pytestmark = pytest.mark.anyio

SOON_S = 60


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """Each of the two, for their words differ."""
    with running(Process(valkey_binary() if request.param == "valkey" else redis_binary(), tmp_path / "one")) as one:
        yield one


@asynccontextmanager
async def board(url: str) -> AsyncIterator[ValkeyLeaderboard]:
    """A board with one member on it."""
    engine = await ValkeyLeaderboard.open(url, identity="ledger")
    await engine.reset(Followed(identity="ledger", epoch=1))
    await engine.apply(0, [(1, Joined(0, "ann", 7)), (2, Scored(0, ALL_TIME, 5))], Mark(2, b"2"))
    await engine.confirm(1)
    try:
        yield engine
    finally:
        await engine.close()


async def score(engine: ValkeyLeaderboard) -> None:
    """Try to follow one more entry."""
    await engine.apply(0, [(3, Scored(0, ALL_TIME, 1))], Mark(3, b"3"))


async def points(engine: ValkeyLeaderboard) -> int:
    """What the member has on the board."""
    view = await engine.read(ALL_TIME, "ann", top=1, around=1)
    assert view.me is not None
    return view.me.points


def words(logs: list[Any]) -> set[str]:
    """The troubles in the log. Each says what to do."""
    found = [line for line in logs if line["event"] == "leaderboard.trouble"]
    assert all(line["do"] and line["server"] for line in found)
    return {line["word"] for line in found}


def full(server: Process) -> None:
    server.command("CONFIG", "SET", "maxmemory", "1")


def cannot_save(server: Process) -> None:
    server.command("CONFIG", "SET", "save", "1 1")
    folder = Path(server.command("CONFIG", "GET", "dir")["dir"])
    shutil.rmtree(folder)
    server.command("SET", "x", "y")
    with suppress(Exception):
        server.command("BGSAVE")
    until = time.monotonic() + SOON_S
    while server.command("INFO", "persistence")["rdb_last_bgsave_status"] == "ok" and time.monotonic() < until:
        time.sleep(0.02)


def replica_by_now(server: Process) -> None:
    server.command("REPLICAOF", "127.0.0.1", 1)


def lacks_replicas(server: Process) -> None:
    server.command("CONFIG", "SET", "min-replicas-to-write", 1)


def wants_a_password(server: Process) -> None:
    server.command("CONFIG", "SET", "requirepass", "hunter2")
    with suppress(Exception):
        server.command("CLIENT", "KILL", "TYPE", "normal", password="hunter2")


@pytest.mark.parametrize(
    ("trouble", "word"),
    [
        (full, "OOM"),
        (cannot_save, "MISCONF"),
        (replica_by_now, "READONLY"),
        (wants_a_password, "NOAUTH"),
        (lacks_replicas, "NOREPLICAS"),
    ],
)
async def test_the_log_has_the_servers_word_and_nothing_is_destroyed(
    server: Process, trouble: Callable[[Process], None], word: str
) -> None:
    async with board(server.url) as engine:
        trouble(server)
        with capture_logs() as logs, pytest.raises(BoardUnavailable) as told:
            await score(engine)
        assert words(logs) & {word, "REFUSED"}
        assert word in str(logs)
        assert str(server.port) not in told.value.message
        with suppress(BoardNotReady):
            assert await points(engine) == 5


async def test_a_key_that_somebody_wrote_over_is_named(server: Process) -> None:
    async with board(server.url) as engine:
        [key] = server.command("KEYS", "laurels:*:ranking:all-time")
        server.command("SET", key, "mine")
        with capture_logs() as logs, pytest.raises(BoardUnavailable):
            await score(engine)
        assert words(logs) == {"WRONGTYPE"}
        with pytest.raises(BoardNotReady):
            await points(engine)


async def test_somebodys_long_script_is_named_and_waited_out(server: Process) -> None:
    """Readers are told at once, and the board is as it was afterwards."""
    async with board(server.url) as engine:
        server.command("CONFIG", "SET", "busy-reply-threshold", "10")
        script = asyncio.create_task(asyncio.to_thread(_keep_busy, server))
        with capture_logs() as logs:
            async with asyncio.timeout(SOON_S):
                while "BUSY" not in words(logs):
                    with suppress(BoardNotReady):
                        await points(engine)
        server.command("SCRIPT", "KILL")
        await script
        assert await points(engine) == 5


def _keep_busy(server: Process) -> None:
    with suppress(Exception):  # it is killed
        server.command("EVAL", "while true do end", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda url: f"{url}/99", "answers DB.*correct the number at the end"),
        (lambda url: url.replace("//", "//nobody:hunter2@"), "does not take this user and password"),
    ],
)
async def test_what_will_never_do_is_refused_at_the_start(
    server: Process, change: Callable[[str], str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as refusal:
        await ValkeyLeaderboard.open(change(server.url))
    assert "hunter2" not in str(refusal.value)


async def test_tls_to_a_plain_port_is_named(server: Process) -> None:
    with capture_logs() as logs:
        await (await ValkeyLeaderboard.open(server.url.replace("valkey://", "valkeys://"))).close()
    assert words(logs) == {"TLS"}


async def test_what_becomes_a_replica_is_looked_at_again_and_used_once_it_is_a_primary(server: Process) -> None:
    async with board(server.url) as engine:
        replica_by_now(server)
        for _ in range(2):
            with pytest.raises(BoardUnavailable):
                await score(engine)
        with pytest.raises(BoardNotReady, match="REFUSED"):
            await points(engine)
        server.command("REPLICAOF", "NO", "ONE")
        await score(engine)
        assert await points(engine) == 6


async def test_a_server_that_may_evict_when_it_is_back_is_not_used(tmp_path: Path) -> None:
    """It was set up otherwise meanwhile, and every connection is a new one."""
    server = Process(valkey_binary(), tmp_path)
    server.start()
    try:
        async with board(server.url) as engine:
            server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            with capture_logs() as logs, pytest.raises(BoardNotReady, match="REFUSED"):
                await points(engine)
            assert "Set maxmemory-policy noeviction" in str(logs)
    finally:
        server.kill()


async def test_readers_of_a_hung_server_have_one_bound(server: Process) -> None:
    """However many there are, with connections and without; and then it goes on."""
    async with board(server.url) as engine:
        server.signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                readers = [tasks.create_task(_refused(engine)) for _ in range(100)]
                ended: list[object] = []
                waiter = tasks.create_task(engine.wait_for_change(Version(1, {0: 2}), 0.2))
                for each in (waiter, *readers):
                    each.add_done_callback(ended.append)
            assert ended[0] is waiter, "it waits for as long as it was asked to"
            assert all(reader.result() for reader in readers)
            assert time.monotonic() - begun < 10 * READ_WITHIN_S, "one bound for all, and not one after another"
        finally:
            server.signal(signal.SIGCONT)
        assert await points(engine) == 5


async def _refused(engine: ValkeyLeaderboard) -> bool:
    with pytest.raises(BoardNotReady, match="NO-ANSWER"):
        await points(engine)
    return True


async def test_a_notice_that_is_refused_destroys_nothing(server: Process) -> None:
    """A user that may not publish any more: the board goes on, and who waits sees it when the time is up."""
    server.command("ACL", "SETUSER", "shop", "on", ">pw", "~*", "&*", "+@all")
    async with board(server.url.replace("//", "//shop:pw@")) as engine:
        server.command("ACL", "SETUSER", "shop", "resetchannels")
        await score(engine)
        assert await points(engine) == 6


class Noise:
    """A way to a server that damages what comes back."""

    def __init__(self, port: int, damage: Callable[[bytes], bytes]) -> None:
        self.damage = damage
        self.is_noisy = False
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The address to use instead of the server's."""
        listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"valkey://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        for task in (self._carry(reader, forth, noisy=False), self._carry(back, writer, noisy=True)):
            self._tasks.add(asyncio.create_task(task))

    async def _carry(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, noisy: bool) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                to.write(self.damage(data) if noisy and self.is_noisy else data)
                await to.drain()
        to.close()


async def test_damaged_answers_are_no_answers(server: Process, rng: Random) -> None:
    """Bytes changed, lost, added, or all at random: what is shown is as it was sent, or nothing is, and it is said."""

    def damage(data: bytes) -> bytes:
        at = rng.randrange(len(data))
        return rng.choice(
            [
                data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :],
                data[:at] + str(rng.randrange(10)).encode() + data[at + 1 :],
                data[:at] + data[at + 1 :],
                data[:at] + rng.randbytes(3) + data[at:],
                rng.randbytes(len(data)),
                data + data,
                data,
            ]
        )

    noise = Noise(server.port, damage)
    async with noise.listening() as url, board(url) as engine:
        await engine.apply(
            0, [(n + 3, change) for n in range(1, 30) for change in (Joined(n, f"m{n}", n), Scored(n, ALL_TIME, n))],
            Mark(40, b"40"),
        )  # fmt: skip
        wanted: dict[str, View] = {
            who: await engine.read(ALL_TIME, who, top=5, around=2) for who in ("ann", *(f"m{n}" for n in range(1, 30)))
        }
        rows = [row async for chunk in engine.standings(ALL_TIME) for row in chunk]
        noise.is_noisy = True
        refused = shown = 0
        with capture_logs() as logs:
            for turn in count():
                if turn >= 150 and refused > 20 and shown > 5:
                    break
                who = rng.choice([*wanted])
                try:
                    # What a damaged answer lacks would be waited for; what a busy machine is late with is, by and by.
                    async with asyncio.timeout(0.1 * (1 + turn // 150)):
                        if turn % 5:
                            assert await engine.read(ALL_TIME, who, top=5, around=2) == wanted[who]
                        else:
                            assert [row async for chunk in engine.standings(ALL_TIME) for row in chunk] == rows
                    shown += 1
                except (BoardNotReady, TimeoutError):
                    refused += 1
        assert words(logs)
        noise.is_noisy = False
        async with asyncio.timeout(SOON_S):
            while True:
                with suppress(BoardNotReady, BoardMoved):
                    assert await engine.read(ALL_TIME, "m3", top=5, around=2) == wanted["m3"]
                    break
