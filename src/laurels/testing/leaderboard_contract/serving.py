"""What readers see while the board changes: one version at a time, and a call when there is another."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from laurels.errors import FeedDiverged
from laurels.leaderboard import ALL_TIME, BoardRow, Erased, Followed, Hidden, Joined, Renamed
from laurels.model import Version
from laurels.testing.leaderboard_contract.base import SOON_S, LeaderboardSuite
from laurels.testing.leaderboard_contract.questions import reading, rows_of, wait_until_not
from laurels.testing.leaderboard_feeds import ScriptedFeed, join, mark, member_id, score


class VersionsTests(LeaderboardSuite):
    """A view is of one version, and stays as it was given."""

    async def test_a_view_says_its_version_and_when_that_was_the_head(self, feed: ScriptedFeed) -> None:
        """The version moves with each batch, the confirmation when it is given."""
        upto = (await feed.begin(*join(0))).marks[0]
        view = await feed.engine.read(ALL_TIME, None, top=10, around=2)
        assert (view.version, view.confirmed_at) == (Version(1, {0: upto.position}), 1)
        later = await feed.add(*score({0: 4}))
        view = await feed.engine.read(ALL_TIME, None, top=10, around=2)
        assert (view.version, view.confirmed_at) == (Version(1, {0: later.position}), 1)
        await feed.engine.confirm(5_000_000_000_000_000)
        view = await feed.engine.read(ALL_TIME, None, top=10, around=2)
        assert (view.version, view.confirmed_at) == (Version(1, {0: later.position}), 5_000_000_000_000_000)

    async def test_a_view_that_was_given_out_does_not_change(self, feed: ScriptedFeed) -> None:
        """What is applied later is in later views."""
        followed = await feed.begin(*join(0, 1), *score({0: 4, 1: 3}))
        view = await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)
        kept = (str(view.version), view.confirmed_at, reading(view), str(followed.version))
        await feed.add(*score({1: 9}), Hidden(0), Renamed(1, 77))
        await feed.engine.confirm(2)
        assert (str(view.version), view.confirmed_at, reading(view), str(followed.version)) == kept

    async def test_one_read_sees_one_version_while_batches_are_applied(self, feed: ScriptedFeed) -> None:
        """A batch takes from one what it gives to another, so the points on the board are always the same in all.

        Two readers read meanwhile. The position in the version tells how often the points have gone over by then, and
        no reader goes back.
        """
        first = (await feed.begin(*join(0, 1), *score({0: 40, 1: 60}))).marks[0].position
        running = True

        async def keep_reading() -> int:
            seen = reads = 0
            while running:
                view = await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)
                turn = (view.version.positions[0] - first) // 3
                expected = [(0, 60), (1, 40)] if turn % 2 else [(1, 60), (0, 40)]
                assert [(place.member, place.points) for place in view.top] == expected
                assert list(view.around) == list(view.top)
                assert view.me is not None
                assert (view.me.rank, view.me.points) == ((1, 60) if turn % 2 else (2, 40))
                assert turn >= seen
                seen, reads = turn, reads + 1
                await asyncio.sleep(0)
            return reads

        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            readers = [group.create_task(keep_reading()) for _ in range(2)]
            for turn in range(100):
                await feed.add(*(score({0: -20, 1: 20}) if turn % 2 else score({0: 20, 1: -20})))
                await asyncio.sleep(0)
            running = False
        assert min(reader.result() for reader in readers) > 0


class StandingsTests(LeaderboardSuite):
    """The whole board, of one version from the first chunk to the last."""

    @pytest.mark.parametrize(("members", "chunk"), [(0, 10), (1, 10), (9, 3), (10, 3), (25, 1_000)])
    async def test_standings_are_the_whole_board_in_chunks(self, feed: ScriptedFeed, members: int, chunk: int) -> None:
        """In board order, ties across chunks, no chunk empty or too long."""
        await feed.begin(*join(*range(members)), *score({member: 1 + member // 4 for member in range(members)}))
        chunks = [rows async for rows in feed.engine.standings(ALL_TIME, chunk=chunk)]
        assert all(0 < len(rows) <= chunk for rows in chunks)
        assert [row for rows in chunks for row in rows] == feed.naive.standings(ALL_TIME)

    async def test_standings_are_of_one_version_while_batches_are_applied(self, feed: ScriptedFeed) -> None:
        """Every row is of the version at the first chunk; an engine that cannot hold it says so before a wrong row."""
        await feed.begin(*join(*range(40)), *score({member: 100 - member for member in range(40)}))
        expected = feed.naive.standings(ALL_TIME)
        rows: list[BoardRow] = []
        try:
            async for some in feed.engine.standings(ALL_TIME, chunk=5):
                rows += some
                turn = len(rows)
                await feed.add(*score({turn % 40: 200 + turn, 39: 1}), Hidden(turn % 7), Erased(20 + turn % 13))
                await feed.engine.confirm(turn)
        except FeedDiverged:
            assert rows == expected[: len(rows)]
        else:
            assert rows == expected
        assert await rows_of(feed.engine) == feed.naive.standings(ALL_TIME)

    async def test_standings_can_be_left_early(self, feed: ScriptedFeed) -> None:
        """Who stops reading leaves nothing open."""
        await feed.begin(*join(*range(9)), *score({member: 9 - member for member in range(9)}))
        chunks = feed.engine.standings(ALL_TIME, chunk=2)
        assert await anext(chunks) == feed.naive.standings(ALL_TIME)[:2]
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


class WaitingTests(LeaderboardSuite):
    """Waiting for another version, without asking again and again."""

    async def test_who_waits_for_a_change_is_woken_by_it(self, feed: ScriptedFeed) -> None:
        """A batch wakes every waiter."""
        known = (await feed.begin(*join(0))).version
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            waiters = [group.create_task(wait_until_not(feed.engine, known, 10 * SOON_S)) for _ in range(3)]
            await asyncio.sleep(0)  # they wait now
            upto = await feed.add(*score({0: 4}))
        assert [waiter.result() for waiter in waiters] == [Version(1, {0: upto.position})] * 3

    async def test_who_waits_for_a_rebuild_is_woken_when_it_is_served(self, feed: ScriptedFeed) -> None:
        """The served version changes at the first `confirm`."""
        known = (await feed.begin(*join(0))).version
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            waiter = group.create_task(wait_until_not(feed.engine, known, 10 * SOON_S))
            await asyncio.sleep(0)
            await feed.engine.reset(Followed(identity="ledger-2", epoch=2))
            await feed.engine.apply(0, [(1, Joined(0, "ann", 1_000))], mark(1))
            await feed.engine.confirm(2)
        assert waiter.result() == Version(2, {0: 1})

    async def test_a_change_that_has_been_needs_no_waiting(self, feed: ScriptedFeed) -> None:
        """Between a read and the wait for the next version nothing is missed."""
        known = (await feed.begin(*join(0))).version
        await feed.add(*score({0: 4}))
        async with asyncio.timeout(SOON_S):
            await feed.engine.wait_for_change(known, timeout_s=10 * SOON_S)

    async def test_waiting_ends_after_the_timeout(self, feed: ScriptedFeed) -> None:
        """Nothing changes, and the waiter may go."""
        known = (await feed.begin(*join(0))).version
        async with asyncio.timeout(SOON_S):
            await feed.engine.wait_for_change(known, timeout_s=0.01)
