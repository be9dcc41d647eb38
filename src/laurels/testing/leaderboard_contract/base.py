"""What every part of the contract stands on: how an engine is made, and that it leaves nothing open."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random, SystemRandom
from typing import Any

import pytest

from laurels.leaderboard import Leaderboard
from laurels.testing.leaderboard_feeds import ScriptedFeed

SOON_S = 60
"""What should happen at once fails the test after this long."""


class LeaderboardSuite:
    """Makes engines, and ends each test by looking for what was left running."""

    pytestmark = pytest.mark.anyio

    def make(self) -> AbstractAsyncContextManager[Leaderboard]:
        """Give a new, empty leaderboard, and close it at the end."""
        raise NotImplementedError

    @asynccontextmanager
    async def closed_after(self) -> AsyncIterator[Leaderboard]:
        """Give a new leaderboard, which must leave no task behind."""
        before = asyncio.all_tasks()
        async with self.make() as engine:
            yield engine
        new = asyncio.all_tasks() - before
        left = [task for task in new if not _is_anyios(task)]
        assert not left, f"still running after close: {left}"

    @pytest.fixture
    def rng(self) -> Random:
        """Give the test's randomness; its seed is shown where the test fails."""
        seed = int(os.environ.get("LAURELS_TEST_SEED") or SystemRandom().getrandbits(32))
        print(f"LAURELS_TEST_SEED={seed} repeats this")  # noqa: T201
        return Random(seed)  # noqa: S311

    @pytest.fixture
    async def engine(self) -> AsyncIterator[Leaderboard]:
        """Give a new leaderboard."""
        async with self.closed_after() as engine:
            yield engine

    @pytest.fixture
    async def feed(self, engine: Leaderboard) -> ScriptedFeed:
        """Give a feed to write for it."""
        return ScriptedFeed(engine)


def _is_anyios(task: "asyncio.Task[Any]") -> bool:
    """Whether a task is the one in which anyio runs fixtures and tests."""
    return str(getattr(task.get_coro(), "__qualname__", "")).startswith("TestRunner.")
