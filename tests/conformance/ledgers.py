"""The ledgers that the worked cases are played on. An engine that joins is a few lines here."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

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
        path = directory / "laurels.db"
        if not path.exists():
            _write(path, await _new_file(shards, now))
        return SqliteLedger.open(path, now, shards)

    return opened


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_bytes(content)


_new_files: dict[int, bytes] = {}


async def _new_file(shards: int, now: Clock) -> bytes:
    """A fresh ledger's file of so many shards. Made once: thousands of lives each begin with one."""
    if shards not in _new_files:
        with TemporaryDirectory() as directory:
            path = Path(directory) / "laurels.db"
            await SqliteLedger.open(path, now, shards).close()
            _new_files[shards] = path.read_bytes()
    return _new_files[shards]


def postgres(url: str) -> Open:
    """A ledger in a database: one for each case."""

    async def opened(_: Path, now: Clock) -> Ledger:
        return await PostgresLedger.open(url, now)

    return opened


LEDGERS: dict[str, Open] = {"sqlite, 1 shard": _sqlite(1), "sqlite, 16 shards": _sqlite(16)}
"""Those in files, by name."""

ENGINES = (*LEDGERS, pytest.param("postgres", marks=pytest.mark.long))
"""All of them, for the fixture `fresh`."""
