"""The board on the Valkey of a shop that uses it for more: identity, prefixes, rights, causes, snapshots, bounds.

In full: `tests/fault/test_valkey_*.py`: `shared` (two ledgers, foreign keys), `lost` (snapshots, restarts), `rights`
(each right taken away), `troubles` (each word of the server), `refused` (role, policy, cluster), `tls`, `failover`
(real sentinels, a replica that missed a rebuild), `loading`. The longest command while others wait, and bytes a member
on Redis and on Valkey, are printed by `bench/micro/valkey_leaderboard.py`.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.key_value_server import Process, running, valkey_binary

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.engines.valkey.leaderboard import READ_WITHIN_S
from laurels.errors import BoardMoved, BoardNotReady, BoardUnavailable, SettingsError
from laurels.leaderboard import ALL_TIME, Followed, Joined, Scored
from laurels.model import Mark

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with running(Process(valkey_binary(), tmp_path_factory.mktemp("shared"))) as server:
        yield server


@pytest.fixture
def server(shared: Process) -> Process:
    shared.command("FLUSHALL")
    return shared


@asynccontextmanager
async def board(server: Process, identity: str = "one", prefix: str = "laurels") -> AsyncIterator[ValkeyLeaderboard]:
    """A board with ann on it, 5 points."""
    engine = await ValkeyLeaderboard.open(server.url, identity=identity, prefix=prefix)
    try:
        await build(engine, identity)
        yield engine
    finally:
        await engine.close()


async def build(engine: ValkeyLeaderboard, identity: str = "one") -> None:
    await engine.reset(Followed(identity=identity, epoch=1))
    await engine.apply(0, [(1, Joined(0, "ann", 7)), (2, Scored(0, ALL_TIME, 5))], Mark(2, b"2"))
    await engine.confirm(1)


async def points(engine: ValkeyLeaderboard) -> int | None:
    view = await engine.read(ALL_TIME, "ann", top=1, around=1)
    return None if view.me is None else view.me.points


async def test_two_ledgers_on_one_database_never_show_each_others_board(server: Process) -> None:
    """The identity is looked at in the read itself, and at the start; a prefix keeps them apart."""
    other = await ValkeyLeaderboard.open(server.url, identity="two")
    async with board(server) as one:
        with pytest.raises(BoardNotReady, match="FOREIGN"):
            await points(other)
        await other.close()
        with pytest.raises(SettingsError, match=r"leaderboard\.prefix"):
            await ValkeyLeaderboard.open(server.url, identity="two")
        async with board(server, "two", "another") as two:
            await two.apply(0, [(3, Scored(0, ALL_TIME, 1))], Mark(3, b"3"))
            assert (await points(one), await points(two)) == (5, 6)


async def test_keys_that_are_not_ours_stay(server: Process) -> None:
    theirs = ["laurels:12:sessions", "laurels:1:state", "laurelsx", "laurels:x"]
    for key in theirs:
        server.command("SET", key, "theirs")
    async with board(server) as engine:
        for _ in range(2):
            await build(engine)
        await engine.clear()
    assert sorted(server.command("KEYS", "*")) == sorted(theirs)


async def test_a_notice_that_is_refused_destroys_nothing(server: Process) -> None:
    server.command("ACL", "SETUSER", "shop", "on", ">pw", "~*", "&*", "+@all")
    engine = await ValkeyLeaderboard.open(server.url.replace("//", "//shop:pw@"), identity="one")
    await build(engine)
    server.command("ACL", "SETUSER", "shop", "resetchannels")
    await engine.apply(0, [(3, Scored(0, ALL_TIME, 1))], Mark(3, b"3"))
    assert await points(engine) == 6
    await engine.close()
    with pytest.raises(SettingsError, match="&laurels"):
        await ValkeyLeaderboard.open(server.url.replace("//", "//shop:pw@"), identity="one")


async def test_an_older_snapshot_under_a_running_board_is_whole_once_the_feed_is_in(tmp_path: Path) -> None:
    """Saved before a rebuild: its generation is one that this process knows to be old."""
    with running(Process(valkey_binary(), tmp_path / "own")) as server:
        async with board(server) as engine:
            server.command("SAVE")
            await build(engine)
            await engine.apply(0, [(3, Scored(0, ALL_TIME, 1))], Mark(3, b"3"))
            server.kill()
            server.start()
            with suppress(BoardMoved, BoardUnavailable):
                await engine.followed()
            followed = await engine.followed()
            assert followed.marks == {0: Mark(2, b"2")}
            await engine.apply(0, [(3, Scored(0, ALL_TIME, 1))], Mark(3, b"3"))
            await engine.confirm(2)
            assert await points(engine) == 6


async def test_the_cause_is_in_the_log_by_the_servers_word(server: Process) -> None:
    async with board(server) as engine:
        [key] = server.command("KEYS", "laurels:*:ranking:all-time")
        server.command("SET", key, "mine")
        with capture_logs() as logs, pytest.raises(BoardUnavailable):
            await engine.apply(0, [(3, Scored(0, ALL_TIME, 1))], Mark(3, b"3"))
        assert {line["word"] for line in logs} == {"WRONGTYPE"}
        assert all(line["do"] for line in logs)
    with pytest.raises(SettingsError, match="answers DB"):
        await ValkeyLeaderboard.open(f"{server.url}/99")


async def test_readers_of_a_hung_server_have_one_bound(server: Process) -> None:
    async with board(server) as engine:
        server.signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            told = await asyncio.gather(*(points(engine) for _ in range(20)), return_exceptions=True)
            assert {type(each) for each in told} == {BoardNotReady}
            assert time.monotonic() - begun < 10 * READ_WITHIN_S, "one after another it would be twenty times"
        finally:
            server.signal(signal.SIGCONT)
        assert await points(engine) == 5
