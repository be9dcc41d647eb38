"""The native engine keeps the leaderboard's promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.conftest import NO_NATIVE

from laurels.dashboard import ProxyNames
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.leaderboard import Leaderboard
from laurels.testing.leaderboard_contract import LeaderboardContract

pytest.importorskip("laurels_core", reason=NO_NATIVE)

from laurels.engines.native import NativeLeaderboard  # noqa: E402 - not without laurels_core

NAMES = ProxyNames(PUBLISHED_KEY)


class TestNativeLeaderboard(LeaderboardContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Leaderboard]:
        with TemporaryDirectory() as directory:
            engine = NativeLeaderboard(Path(directory), NAMES)
            yield engine
            engine._check()
            await engine.close()
