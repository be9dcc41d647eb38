"""The ledgers that the worked cases are played on. An engine that joins is a line here."""

from collections.abc import Callable
from pathlib import Path

from laurels.clock import Clock
from laurels.engines.sqlite import SqliteLedger
from laurels.ledger import Ledger

Open = Callable[[Path, Clock], Ledger]
"""Opens a ledger whose files are in a directory, fresh at first; called again, the same one once more."""


def _sqlite(shards: int) -> Open:
    return lambda directory, now: SqliteLedger.open(directory / "laurels.db", now, shards)


LEDGERS: dict[str, Open] = {"sqlite, 1 shard": _sqlite(1), "sqlite, 16 shards": _sqlite(16)}
"""By name."""
