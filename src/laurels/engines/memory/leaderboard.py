"""The port's face of the memory engine: which state is served, which one is being built, and who waits for a change.

Nothing here awaits between the parts of a read or of a batch, so in one asyncio process every read sees one version
without a lock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from msgspec.structs import replace

from laurels.engines.memory.state import State
from laurels.errors import BoardMoved, BoardNotReady
from laurels.leaderboard import BoardRow, Change, Followed, LoadPart, View
from laurels.model import Mark, Version


class MemoryLeaderboard:
    """A `Leaderboard` in this process's memory. Use it from one event loop.

    With a million members one change takes about 5 us and a dashboard 20 us, the first one after a change 40 us; a
    member takes about 200 bytes (`bench/micro/memory_leaderboard.py`).
    """

    name = "memory"

    def __init__(self) -> None:
        self._followed = State(Followed())
        self._served: State | None = None  # the followed one, or while that is being rebuilt the last good one
        self._changed = asyncio.Event()

    async def read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        return self.try_read(board, member_id, top=top, around=around)

    def try_read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        return self._ready().view(board, member_id, top, around)

    async def standings(self, board: str, *, chunk: int = 1000) -> AsyncIterator[list[BoardRow]]:
        """The version is the one at the first chunk; a copy of it is held to the last."""
        for rows in self._ready().standings(board, chunk):
            yield rows
            await asyncio.sleep(0)  # a long board must not keep the dashboards waiting

    async def followed(self) -> Followed:
        return self._followed.followed

    async def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        """See the port. Costs about 5 us a change, and 10 us a batch.

        Raises `KeyError` where one that never joined is hidden, shown, renamed or erased: no ledger writes such a feed.
        Then nothing is served until the board has been rebuilt.
        """
        try:
            moved = self._followed.apply(shard, changes, upto)
        except BaseException:
            # Half of the batch is in. Rather no answer than a wrong one; without an identity the projector rebuilds.
            if self._served is self._followed:
                self._served = None
            self._followed = State(Followed())
            raise
        if moved and self._served is self._followed:
            self._wake()

    async def confirm(self, at: int) -> None:
        self._followed.confirmed_at = at
        if self._served is not self._followed:
            self._served = self._followed
            self._wake()

    async def reset(self, followed: Followed) -> None:
        """See the port. What was served last takes its memory until the first `confirm`."""
        if followed.marks:
            raise ValueError("a leaderboard is rebuilt from the start of the feed: give no marks")
        self._followed = State(followed)

    async def load(self, followed: Followed, parts: AsyncIterator[LoadPart]) -> None:
        """See the port. Costs some 3 us a member, and a sort of each board at the end, which reads of this process wait
        for.
        """
        await self.reset(replace(followed, marks={}))
        state = State(followed)
        async for part in parts:
            state.load(part)
        for _ in state.build():
            await asyncio.sleep(0)
        self._followed = state

    async def adopt(self, epoch: int) -> None:
        if self._followed.followed.identity is None:
            raise BoardMoved
        self._followed.adopt(epoch)
        if self._served is self._followed:
            self._wake()

    async def wait_for_change(self, known: Version, timeout_s: float) -> None:
        if self._served is not None and self._served.version != known:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    async def close(self) -> None:
        """Forget everything and wake all who wait. What is called later is told that the board is not ready."""
        self._served = None
        self._followed = State(Followed())
        self._wake()

    def _ready(self) -> State:
        if self._served is None:
            raise BoardNotReady
        return self._served

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _check(self) -> None:
        """Raise `AssertionError` where what is followed or served is not in order. Reads everything."""
        self._followed._check()
        if self._served is not None:
            self._served._check()
