"""What the memory leaderboard does beyond the port: with feeds that no ledger writes, and when it is closed."""

import asyncio

import pytest

from laurels.engines.memory import MemoryLeaderboard
from laurels.engines.memory.ranking import Ranking, member_at, place_of, points_at
from laurels.errors import BoardNotReady
from laurels.leaderboard import ALL_TIME, Change, Followed, Hidden, Leaderboard
from laurels.model import Mark
from laurels.model.entries import MAX_POINTS
from laurels.testing.leaderboard_feeds import FOLLOWED, ScriptedFeed, join, mark, score

pytestmark = pytest.mark.anyio


async def test_half_a_batch_is_never_served() -> None:
    engine = MemoryLeaderboard()
    upto = (await ScriptedFeed(engine).begin(*join(0, 1), *score({0: 5, 1: 4}))).marks[0].position
    changes: list[Change] = [*score({1: 100}), Hidden(7)]
    batch = list(enumerate(changes, upto + 1))
    with pytest.raises(KeyError):
        await engine.apply(0, batch, mark(upto + len(batch)))
    assert await engine.followed() == Followed()
    with pytest.raises(BoardNotReady):
        await engine.read(ALL_TIME, None, top=10, around=2)
    await ScriptedFeed(engine).begin(*join(0))
    assert (await engine.read(ALL_TIME, None, top=10, around=2)).ranked == 0


async def test_a_rebuild_that_fails_leaves_the_last_good_state() -> None:
    engine = MemoryLeaderboard()
    await ScriptedFeed(engine).begin(*join(0, 1), *score({0: 5, 1: 4}))
    good = await engine.read(ALL_TIME, None, top=10, around=2)
    await engine.reset(FOLLOWED)
    with pytest.raises(KeyError):
        await engine.apply(0, [(1, Hidden(3))], mark(1))
    assert await engine.followed() == Followed()
    assert await engine.read(ALL_TIME, None, top=10, around=2) == good


async def test_a_rebuild_begins_at_the_start_of_the_feed() -> None:
    with pytest.raises(ValueError, match="give no marks"):
        await MemoryLeaderboard().reset(Followed(identity="ledger-1", epoch=1, marks={0: Mark(5, b"five")}))


async def test_closing_wakes_who_waits_and_ends_service() -> None:
    engine = MemoryLeaderboard()
    known = (await ScriptedFeed(engine).begin(*join(0))).version
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(engine.wait_for_change(known, timeout_s=600))
        await asyncio.sleep(0)  # it waits now
        await engine.close()
    assert await engine.followed() == Followed()
    with pytest.raises(BoardNotReady):
        await engine.read(ALL_TIME, None, top=10, around=2)
    with pytest.raises(BoardNotReady):
        await anext(engine.standings(ALL_TIME))


async def test_it_is_a_leaderboard() -> None:
    leaderboard: Leaderboard = MemoryLeaderboard()
    assert leaderboard.name == "memory"


@pytest.mark.parametrize("points", [-MAX_POINTS, -1, 0, 1, 2, MAX_POINTS])
@pytest.mark.parametrize("member", [0, 1, 2**31, 2**32 - 1])
def test_a_place_gives_its_points_and_its_member_back(points: int, member: int) -> None:
    place = place_of(points, member)
    assert (points_at(place), member_at(place)) == (points, member)
    assert -(2**63) <= place < 2**63


@pytest.mark.parametrize("absent", [(5, 2), (4, 1), (6, 1), (1, 9)])
def test_who_is_not_ranked_cannot_be_taken_out(absent: tuple[int, int]) -> None:
    ranking = Ranking()
    ranking.add(5, 1)
    with pytest.raises(KeyError):
        ranking.remove(*absent)
    ranking._check()
    assert len(ranking) == 1
