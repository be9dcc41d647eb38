"""The native engine keeps the leaderboard's promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.engines import needs_native, new_leaderboard

from laurels.leaderboard import Leaderboard
from laurels.testing.leaderboard_contract import LeaderboardContract


@needs_native
class TestNativeLeaderboard(LeaderboardContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Leaderboard]:
        with new_leaderboard("native") as engine:
            yield engine
            if (await engine.followed()).identity is not None:
                engine._check()
            await engine.close()
