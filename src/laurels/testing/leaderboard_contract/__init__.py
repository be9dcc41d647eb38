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

from laurels.testing.leaderboard_contract.following import Applying, Rebuilding
from laurels.testing.leaderboard_contract.loading import Adopting, Loading
from laurels.testing.leaderboard_contract.merging import Merging
from laurels.testing.leaderboard_contract.outside import Outside
from laurels.testing.leaderboard_contract.ranks import ManyBoards, Order, Unranked
from laurels.testing.leaderboard_contract.serving import Standings, Versions, Waiting

__all__ = ["LeaderboardContract"]


class LeaderboardContract(
    Order, Unranked, ManyBoards, Applying, Rebuilding, Versions, Standings, Waiting, Merging, Loading, Adopting, Outside
):
    """Subclass it, override `make`, and let pytest collect the subclass."""
