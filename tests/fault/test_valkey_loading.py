"""A checkpoint that is loaded onto a Valkey, by a process that dies or is overtaken on the way."""

from array import array
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests import valkey_server
from tests.valkey_server import leaderboard

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.errors import BoardMoved
from laurels.leaderboard import ALL_TIME, Change, Followed, LoadPart, Merged, Scored
from laurels.model import Mark
from laurels.testing.leaderboard_feeds import FOLLOWED, ScriptedFeed, join, mark, score

pytestmark = pytest.mark.anyio

MANY = LoadPart(
    numbers=array("q", range(2_500)),
    ids=[f"member-{member}" for member in range(2_500)],
    name_numbers=array("q", range(2_500)),
    hidden=bytes(2_500),
    scores={ALL_TIME: (array("q", range(2_500)), array("q", range(1, 2_501)))},
)


async def test_what_a_process_left_half_loaded_is_not_built_upon(valkey_url: str) -> None:
    """Killed between two parts: the next one follows the feed from its start, nothing counts twice, nothing is left."""
    async with leaderboard(valkey_url) as engine:
        await ScriptedFeed(engine).begin(*join(0), *score({0: 9}))
        dying = await ValkeyLeaderboard.open(valkey_url, prefix=engine._prefix)

        async def parts() -> AsyncIterator[LoadPart]:
            yield MANY
            raise ProcessLookupError

        with pytest.raises(ProcessLookupError):  # nothing is cleaned up on the way out: it is as if it was killed
            await dying.load(replace(FOLLOWED, marks={0: mark(5_000)}), parts())
        assert await engine.followed() == FOLLOWED
        assert (await engine.read(ALL_TIME, "member-0", top=1, around=0)).top[0].points == 9
        await engine.apply(0, list(enumerate([*join(3), *score({3: 4})], 1)), mark(2))
        await engine.confirm(2)
        assert [row async for rows in engine.standings(ALL_TIME) for row in rows] == [("member-3", 4, 1, 1)]
        await valkey_server.check(engine)
        await dying.close()


async def test_who_is_overtaken_while_loading_is_told(valkey_url: str) -> None:
    """Another process begins anew meanwhile: what that one builds stands."""
    async with leaderboard(valkey_url) as engine:
        other = await ValkeyLeaderboard.open(valkey_url, prefix=engine._prefix)
        theirs = Followed(identity="ledger-1", epoch=2)

        async def parts() -> AsyncIterator[LoadPart]:
            yield MANY
            await other.reset(theirs)
            yield MANY

        with pytest.raises(BoardMoved):
            await engine.load(replace(FOLLOWED, marks={0: mark(5_000)}), parts())
        assert await engine.followed() == theirs
        await other.confirm(1)
        await valkey_server.check(other)
        await other.close()


async def test_what_was_loaded_is_whole_on_the_server(valkey_url: str) -> None:
    """Sums, rankings and ids agree, and go on to do so."""
    async with leaderboard(valkey_url) as engine:

        async def parts() -> AsyncIterator[LoadPart]:
            yield MANY

        await engine.load(replace(FOLLOWED, marks={0: mark(5_000)}), parts())
        await engine.confirm(1)
        await valkey_server.check(engine)
        changes: list[Change] = [Merged(7, 8), Scored(7, ALL_TIME, 3)]
        await engine.apply(0, list(enumerate(changes, 5_001)), Mark(5_002, b"x"))
        await valkey_server.check(engine)
        me = (await engine.read(ALL_TIME, "member-7", top=0, around=0)).me
        assert me is not None
        assert (me.member, me.points) == (8, 20)


async def test_merged_sums_are_exact_to_the_last_bit(valkey_url: str) -> None:
    """Beyond the 53 bits of a number of Lua, on both sides of zero, and up to the ends of 64 bits."""
    most, least = 2**63 - 1, -(2**63)
    for one, other in [(2**53 + 1, 2**62), (most, least), (least, most), (-1, most), (least, 0), (-(2**53) - 1, 5)]:
        async with leaderboard(valkey_url) as engine:
            feed = ScriptedFeed(engine)
            await feed.begin(*join(0, 1), *score({0: one, 1: other}), Merged(0, 1))
            rest = one + other
            back = [-rest] if rest != least else [most, 1]
            await feed.add(*(Scored(0, ALL_TIME, points) for points in back), Scored(0, ALL_TIME, 6))
            me = (await engine.read(ALL_TIME, "member-0", top=0, around=0)).me
            assert me is not None
            assert (me.member, me.points) == (1, 6)
