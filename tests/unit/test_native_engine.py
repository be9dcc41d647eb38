"""What the native leaderboard does beyond the port: which process writes, who may be asked for, how it is chosen."""

import asyncio
import fcntl
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines import NAMES, native_leaderboard, needs_native
from tests.settings import settings_with

from laurels.engines.memory import MemoryLeaderboard
from laurels.errors import AnotherProjector, BoardNotReady, SettingsError
from laurels.leaderboard import ALL_TIME
from laurels.model import Version
from laurels.settings import Settings
from laurels.testing.leaderboard_feeds import FOLLOWED, ScriptedFeed, join, member_id, score
from laurels.wiring import is_board_shared, leaderboard_engine, open_leaderboard

pytestmark = pytest.mark.anyio

NOT_INSTALLED = mock.patch("laurels.wiring.boards.find_spec", return_value=None)


async def test_without_laurels_core_the_board_is_in_memory_unless_native_is_asked_for(tmp_path: Path) -> None:
    with NOT_INSTALLED:
        default = Settings(state=tmp_path)
        assert leaderboard_engine(default) == "memory"
        assert not is_board_shared(default)
        assert isinstance(await open_leaderboard(default, NAMES), MemoryLeaderboard)
        with pytest.raises(SettingsError, match="laurels-core is not installed"):
            await open_leaderboard(settings_with(state=tmp_path, leaderboard_engine="native"), NAMES)


@needs_native
async def test_with_laurels_core_the_board_is_native_unless_memory_is_asked_for(tmp_path: Path) -> None:
    default = Settings(state=tmp_path)
    assert is_board_shared(default)
    assert (await open_leaderboard(default, NAMES)).name == "native"
    assert (await open_leaderboard(settings_with(state=tmp_path, leaderboard_engine="memory"), NAMES)).name == "memory"


@needs_native
async def test_one_follows_the_feed_and_all_read(tmp_path: Path) -> None:
    first, second = native_leaderboard(tmp_path), native_leaderboard(tmp_path)
    await ScriptedFeed(first).begin(*join(0), *score({0: 5}))
    assert (await second.read(ALL_TIME, member_id(0), top=1, around=0)).ranked == 1
    for refused in (second.followed(), second.confirm(2), second.reset(FOLLOWED)):
        with pytest.raises(AnotherProjector):
            await refused
    await first.close()
    assert (await second.followed()).identity == FOLLOWED.identity
    await second.close()


@needs_native
async def test_a_board_is_there_at_the_next_start(tmp_path: Path) -> None:
    first = native_leaderboard(tmp_path)
    followed = await ScriptedFeed(first).begin(*join(0), *score({0: 5}))
    await first.close()
    again = native_leaderboard(tmp_path)
    view = await again.read(ALL_TIME, member_id(0), top=1, around=0)
    assert (view.ranked, view.confirmed_at) == (1, 1)
    assert await again.followed() == followed
    await again.close()


@needs_native
async def test_reads_go_on_while_the_writer_waits_for_who_copies_standings(tmp_path: Path) -> None:
    board = native_leaderboard(tmp_path)
    feed = ScriptedFeed(board)
    await feed.begin(*join(0), *score({0: 5}))
    with (tmp_path / "export-lock").open() as hold:
        fcntl.flock(hold, fcntl.LOCK_SH)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            applying = tasks.create_task(feed.add(*score({0: 1})))
            for _ in range(20):
                assert (await board.read(ALL_TIME, member_id(0), top=1, around=0)).top[0].points == 5
                await asyncio.sleep(0.001)
            assert not applying.done()
            fcntl.flock(hold, fcntl.LOCK_UN)
    assert (await board.read(ALL_TIME, member_id(0), top=1, around=0)).top[0].points == 6
    await board.close()


@needs_native
async def test_callers_at_once_each_have_their_turn(tmp_path: Path) -> None:
    """A load, standings and batches, some of which outgrow the files: nobody meets another one inside of the core."""
    board = native_leaderboard(tmp_path)
    feed = ScriptedFeed(board)
    await feed.begin(*join(0), *score({0: 5}))

    async def standings() -> None:
        for _ in range(10):
            async for rows in board.standings(ALL_TIME, chunk=100):
                assert rows

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(standings())
        for start in range(1, 9_000, 3_000):
            new = range(start, start + 3_000)
            await feed.add(*join(*new), *score(dict.fromkeys(new, 1)))
            tasks.create_task(board.confirm(start))
    assert (await board.read(ALL_TIME, None, top=0, around=0)).ranked == 9_001
    await board.close()


@needs_native
async def test_closing_wakes_who_waits(tmp_path: Path) -> None:
    board = native_leaderboard(tmp_path)
    followed = await ScriptedFeed(board).begin(*join(0))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(board.wait_for_change(followed.version, 60))
        await asyncio.sleep(0)
        await board.close()


@needs_native
async def test_who_waits_for_a_board_that_is_not_there_waits_no_longer_than_said(tmp_path: Path) -> None:
    board = native_leaderboard(tmp_path)
    async with asyncio.timeout(60):
        await board.wait_for_change(Version(0, {}), 0.01)
    with pytest.raises(BoardNotReady):
        await board.read(ALL_TIME, None, top=0, around=0)


@needs_native
@settings(deadline=None, print_blob=True, max_examples=50)
@given(ids=st.lists(st.text(max_size=300) | st.text(st.characters(categories=["Cs"]), min_size=1), max_size=20))
def test_whoever_is_asked_for_no_process_ends(tmp_path_factory: pytest.TempPathFactory, ids: list[str]) -> None:
    """Any text at all, on the board or not: an answer that nobody is there, for the wire refuses most of these."""

    async def ask() -> None:
        board = native_leaderboard(tmp_path_factory.mktemp("board"))
        await ScriptedFeed(board).begin(*join(0), *score({0: 5}))
        for one in ids:
            assert (await board.read(ALL_TIME, one, top=1, around=1)).me is None
            assert not board.render(ALL_TIME, one, top=1, around=1, now=1, stale_after=1)[3]
            assert (await board.read(one, member_id(0), top=1, around=1)).ranked == 0
        await board.close()

    asyncio.run(ask())
