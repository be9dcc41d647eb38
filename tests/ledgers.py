"""The ledger under test: the one place where tests that are not about an engine open one."""

from pathlib import Path

from laurels import clock
from laurels.clock import Clock
from laurels.engines.sqlite import SqliteLedger
from laurels.ledger import Ledger, NameNumbers


async def open_ledger(path: Path, now: Clock = clock.now, shards: int = 1, names: NameNumbers | None = None) -> Ledger:
    """The ledger at a path, made where it is not there; opened again as another process would."""
    return SqliteLedger.open(path, now, shards, names)
