"""A server that others use as well: another ledger's board is neither shown nor written, and nobody else's key is
touched.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from tests import valkey_server
from tests.fault.test_valkey_lost import assert_whole, sell
from tests.valkey_server import ValkeyNode

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.errors import BoardNotReady, BoardUnavailable, SettingsError
from laurels.leaderboard import ALL_TIME, Followed, Joined, LoadPart, Scored
from laurels.model import Mark
from laurels.settings import load
from laurels.wiring import Services, build, clear_board

pytestmark = pytest.mark.anyio


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyNode]:
    with valkey_server.running(tmp_path / "valkey") as server:
        yield server


@asynccontextmanager
async def shop(server: ValkeyNode, state: Path, **flags: str) -> AsyncIterator[Services]:
    """A Laurels with a ledger of its own."""
    settings = {"state": state, "leaderboard.engine": "valkey", "leaderboard.url": server.url}
    async with build(load(settings | flags, environment={})) as services:
        yield services


async def test_a_prefix_that_another_ledger_has_is_refused_at_the_start(
    server: ValkeyNode, tmp_path: Path, rng: Random
) -> None:
    async with shop(server, tmp_path / "one") as one:
        await sell(one, rng)
        await one.projector.catch_up()
        with pytest.raises(SettingsError, match=r"leaderboard\.prefix: .* of another ledger under laurels\."):
            async with shop(server, tmp_path / "two"):
                pass
        await assert_whole(one)
    server.command("DEL", "laurels")  # as the message says
    async with shop(server, tmp_path / "two") as two:
        await sell(two, rng)
        await two.projector.catch_up()
        await assert_whole(two)


async def test_two_ledgers_under_two_prefixes_keep_apart(server: ValkeyNode, tmp_path: Path, rng: Random) -> None:
    """Also where one prefix is a pattern that the other one fits, or its beginning."""
    flags = [{"leaderboard.prefix": prefix} for prefix in ("shop*", "shop:12", "shop")]
    async with (
        shop(server, tmp_path / "one", **flags[0]) as one,
        shop(server, tmp_path / "two", **flags[1]) as two,
        shop(server, tmp_path / "three", **flags[2]) as three,
    ):
        for each in (one, two, three):
            await sell(each, rng)
            await each.projector.catch_up()
        for each in (three, two, one):
            await each.projector.rebuild()
        for each in (one, two, three):
            await assert_whole(each)
            assert isinstance(each.leaderboard, ValkeyLeaderboard)
    for prefix in ("shop[*]", "shop:12", "shop"):
        keys = server.command("KEYS", f"{prefix}:1*:state")
        assert isinstance(keys, list)
        assert len([key for key in keys if prefix != "shop" or not key.startswith(b"shop:12:")]) == 1


async def test_who_comes_to_an_empty_server_at_once_reads_no_other_ones_board(server: ValkeyNode) -> None:
    """Both found nothing at the start; the second one to follow its feed is told, and shows nothing."""
    one = await ValkeyLeaderboard.open(server.url, identity="one")
    two = await ValkeyLeaderboard.open(server.url, identity="two")
    unbound = await ValkeyLeaderboard.open(server.url)
    await one.reset(Followed(identity="one", epoch=1))
    await one.apply(0, [(1, Joined(0, "ann", 7)), (2, Scored(0, ALL_TIME, 5))], Mark(2, b"2"))
    await one.confirm(1)
    for asked in (two.read(ALL_TIME, "ann", top=1, around=1), anext(two.standings(ALL_TIME))):
        with pytest.raises(BoardNotReady, match="FOREIGN"):
            await asked

    async def nothing() -> AsyncIterator[LoadPart]:
        return
        yield

    for done in (
        two.followed(),
        two.reset(Followed(identity="two", epoch=1)),
        two.load(Followed(identity="two", epoch=1), nothing()),
    ):
        with pytest.raises(BoardUnavailable, match="FOREIGN"):
            await done
    assert (await one.read(ALL_TIME, "ann", top=1, around=1)).ranked == 1
    assert (await unbound.read(ALL_TIME, "ann", top=1, around=1)).ranked == 1
    server.command("FLUSHALL")
    await two.reset(Followed(identity="two", epoch=1))
    await two.confirm(1)
    with pytest.raises(BoardNotReady, match="FOREIGN"):
        await one.read(ALL_TIME, "ann", top=1, around=1)
    for engine in (one, two, unbound):
        await engine.close()


async def test_keys_that_are_not_ours_stay(server: ValkeyNode, tmp_path: Path, rng: Random) -> None:
    """Whatever they are called; through rebuilds, and a load that broke off."""
    theirs = ["laurels:12:sessions", "laurels:1:state", "laurels:9:members:0", "laurels:x", "laurelsx:1:state", "other"]
    for key in theirs:
        server.command("SET", key, "theirs")
    async with shop(server, tmp_path / "one") as one:
        await sell(one, rng)
        await one.projector.catch_up()
        generation = server.command("HGET", "laurels", "served")
        assert isinstance(generation, bytes)
        theirs.append(f"laurels:{generation.decode()}:sessions")
        server.command("SET", theirs[-1], "theirs")
        for _ in range(3):
            await one.projector.rebuild()
        await assert_whole(one)
    for key in theirs:
        assert server.command("GET", key) == b"theirs"
    keys = server.command("KEYS", "laurels:*:ranking:all-time")
    assert isinstance(keys, list)
    assert len(keys) == 1
    await clear_board(load({"leaderboard.url": server.url}, environment={}).leaderboard)
    assert {key.decode() for key in server.command("KEYS", "*")} == set(theirs)  # type: ignore[attr-defined]


async def test_a_board_that_an_older_laurels_left_is_taken_over_and_swept(server: ValkeyNode) -> None:
    """It kept no list of its generations, and no identity beside the version."""
    engine = await ValkeyLeaderboard.open(server.url, identity="one")
    await engine.reset(Followed(identity="one", epoch=1))
    await engine.apply(0, [(1, Joined(0, "ann", 7)), (2, Scored(0, ALL_TIME, 5))], Mark(2, b"2"))
    await engine.confirm(1)
    server.command("DEL", "laurels:generations")
    server.command("HDEL", "laurels", "identity")
    assert (await engine.read(ALL_TIME, "ann", top=1, around=1)).ranked == 1
    await engine.reset(Followed(identity="one", epoch=1))
    await engine.confirm(1)
    keys = server.command("KEYS", "laurels:*:state")
    assert isinstance(keys, list)
    assert len(keys) == 1
    await engine.close()
