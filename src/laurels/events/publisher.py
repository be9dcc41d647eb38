"""Following the feed for one target. No outbox and no second log: the feed is there anyway, and a position in it is all
that has to be kept.

Events go out before the position moves, so a process that dies between sends some again, and none is left out. A
member's entries are in one shard, and a shard goes out in order by one process at a time, so they stay in order. After
a merge, what a member earns from then on is in the shard of the member that it became.
"""

import uuid

from laurels import clock
from laurels.errors import FeedDiverged, LaurelsError
from laurels.events.public import Event
from laurels.events.reading import read_events
from laurels.events.sink import Sink, SinkClosed, SinkUnavailable
from laurels.ledger import Heads, Ledger
from laurels.model import Entry, Mark

LEASE_S = 60.0
"""How long a target waits for another process after one was killed."""

RENEWED_AFTER_S = 5.0
"""How old a lease may be when a shard's events go out: a target may take nearly a minute over what it is given at once,
and nobody else may begin before that.
"""


class Publisher:
    """Brings one target up to date."""

    def __init__(self, ledger: Ledger, sink: Sink) -> None:
        self._ledger = ledger
        self._sink = sink
        self._owner = uuid.uuid4().hex
        self._had: frozenset[tuple[int, str]] = frozenset()
        """Events of the next entry that the target has, where it has not all of them, by epoch and id: a ledger that
        lost its tail gives another entry the same id.
        """
        self._sent = 0
        """Events that the target took in this step, of the shards before."""
        self._leased_at = float("-inf")
        self._marks: dict[int, Mark] = {}
        self.target = sink.target

    async def look(self) -> None:
        """See that the target is there, before there is anything to send. Raises `SettingsError`, `SinkUnavailable`."""
        await self._sink.look()

    async def step(self) -> bool | None:
        """Send what is next, from every shard; False where there is nothing, None where another process sends to this
        target. Raises `SinkUnavailable`, `SinkClosed`, after noting what the target has, with the number of events that
        it took in this step, and `LedgerUnavailable`.
        """
        if not await self._lease():
            return None
        heads = await self._ledger.heads()
        moved, self._sent = False, 0
        for shard in self._marks:
            if self._marks[shard].position == heads.marks[shard].position:  # beyond it: of another history
                continue
            if clock.elapsed() - self._leased_at > RENEWED_AFTER_S and not await self._lease():
                return None
            try:
                sent = await self._send(shard, self._marks[shard], heads)
            except (SinkUnavailable, SinkClosed) as error:
                error.sent += self._sent
                raise
            if sent is None:
                return None
            moved = moved or sent
        return moved

    async def _lease(self) -> bool:
        """See that no other process sends to this target, and where it is; False where one does."""
        at = clock.elapsed()
        marks = await self._ledger.follow(self.target, self._owner, lease_s=LEASE_S)
        if marks is None:
            return False
        self._leased_at, self._marks = at, marks
        return True

    async def begin_at(self, marks: dict[int, Mark]) -> None:
        """Go on behind other marks, back or ahead. Raises `LaurelsError` while another process sends to the target."""
        if not await self._lease():
            raise LaurelsError("Another process sends to this target now. Stop it first.")
        await self._ledger.followed(self.target, self._owner, marks)
        self._had = frozenset()

    async def close(self) -> None:
        """Let another process go on at once."""
        await self._ledger.let_go(self.target, self._owner)

    async def _send(self, shard: int, mark: Mark, heads: Heads) -> bool | None:
        """Send what is next of a shard; False where there is nothing, None where another process has come to send to
        this target meanwhile, which then sends it again.
        """
        try:
            entries, found = await read_events(self._ledger, shard, mark, self._sink.at_once, heads)
        except FeedDiverged:  # the position was brought from elsewhere: everything again is better than a gap
            entries, found = await read_events(self._ledger, shard, Mark(), self._sink.at_once, heads)
        if not entries:
            return False
        events = [each for each in found if (each[1].epoch, each[1].id) not in self._had]
        try:
            if events:
                await self._sink.send([event for _, event in events])
        except (SinkUnavailable, SinkClosed) as error:
            await self._note_part(shard, events, error.sent)
            raise
        self._had = frozenset()
        self._sent += len(events)
        return await self._note(shard, Mark(entries[-1].position, entries[-1].hash)) or None

    async def _note_part(self, shard: int, events: list[tuple[Entry, Event]], sent: int) -> None:
        """Note the entries that went out with all their milestones; of the next one it is remembered what did."""
        next_entry = events[sent][0] if sent < len(events) else None
        whole = [entry for entry, _ in events[:sent] if entry is not next_entry]
        if sent:
            part = [event for entry, event in events[:sent] if entry is next_entry]
            self._had = frozenset((event.epoch, event.id) for event in part) | (self._had if not whole else frozenset())
        if whole:
            await self._note(shard, Mark(whole[-1].position, whole[-1].hash))

    async def _note(self, shard: int, mark: Mark) -> bool:
        return await self._ledger.followed(self.target, self._owner, {shard: mark})
