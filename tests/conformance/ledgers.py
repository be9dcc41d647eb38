"""The ledgers that the worked cases are played on. An engine that joins is a few lines here."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from laurels.clock import Clock
from laurels.engines.postgres import PostgresLedger
from laurels.engines.sqlite import SqliteLedger
from laurels.ledger import Ledger

Open = Callable[[Path, Clock], Awaitable[Ledger]]
"""Opens a ledger whose files are in a directory, fresh at first; called again, the same one once more."""

Fresh = Callable[[], Open]
"""Gives what opens a ledger that is another one each time; those in files lie in the directories that are named."""


def _sqlite(shards: int) -> Open:
    async def opened(directory: Path, now: Clock) -> Ledger:
        return SqliteLedger.open(directory / "laurels.db", now, shards)

    return opened


def postgres(url: str) -> Open:
    """A ledger in a database: one for each case."""

    async def opened(_: Path, now: Clock) -> Ledger:
        return await PostgresLedger.open(url, now)

    return opened


LEDGERS: dict[str, Open] = {"sqlite, 1 shard": _sqlite(1), "sqlite, 16 shards": _sqlite(16)}
"""Those in files, by name."""

ENGINES = (*LEDGERS, pytest.param("postgres", marks=pytest.mark.long))
"""All of them, for the fixture `fresh`."""
