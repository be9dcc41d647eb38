"""The native engine keeps the leaderboard's promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.engines import needs_native, new_leaderboard

from laurels.leaderboard import ALL_TIME, Change, Leaderboard
from laurels.testing.leaderboard_contract import LeaderboardContract
from laurels.testing.leaderboard_feeds import FOLLOWED, join, mark, member_id, score

MEMBERS = 20_000
"""Takes a thread some milliseconds to put in order."""


@needs_native
class TestNativeLeaderboard(LeaderboardContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Leaderboard]:
        with new_leaderboard("native") as engine:
            yield engine
            if (await engine.followed()).identity is not None:
                engine._check()
            await engine.close()


@needs_native
@pytest.mark.anyio
async def test_a_confirmation_that_nobody_waits_for_any_more_is_in_nobodys_way() -> None:
    with new_leaderboard("native") as board:
        await board.reset(FOLLOWED)
        changes: list[Change] = [*join(*range(MEMBERS)), *score(dict.fromkeys(range(MEMBERS), 1))]
        await board.apply(0, list(enumerate(changes, 1)), mark(len(changes)))
        confirming = asyncio.create_task(board.confirm(1))
        await asyncio.sleep(0)
        confirming.cancel()
        await asyncio.wait([confirming])
        assert confirming.cancelled()
        await board.confirm(2)
        view = await board.read(ALL_TIME, member_id(MEMBERS - 1), top=1, around=0)
        assert (view.confirmed_at, view.ranked) == (2, MEMBERS)
        assert view.me is not None
        assert view.me.position == MEMBERS
        await board.close()
