"""Following the feed for one target. No outbox and no second log: the feed is there anyway, and a position in it is all
that has to be kept.

Events go out before the position moves, so a process that dies between sends some again, and none is left out. A
member's entries are in one shard, and a shard goes out in order by one process at a time, so they stay in order. After
a merge, what a member earns from then on is in the shard of the member that it became.
"""

import uuid

from laurels.errors import FeedDiverged, LaurelsError
from laurels.events.public import events_of
from laurels.events.sink import Sink, SinkClosed, SinkUnavailable
from laurels.ledger import Ledger
from laurels.model import Mark

LEASE_S = 60.0
"""How long a target waits for another process after one was killed."""


class Publisher:
    """Brings one target up to date."""

    def __init__(self, ledger: Ledger, sink: Sink) -> None:
        self._ledger = ledger
        self._sink = sink
        self._owner = uuid.uuid4().hex
        self.target = sink.target

    async def step(self) -> bool | None:
        """Send what is next, from every shard; False where there is nothing, None where another process sends to this
        target. Raises `SinkUnavailable`, `SinkClosed`, after noting what the target has, and `LedgerUnavailable`.
        """
        marks = await self._ledger.follow(self.target, self._owner, lease_s=LEASE_S)
        if marks is None:
            return None
        heads = await self._ledger.heads()
        moved = False
        for shard, mark in marks.items():
            if mark.position < heads.marks[shard].position:
                moved = await self._send(shard, mark, heads.epoch) or moved
        return moved

    async def begin_at(self, marks: dict[int, Mark]) -> None:
        """Go on behind other marks, back or ahead. Raises `LaurelsError` while another process sends to the target."""
        if await self._ledger.follow(self.target, self._owner, lease_s=LEASE_S) is None:
            raise LaurelsError("Another process sends to this target now. Stop it first.")
        await self._ledger.followed(self.target, self._owner, marks)

    async def close(self) -> None:
        """Let another process go on at once."""
        await self._ledger.let_go(self.target, self._owner)

    async def _send(self, shard: int, mark: Mark, epoch: int) -> bool:
        try:
            entries = await self._ledger.feed(shard, mark, self._sink.at_once)
        except FeedDiverged:  # the position was brought from elsewhere: everything again is better than a gap
            entries = await self._ledger.feed(shard, Mark(), self._sink.at_once)
        if not entries:
            return False
        events = events_of(entries, epoch)
        try:
            if events:
                await self._sink.send(events)
        except (SinkUnavailable, SinkClosed) as error:
            if error.sent:
                last = next(entry for entry in entries if entry.loyalty_id == events[error.sent - 1].id)
                await self._note(shard, Mark(last.position, last.hash))
            raise
        return await self._note(shard, Mark(entries[-1].position, entries[-1].hash))

    async def _note(self, shard: int, mark: Mark) -> bool:
        return await self._ledger.followed(self.target, self._owner, {shard: mark})
