"""Whose feed a board follows: the ledger's own, or a copy of it while that can be believed."""

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from laurels.clock import elapsed
from laurels.errors import LedgerUnavailable
from laurels.ledger import Checkpoint, Feed, Heads
from laurels.model import BoardEntry, Mark

PAUSE_S = 5.0
"""How long the ledger's own feed is followed before the copy is tried again."""

log = structlog.get_logger(__name__)

T = TypeVar("T")


class FeedSource:
    """What a projector reads. `heads` chooses, and what is read after it is read from the same place.

    A copy never decides that a board followed another history: it may only be behind. Whoever finds that it contradicts
    the board calls `doubt`, and asks the ledger itself.
    """

    def __init__(self, ledger: Feed, copy: Feed | None = None) -> None:
        self._ledger = ledger
        self._copy = copy
        self._here = ledger
        self._doubted_until = float("-inf")

    @property
    def is_copy(self) -> bool:
        """Whether the last heads were the copy's."""
        return self._here is self._copy

    def doubt(self) -> bool:
        """Ask the ledger itself for a while. False where that is what was asked already."""
        if not self.is_copy:
            return False
        self._doubted_until = elapsed() + PAUSE_S
        self._here = self._ledger
        return True

    async def heads(self) -> Heads:
        """Where the feed ends that is followed now. Raises `LedgerUnavailable` where there is none."""
        if self._copy is not None and elapsed() >= self._doubted_until:
            self._here = self._copy
            try:
                return await self._copy.heads()
            except LedgerUnavailable as error:
                self.doubt()
                log.warning("feed.copy_away", error=error.message, retry_in_s=PAUSE_S)
        self._here = self._ledger
        return await self._ledger.heads()

    async def board_entries(self, shard: int, after: Mark, limit: int) -> tuple[list[BoardEntry], Mark]:
        """See the port."""
        return await self._read(self._here.board_entries(shard, after, limit))

    async def checkpoint(self) -> Checkpoint:
        """See the port."""
        return await self._read(self._here.checkpoint())

    async def wait_for_entries(self, known: Heads, timeout_s: float) -> None:
        """See the port."""
        await self._read(self._here.wait_for_entries(known, timeout_s))

    async def _read(self, reading: Awaitable[T]) -> T:
        try:
            return await reading
        except LedgerUnavailable:
            self.doubt()
            raise
