"""The Valkey engine keeps the leaderboard's promises, on a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests import valkey_server

from laurels.leaderboard import Leaderboard
from laurels.testing.leaderboard_contract import LeaderboardContract


class TestValkeyLeaderboard(LeaderboardContract):
    @pytest.fixture(autouse=True)
    def server(self, valkey_url: str) -> None:
        self.url = valkey_url

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Leaderboard]:
        async with valkey_server.leaderboard(self.url) as engine:
            yield engine
