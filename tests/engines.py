"""The leaderboards that live on this machine without a server, for tests that run over each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.conftest import NO_NATIVE

from laurels.dashboard import ProxyNames, Seal, Versions
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.engines.memory import MemoryLeaderboard
from laurels.errors import LedgerUnavailable
from laurels.ledger import Heads

if TYPE_CHECKING:
    from laurels.engines.native import NativeLeaderboard

NAMES = ProxyNames(PUBLISHED_KEY)


class NoLedger:
    """In the place of a ledger that is away."""

    async def heads(self) -> Heads:
        """Nobody answers."""
        raise LedgerUnavailable


VERSIONS = Versions(Seal(PUBLISHED_KEY), NoLedger())

needs_native = pytest.mark.skipif(find_spec("laurels_core") is None, reason=NO_NATIVE)

EMBEDDED = ["memory", pytest.param("native", marks=needs_native)]
"""To parametrise a test with."""


@contextmanager
def new_leaderboard(engine: str) -> "Iterator[MemoryLeaderboard | NativeLeaderboard]":
    """An empty leaderboard, whose files go with it."""
    if engine == "memory":
        yield MemoryLeaderboard()
        return
    with TemporaryDirectory(prefix="laurels-board-") as directory:
        yield native_leaderboard(Path(directory))


def native_leaderboard(directory: Path) -> "NativeLeaderboard":
    """The native leaderboard over a directory. Only where `needs_native` lets a test run."""
    from laurels.engines.native import NativeLeaderboard  # noqa: PLC0415 - may not be there

    return NativeLeaderboard(directory, NAMES)
