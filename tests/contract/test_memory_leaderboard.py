"""The memory engine keeps the leaderboard's promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from laurels.engines.memory import MemoryLeaderboard
from laurels.leaderboard import Leaderboard
from laurels.testing.leaderboard_contract import LeaderboardContract


class TestMemoryLeaderboard(LeaderboardContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Leaderboard]:
        engine = MemoryLeaderboard()
        yield engine
        engine._check()
        await engine.close()
