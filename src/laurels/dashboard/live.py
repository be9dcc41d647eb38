"""Live dashboards: one watcher of the leaderboard wakes everybody who looks at it, and each reads its own again.

However many listen, the board is asked for news once. A listener that is slow holds nobody up: it is not told of
changes, it reads when it is ready, so it skips what lay between and always ends with the newest.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import TypeVar

from msgspec.structs import replace

from laurels import clock
from laurels.clock import SECOND, Clock
from laurels.dashboard.dashboard import Board, Dashboard
from laurels.errors import BoardNotReady, NotFound
from laurels.leaderboard import ALL_TIME, Leaderboard
from laurels.model import Version

Watched = TypeVar("Watched", Board, Dashboard)

LEAST_S = 0.25
"""The least time between two looks of one listener: at most 4 answers a second."""

QUIET_S = 15.0
"""After so long without an answer a listener gets a sign of life."""

_RETRY_S = 0.25  # how soon a board that is stale or not ready is looked at again
_SLICE = 100  # listeners woken at one go; other requests are answered in between


class Live:
    """Follows one leaderboard for any number of listeners in one event loop. While nobody listens, nothing runs."""

    def __init__(
        self,
        leaderboard: Leaderboard,
        stale_after_ms: int,
        now: Clock = clock.now,
        next_turn: Callable[[int], int] | None = None,
    ) -> None:
        """`next_turn` gives the next instant after one at which a board's name means another board: everybody looks
        again then.
        """
        self._next_turn = next_turn
        self._leaderboard = leaderboard
        self._stale_after = stale_after_ms * 1000
        self._now = now
        self._seen: tuple[Version, bool] | None = None
        self._changes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._stops: set[Callable[[], None]] = set()
        self._closed = False

    async def follow(self, read: Callable[[], Awaitable[Watched]]) -> AsyncGenerator[Watched | None, None]:
        """What `read` gives, at once and then whenever it is another one; None as a sign of life.

        `as_of` alone does not make it another one: it moves with everybody's points. Raises what `read` raises; once
        something was shown, a board that is being rebuilt is waited for, and one that is no longer kept (or a member
        that is no longer there) is the end.
        """
        last: Watched | None = None
        quiet_since = clock.elapsed()
        while True:
            changes = self._changes
            try:
                shown = await self._read(read, last)
            except NotFound:
                if last is None:
                    raise
                return
            if last is None or replace(shown, as_of=last.as_of) != last:
                last, quiet_since = shown, clock.elapsed()
                yield shown
            elif clock.elapsed() - quiet_since >= QUIET_S:
                quiet_since = clock.elapsed()
                yield None
            await asyncio.sleep(LEAST_S)
            await self._change(changes, min(quiet_since + QUIET_S - clock.elapsed(), self._turns_in_s()))

    @asynccontextmanager
    async def listening(self, until: int) -> AsyncIterator[Callable[[], None]]:
        """Around everything that a listener does: raises `TimeoutError` in it at the instant `until`, or when this is
        closed, or when what it gives is called; even where the listener is stuck with a client that does not read.
        """
        async with asyncio.timeout(0 if self._closed else (until - self._now()) / SECOND) as deadline:

            def stop() -> None:
                if stop in self._stops and not deadline.expired():
                    deadline.reschedule(0)

            self._stops.add(stop)
            try:
                yield stop
            finally:
                self._stops.discard(stop)

    def close(self) -> None:
        """End all listening, now and later."""
        self._closed = True
        for stop in self._stops:
            stop()

    def _turns_in_s(self) -> float:
        """In how many seconds a board's name means another board."""
        now = self._now()
        return inf if self._next_turn is None else max(0.001, (self._next_turn(now) - now) / SECOND)

    @staticmethod
    async def _read(read: Callable[[], Awaitable[Watched]], last: Watched | None) -> Watched:
        try:
            return await read()
        except BoardNotReady:
            if last is None:
                raise
            return last

    async def _change(self, after: int, within_s: float) -> None:
        """Return when there have been more than `after` changes, at the latest after `within_s`."""
        if self._changes > after or within_s <= 0:
            return
        woken = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="laurels-live")
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await woken
        finally:
            self._waiting.discard(woken)
            if not self._waiting and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    async def _watch(self) -> None:
        """Look at the board whenever it may have changed, and wake everyone when it has, as long as anyone waits."""
        try:
            while self._waiting:
                seen, look_again_in_s = await self._look()
                if seen == self._seen:
                    await self._leaderboard.wait_for_change(seen[0], look_again_in_s)
                else:
                    self._seen = seen
                    self._changes += 1
                    await self._wake()
        except Exception as error:  # noqa: BLE001 - everyone who waits must hear of it, whatever it was
            self._watching = None
            for woken in self._waiting:
                if not woken.done():
                    woken.set_exception(error)

    async def _look(self) -> tuple[tuple[Version, bool], float]:
        """The version and whether it is stale; and in how many seconds that may be another one all by itself."""
        try:
            view = await self._leaderboard.read(ALL_TIME, None, top=0, around=0)
        except BoardNotReady:
            return (Version(0, {}), True), _RETRY_S
        fresh_for = view.confirmed_at + self._stale_after - self._now()
        if fresh_for < 0:
            return (view.version, True), _RETRY_S
        return (view.version, False), (fresh_for + 1) / SECOND

    async def _wake(self) -> None:
        for n, woken in enumerate(list(self._waiting), 1):
            if not woken.done():
                woken.set_result(None)
            if n % _SLICE == 0:
                await asyncio.sleep(0)
