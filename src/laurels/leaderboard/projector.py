"""The projector: follows the ledger's feed and keeps a leaderboard up to date.

It remembers nothing itself. How far it got is in the leaderboard, changed together with the scores, so it may die
anywhere and go on. Before it goes on, and at every step, it makes sure that it still follows the same history: the
ledger's identity and epoch, and the hash of the last entry that the leaderboard took. If not, it rebuilds.
"""

from collections.abc import Callable

import structlog

from laurels import clock
from laurels.clock import Clock
from laurels.errors import BoardMoved, FeedDiverged
from laurels.leaderboard.boards import Boards
from laurels.leaderboard.changes import Change, changes_of
from laurels.leaderboard.port import Followed, Leaderboard
from laurels.ledger import Heads, Ledger
from laurels.model import Mark

CHUNK = 1000
"""Entries applied at once: a reader waits for at most one chunk (a few milliseconds in pure Python)."""

LONG = 100_000
"""Microseconds. Whoever was busy for longer looks at the head again: a board that just caught up is not stale."""

Progress = Callable[[int, int], None]
"""Called with (entries applied, entries there are)."""

log = structlog.get_logger(__name__)


class Projector:
    """Carries entries from one ledger to one leaderboard. Exactly one runs for each leaderboard."""

    def __init__(
        self, ledger: Ledger, leaderboard: Leaderboard, boards: Boards, rules: str, now: Clock = clock.now
    ) -> None:
        self._ledger = ledger
        self._leaderboard = leaderboard
        self._boards = boards
        self._rules = rules
        self._now = now

    async def catch_up(self, progress: Progress | None = None) -> Heads:
        """Apply all that is in the feed now, rebuilding first where it is another history. Gives the heads that were
        reached.

        Raises `LedgerUnavailable`, and `BoardUnavailable` where the leaderboard cannot be written; what was applied by
        then stays applied.
        """
        while True:
            at = self._now()
            heads = await self._ledger.heads()
            try:
                await self._follow(heads, progress)
                await self._leaderboard.confirm(at)
            except BoardMoved:
                continue
            except FeedDiverged:
                await self._begin_again(heads)
                continue
            if self._now() - at < LONG:
                return heads

    async def rebuild(self, progress: Progress | None = None) -> Heads:
        """Throw the leaderboard away and follow the feed from its start."""
        await self._begin_again(await self._ledger.heads())
        return await self.catch_up(progress)

    async def _follow(self, heads: Heads, progress: Progress | None) -> None:
        followed = await self._leaderboard.followed()
        if (followed.identity, followed.epoch, followed.rules) != (heads.identity, heads.epoch, self._rules):
            raise FeedDiverged
        total = sum(mark.position for mark in heads.marks.values())
        done = sum(mark.position for mark in followed.marks.values())
        for shard, head in sorted(heads.marks.items()):
            mark = followed.marks.get(shard, Mark())
            if mark.position > head.position or (mark.position == head.position and mark.hash != head.hash):
                raise FeedDiverged
            while mark.position < head.position:
                entries = await self._ledger.feed(shard, mark, CHUNK)
                changes: list[tuple[int, Change]] = [
                    (entry.position, change) for entry in entries for change in changes_of(entry, self._boards)
                ]
                mark = Mark(entries[-1].position, entries[-1].hash)
                await self._leaderboard.apply(shard, changes, mark)
                done += len(entries)
                if progress is not None:
                    progress(done, max(done, total))

    async def _begin_again(self, heads: Heads) -> None:
        followed = await self._leaderboard.followed()
        if followed.identity is not None:
            log.warning(
                "leaderboard.rebuild",
                leaderboard=self._leaderboard.name,
                was=str(followed.version),
                ledger=str(heads.version),
            )
        await self._leaderboard.reset(Followed(identity=heads.identity, epoch=heads.epoch, rules=self._rules))
