"""The Valkey engine keeps the leaderboard's promises, on a real server."""

from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests import valkey_server

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.engines.valkey.leaderboard import BATCH_S, LARGEST_BATCH, SMALLEST_BATCH
from laurels.leaderboard import ALL_TIME, Followed, Leaderboard, LoadPart
from laurels.testing.leaderboard_contract import LeaderboardContract


class TestValkeyLeaderboard(LeaderboardContract):
    @pytest.fixture(autouse=True)
    def server(self, valkey_url: str) -> None:
        self.url = valkey_url

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Leaderboard]:
        async with valkey_server.leaderboard(self.url) as engine:
            yield engine

    async def test_a_large_checkpoint_is_loaded_in_batches_of_any_size(self, engine: Leaderboard) -> None:
        """As large as they get, and as small; each as a server takes it."""
        assert isinstance(engine, ValkeyLeaderboard)
        numbers = array("q", range(20_000))
        sums = array("q", [1 + number % 500 for number in numbers])
        part = LoadPart(
            numbers=numbers,
            ids=[f"m{number}" for number in numbers],
            name_numbers=numbers,
            hidden=bytes(len(numbers)),
            scores={ALL_TIME: (numbers, sums)},
            merged=[(20_000 + number, number) for number in range(6_000)],
        )
        for size in (LARGEST_BATCH, SMALLEST_BATCH):
            engine._batch = size
            await engine.load(Followed(identity="ledger", epoch=1), _given_out(part))
            await engine.confirm(1)
            await valkey_server.check(engine)
            assert (await engine.read(ALL_TIME, "m7", top=0, around=0)).ranked == len(numbers)

    async def test_batches_get_as_long_as_the_server_is_fast(self, engine: Leaderboard) -> None:
        """Half as long after a slow one, longer after quick ones, within bounds; little ones say nothing."""
        assert isinstance(engine, ValkeyLeaderboard)
        first = engine.batch
        engine._pace(first, BATCH_S * 2)
        assert engine.batch == first // 2
        engine._pace(1, BATCH_S / 2)
        assert engine.batch == first // 2
        for _ in range(50):
            engine._pace(engine.batch, BATCH_S / 2)
        assert engine.batch == LARGEST_BATCH
        for _ in range(50):
            engine._pace(engine.batch, BATCH_S * 2)
        assert engine.batch == SMALLEST_BATCH


async def _given_out(part: LoadPart) -> AsyncIterator[LoadPart]:
    yield part
