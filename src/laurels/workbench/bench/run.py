"""Runs benches one after the other on a scratch shop."""

from laurels.errors import LaurelsError
from laurels.runtime.telling import ShowProgress, say
from laurels.settings import Settings
from laurels.workbench.bench.figures import BENCHES, BenchName, Figure
from laurels.workbench.bench.scratch import open_scratch


async def measure(
    settings: Settings,
    chosen: list[BenchName],
    seconds: float,
    members: int,
    seed: int,
    progress: ShowProgress,
    *,
    overwrite_board: bool,
) -> tuple[list[Figure], dict[str, str]]:
    """The figures, and the engines' names. Raises `LaurelsError` where the ledger ends other than expected: figures
    of work that was not done are none.
    """
    async with open_scratch(settings, members, seed, progress, overwrite_board=overwrite_board) as scratch:
        figures = []
        for one in chosen:
            say(f"measuring {one} for {seconds:g} s")
            figures.append(await BENCHES[one](scratch, seconds))
        if difference := await scratch.difference():
            raise LaurelsError(f"The ledger is not as the bench expects it, so its figures mean nothing: {difference}.")
        return figures, {"ledger": scratch.services.ledger.name, "leaderboard": scratch.services.leaderboard.name}
