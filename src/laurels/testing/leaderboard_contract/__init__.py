"""What every leaderboard must do, as tests. An engine keeps the port's promises when a subclass of this passes.

    class TestMyLeaderboard(LeaderboardContract):
        @asynccontextmanager
        async def make(self) -> AsyncIterator[Leaderboard]:
            engine = MyLeaderboard()
            yield engine
            await engine.close()

The tests are asyncio coroutines, run by anyio's pytest plugin: let a fixture `anyio_backend` give "asyncio".
Every batch is delivered three times.
"""

from laurels.testing.leaderboard_contract.following import ApplyingTests, RebuildingTests
from laurels.testing.leaderboard_contract.loading import AdoptingTests, LoadingTests
from laurels.testing.leaderboard_contract.merging import MergedScoresTests
from laurels.testing.leaderboard_contract.outside import OutsideTests
from laurels.testing.leaderboard_contract.ranks import ManyBoardsTests, OrderTests, UnrankedTests
from laurels.testing.leaderboard_contract.serving import StandingsTests, VersionsTests, WaitingTests

__all__ = ["LeaderboardContract"]


class LeaderboardContract(
    OrderTests,
    UnrankedTests,
    ManyBoardsTests,
    ApplyingTests,
    RebuildingTests,
    VersionsTests,
    StandingsTests,
    WaitingTests,
    MergedScoresTests,
    LoadingTests,
    AdoptingTests,
    OutsideTests,
):
    """Subclass it, override `make`, and let pytest collect the subclass."""
