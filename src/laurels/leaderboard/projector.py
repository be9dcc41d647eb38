"""The projector: follows the ledger's feed and keeps a leaderboard up to date.

It remembers nothing itself. How far it got is in the leaderboard, changed together with the scores, so it may die
anywhere and go on. Before it goes on, and at every step, it makes sure that it still follows the same history: the
ledger's identity and epoch, and the hash of the last entry that the leaderboard took. A later epoch that began behind
all that the leaderboard took is adopted; else it rebuilds, from a checkpoint of the ledger.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress

import structlog

from laurels import clock
from laurels.clock import Clock
from laurels.errors import AnotherProjector, BoardMoved, BoardNotReady, FeedDiverged
from laurels.leaderboard.boards import ALL_TIME, Boards, board_of
from laurels.leaderboard.changes import changes_of
from laurels.leaderboard.loading import load_parts
from laurels.leaderboard.port import Followed, Leaderboard, Paced
from laurels.leaderboard.source import FeedSource
from laurels.leaderboard.together import Together
from laurels.ledger import Checkpoint, Feed, Heads, Ledger, Progress
from laurels.model import BoardEntry, Mark, Version

CHUNK = 1000
"""Entries applied at once: a reader waits for at most one chunk (a few milliseconds in pure Python)."""

BUILDING_CHUNK = 5000
"""The same while a board is replayed that nobody reads: fewer turns between the ledger's thread and the loop, which are
what a replay waits for on a busy machine. A reader of what was there before still waits for one of them.
"""

LONG = 100_000
"""Microseconds. Whoever was busy for longer looks at the head again: a board that just caught up is not stale."""

LOOK_S = 0.25
"""How often it is looked whether another projector is still there, and how far it got."""

_SINCE = "; months since "
"""Stands in what a leaderboard remembers of its rules, before the first month that has a board, where not all have."""

_REPLAYED = "; replayed"
"""Ends what a leaderboard remembers of its rules where it was replayed: only who began the replay goes on with it."""

log = structlog.get_logger(__name__)


class Projector:
    """Carries entries from one ledger to one leaderboard. Exactly one runs for each leaderboard."""

    def __init__(
        self,
        ledger: Ledger,
        leaderboard: Leaderboard,
        boards: Boards,
        rules: str,
        now: Clock = clock.now,
        *,
        together: Together | None = None,
        copy: Feed | None = None,
    ) -> None:
        """`rules`: what the boards' months are read by. `together`: what `catch_up` may hold back; nothing where it is
        not given. `copy`: the ledger's feed on another server, followed while it can be believed.
        """
        self._together = together or Together()
        self._ledger = ledger
        self.source = FeedSource(ledger, copy)
        self._leaderboard = leaderboard
        self._boards = boards
        self._all_rules = self._rules = rules
        self._since = 0
        self._begun_at: Mapping[int, Mark] | None = None
        self._now = now
        self.on_followed: Callable[[Sequence[BoardEntry]], None] | None = None
        """Called with entries that the board has just taken, for whoever keeps figures; not with those of a rebuild."""

    async def catch_up(self, progress: Progress | None = None, *, may_hold: bool = False) -> Heads:
        """Apply all that is in the feed now, rebuilding first where it is another history. Gives the heads that were
        reached. With `may_hold` members move together: what moves too few of them is left for a later call, and the
        board is confirmed all the same, for held back is not stale.

        Raises `LedgerUnavailable`, and `BoardUnavailable` where the leaderboard cannot be written; what was applied by
        then stays applied. Raises `AnotherProjector`.
        """
        while True:
            at = self._now()
            self._keep_months(at)
            heads = await self.source.heads()
            try:
                await self._follow(heads, progress, may_hold=may_hold)
                await self._leaderboard.confirm(at)
            except BoardMoved:
                continue
            except FeedDiverged:
                if not (await self._has_begun() and self.source.doubt()):  # a copy may only be behind
                    await self._load(progress)
                continue
            if self._now() - at < LONG:
                return heads

    async def reach(self, progress: Progress | None = None) -> Heads:
        """See that all that is in the feed now is on the board: by this projector, or by waiting for another process's.
        Gives the heads that were reached. Raises `LedgerUnavailable`.
        """
        heads = await self._ledger.heads()
        while True:
            try:
                reached = await self.catch_up(progress)
                if not self.source.is_copy or reached.version.includes(heads.version):
                    return reached
                await self.source.wait_for_entries(reached, LOOK_S)
            except AnotherProjector:
                served = await self._served()
                if served is not None and served.includes(heads.version):
                    return heads
                if served is not None and progress is not None:
                    progress(sum(served.positions.values()), sum(heads.version.positions.values()))
                await self._leaderboard.wait_for_change(served or Version(0, {}), LOOK_S)

    async def rebuild(self, progress: Progress | None = None) -> Heads:
        """Throw the leaderboard away and make it anew from a checkpoint of the ledger: costs by members, whatever the
        feed's length. Raises `AnotherProjector`.
        """
        self._keep_months(self._now())
        await self._load(progress)
        return await self.catch_up(progress)

    async def replay(self, progress: Progress | None = None) -> Heads:
        """The same from the feed's start, entry by entry: what a checkpoint is held against. Another projector, or this
        one's successor, does not go on with it: it rebuilds. Raises `AnotherProjector`.
        """
        self._keep_months(self._now())
        heads = await self.source.heads()
        await self._warn(heads)
        rules = self._rules + _REPLAYED
        await self._leaderboard.reset(Followed(identity=heads.identity, epoch=heads.epoch, rules=rules))
        self._begun_at = heads.marks
        return await self.catch_up(progress)

    def _keep_months(self, now: int) -> None:
        """Which months have boards from here on. What was built with others is made anew: so a month that is no longer
        kept goes from every engine in the same way, and with it what a change of the setting takes away or brings back.
        """
        self._since = self._boards.since(now)
        self._rules = f"{self._all_rules}{_SINCE}{board_of(self._since)}" if self._since else self._all_rules

    async def _follow(self, heads: Heads, progress: Progress | None, *, may_hold: bool) -> None:
        followed = await self._leaderboard.followed()
        rules = self._rules if self._begun_at is None else self._rules + _REPLAYED
        if (followed.identity, followed.rules) != (heads.identity, rules) or followed.epoch > heads.epoch:
            raise FeedDiverged
        if followed.epoch != heads.epoch:
            await self._adopt(followed, heads)
        begun_at = self._begun_at or {}
        await self._check_beginning(followed, begun_at)
        if may_hold and self._together.holds and followed.marks and await self._moved_together(followed, heads):
            return
        total = sum(mark.position for mark in heads.marks.values())
        done = sum(mark.position for mark in followed.marks.values())
        for shard, head in sorted(heads.marks.items()):
            mark = _checked(followed, shard, head)
            read_from = begun_at.get(shard, Mark()).position  # before that, what is built is not read
            while mark.position < head.position:
                chunk = BUILDING_CHUNK if mark.position < read_from else CHUNK
                is_building = chunk == BUILDING_CHUNK
                if isinstance(self._leaderboard, Paced):
                    chunk = min(chunk, self._leaderboard.batch)
                entries, mark = await self.source.board_entries(shard, mark, chunk)
                await self._leaderboard.apply(shard, changes_of(entries, self._boards, self._since), mark)
                if self.on_followed is not None and not is_building:
                    self.on_followed(entries)
                done += len(entries)
                if progress is not None:
                    progress(done, max(done, total))

    async def _moved_together(self, followed: Followed, heads: Heads) -> bool:
        """Show what was held back if it is due, in one go. False where it is more than goes at once: then nobody is
        singled out by it.
        """
        steps: list[tuple[int, list[BoardEntry], Mark]] = []
        for shard, head in sorted(heads.marks.items()):
            mark = _checked(followed, shard, head)
            if mark.position < head.position:
                entries, mark = await self.source.board_entries(shard, mark, CHUNK)
                if mark.position < head.position:
                    return False
                steps.append((shard, entries, mark))
        changes = [changes_of(entries, self._boards, self._since) for _, entries, _ in steps]
        moved = {change.member for of_shard in changes for _, change in of_shard}
        if not steps or not self._together.is_due(moved, self._now()):
            return True
        for (shard, _, mark), of_shard in zip(steps, changes, strict=True):
            await self._leaderboard.apply(shard, of_shard, mark)
        if self.on_followed is not None:
            for _, entries, _ in steps:
                self.on_followed(entries)
        return True

    async def _check_beginning(self, followed: Followed, begun_at: Mapping[int, Mark]) -> None:
        """A replay that is under way may go on only in a ledger that holds all that was there when it began.

        The feed says of a member what is known today: one who is erased further on joins without an id. In an older
        ledger, restored meanwhile, that erasure may never have been, and the entries up to here are the same.
        """
        for shard, head in begun_at.items():
            if followed.marks.get(shard, Mark()).position < head.position:
                await self.source.board_entries(shard, head, 1)  # raises where that entry is not there, or another one

    async def _has_begun(self) -> bool:
        return (await self._leaderboard.followed()).identity is not None

    async def _served(self) -> Version | None:
        """What readers are shown; None where there is nothing to show."""
        try:
            return (await self._leaderboard.read(ALL_TIME, None, top=0, around=0)).version
        except BoardNotReady:
            return None

    async def _adopt(self, followed: Followed, heads: Heads) -> None:
        """Go on under a later epoch, if all that the leaderboard took was there when each epoch since began."""
        for began in (heads.began[epoch] for epoch in heads.began if epoch > followed.epoch):
            for shard, mark in followed.marks.items():
                if mark.position > began.get(shard, Mark()).position:
                    raise FeedDiverged
        for shard, mark in followed.marks.items():
            await self.source.board_entries(shard, mark, 1)  # raises where that entry is not there, or another one
        await self._leaderboard.adopt(heads.epoch)

    async def _load(self, progress: Progress | None) -> None:
        checkpoint = await self.source.checkpoint()
        try:
            await self._load_from(checkpoint, progress)
        finally:
            checkpoint.let_go()

    async def _load_from(self, checkpoint: Checkpoint, progress: Progress | None) -> None:
        heads = checkpoint.heads
        await self._warn(heads)
        self._begun_at = None
        followed = Followed(identity=heads.identity, epoch=heads.epoch, rules=self._rules, marks=heads.marks)
        async with aclosing(load_parts(checkpoint, self._since, progress)) as parts:
            with suppress(BoardMoved):  # another process begins anew meanwhile: what it leaves is gone on with
                await self._leaderboard.load(followed, parts)

    async def _warn(self, heads: Heads) -> None:
        followed = await self._leaderboard.followed()
        if followed.identity is not None:
            log.warning(
                "leaderboard.rebuild",
                leaderboard=self._leaderboard.name,
                was=str(followed.version),
                ledger=str(heads.version),
                rules=self._rules,
            )


def _checked(followed: Followed, shard: int, head: Mark) -> Mark:
    """How far a shard was followed. Raises `FeedDiverged` where that is in no history with this head."""
    mark = followed.marks.get(shard, Mark())
    if mark.position > head.position or (mark.position == head.position and mark.hash != head.hash):
        raise FeedDiverged
    return mark
