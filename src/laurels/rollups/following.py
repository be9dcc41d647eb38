"""Keeping the roll-ups at the head of the feed. No lease: of two processes that do it, each step of one fails, and that
one stands by. So whoever dies at any instant leaves them exact.
"""

from zoneinfo import ZoneInfo

from laurels.errors import FeedDiverged
from laurels.ledger import Ledger
from laurels.ledger.rollups import RollUpState
from laurels.model import Mark
from laurels.rollups.changed import earned_before
from laurels.rollups.days import Days
from laurels.rollups.folding import fold, scheme_of

AT_ONCE = 2000
"""Entries in one transaction: an order behind it waits for some milliseconds."""


class RollingUp:
    """Brings the roll-ups up to date."""

    def __init__(self, ledger: Ledger, zone: ZoneInfo) -> None:
        self._ledger = ledger
        self._days = Days(zone)
        self._scheme = scheme_of(zone)
        self.has_more = False
        """Whether the last step left something, as far as it has seen."""

    async def step(self, at_once: int = AT_ONCE) -> bool | None:
        """Count what is next in every shard; False where there is nothing, None where another process was quicker.
        What was made otherwise, or of another history, is made anew.
        """
        state = await self._state()
        heads = await self._ledger.heads()
        moved = self.has_more = False
        for shard, head in heads.marks.items():
            mark = state.marks.get(shard, Mark())
            if mark.position >= head.position and mark == head:
                continue
            try:
                counted = await self._count(shard, mark, at_once)
            except FeedDiverged:
                await self._ledger.begin_roll_ups(self._scheme)
                self.has_more = True
                return True
            if counted is None:
                return None
            moved = moved or counted
        return moved

    async def reach(self) -> None:
        """Count all that there is."""
        while await self.step() is not False:
            pass

    async def _state(self) -> RollUpState:
        state = await self._ledger.rolled_up()
        if state.scheme != self._scheme:
            await self._ledger.begin_roll_ups(self._scheme)
            state = await self._ledger.rolled_up()
        return state

    async def _count(self, shard: int, mark: Mark, at_once: int) -> bool | None:
        entries = await self._ledger.feed(shard, mark, at_once)
        if not entries:
            return False
        self.has_more = self.has_more or len(entries) == at_once
        members = await self._ledger.rolled_members({entry.member for entry in entries})
        end = Mark(entries[-1].position, entries[-1].hash)
        rolled = fold(entries, members, await earned_before(self._ledger, entries), self._days)
        return True if await self._ledger.roll_up(self._scheme, shard, (mark, end), rolled) else None
