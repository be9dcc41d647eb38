"""The port's face of the Valkey engine: generations, what this process saw of them, and who waits for a change.

Any number of processes may read the board, and follow the feed, at once: each step says which generation and mark it
builds upon, and the server refuses it where they are no longer so. That is also how lost or older data is noticed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Self, assert_never

import structlog
from msgspec import msgpack
from msgspec.structs import replace
from redis.exceptions import RedisError

from laurels.engines.valkey import answers
from laurels.engines.valkey.address import read_address
from laurels.engines.valkey.answers import Row, Views
from laurels.engines.valkey.bell import Bell
from laurels.engines.valkey.server import Server
from laurels.errors import BoardMoved, BoardNotReady, BoardUnavailable, FeedDiverged, SettingsError
from laurels.leaderboard import (
    ALL_TIME,
    Change,
    Erased,
    Followed,
    Hidden,
    Joined,
    Renamed,
    Scored,
    Shown,
    View,
)
from laurels.model import Mark, Version

ROOT = "laurels"
"""The key that every key of a board begins with. Two Laurels on one server need a database each."""

PAGE = 10_000
"""Places that `standings` reads in one moment. For some 15 ms the server answers nobody else."""

NEVER = 0
"""`confirmed_at` of a view that must not pass for fresh."""

log = structlog.get_logger(__name__)


class ValkeyLeaderboard:
    """A `Leaderboard` on a Valkey or Redis server. Use it from one event loop, and let one projector apply through it.

    Every call is one round trip. What it costs the server, and how much memory: `bench/micro/valkey_leaderboard.py`.
    """

    name = "valkey"

    def __init__(self, server: Server, root: str) -> None:
        """Use `open`, which looks at the server first."""
        self._server = server
        self._root = root
        self._bell = Bell(server.client, f"{root}:changed")
        self._views = Views()
        self._is_checked = False
        self._refusal = ""
        # What was read last: a read that is sent later and shows less comes from a server that lost something.
        self._seen = 0, Version(0, {})
        # What is followed, as this process left it. Lower marks than these are not built upon.
        self._generation = 0
        self._marks: dict[int, Mark] = {}

    @classmethod
    async def open(cls, url: str, root: str = ROOT) -> Self:
        """Connect. A server that is away is not an error: it is asked again with each call.

        Raises `SettingsError` for a URL that cannot be read, and for a server that would not keep the promises: one
        that evicts, is too old, a cluster or a replica.
        """
        engine = cls(Server(read_address(url), root), root)
        try:
            await engine._check()
        except BoardUnavailable:
            log.warning("leaderboard.away", leaderboard=cls.name, server=str(engine._server.address))
        except SettingsError:
            await engine.close()
            raise
        return engine

    async def read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        """See the port. Also raises `BoardNotReady` while the server is away.

        A view that is older than one that this process saw before says that it was never confirmed.
        """
        before = self._seen
        stamp, known = self._views.known_top(board, top)
        answer: bytes = await self._ask("read", board, member_id or "", top, around, stamp)
        view = self._views.view(answer, board, top, known)
        now = self._views.moment(answer)
        if now[0] < before[0] or (now[0] == before[0] and not now[1].includes(before[1])):
            return replace(view, confirmed_at=NEVER)
        self._seen = max(self._seen, now, key=_progress)
        return view

    async def standings(self, board: str, *, chunk: int = 1000) -> AsyncIterator[list[Row]]:
        """See the port. A board of up to `PAGE` places is read in one moment; a longer one raises `FeedDiverged` where
        it changes meanwhile.
        """
        position, last, read_of = 1, None, None
        while True:
            answer = await self._ask("standings", board, position - 1, PAGE)
            stamp, places, ids = answer
            if stamp != (read_of or stamp):
                raise FeedDiverged("The board changed while it was read. Try again when it changes less.")
            read_of = stamp
            found = answers.rows(places, ids, position, last)
            for start in range(0, len(found), chunk):
                yield found[start : start + chunk]
            if len(found) < PAGE:
                return
            position, last = position + PAGE, found[-1]

    async def followed(self) -> Followed:
        """See the port. What is applied next through this engine builds upon what this gives."""
        answer = await self._run("followed")
        if answer is None:
            self._generation, self._marks = 0, {}
            return Followed()
        followed = answers.followed(answer)
        self._generation, self._marks = int(answer[0]), dict(followed.marks)
        return followed

    async def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        """See the port. Raises `BoardMoved` where the board is not where this process left it."""
        mark = self._marks.get(shard, Mark())
        taken = await self._run(
            "apply",
            self._generation,
            shard,
            mark.position,
            mark.hash,
            upto.position,
            upto.hash,
            msgpack.encode([_told(position, change) for position, change in changes]),
        )
        self._must_stand(taken)
        if upto.position > mark.position:  # also where another process was first: the next batch begins after it
            self._marks[shard] = upto

    async def confirm(self, at: int) -> None:
        """See the port. Raises `BoardMoved` where the board is not where this process left it."""
        marks = [part for shard, mark in self._marks.items() for part in (shard, mark.position, mark.hash)]
        served = await self._run("confirm", self._generation, at, *marks)
        self._must_stand(served)
        if served != str(self._generation).encode():
            await self._server.sweep()

    async def reset(self, followed: Followed) -> None:
        """See the port. Until the first `confirm` the server holds both what is served and what is built."""
        if followed.marks:
            raise ValueError("a leaderboard is rebuilt from the start of the feed: give no marks")
        self._is_checked = False  # a server may be set up otherwise by now
        newest = max(self._generation, self._seen[0])
        generation = await self._run("reset", newest, followed.identity or "", followed.epoch, followed.rules)
        self._generation, self._marks = int(generation), {}
        await self._server.sweep()

    async def wait_for_change(self, known: Version, timeout_s: float) -> None:
        """See the port. While the server is away this takes all of the time, and where it hangs, what an answer may."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        try:
            changed = await self._bell.armed()
            served = await self._run("read", ALL_TIME, "", 0, 0, "")
        except (BoardUnavailable, RedisError, OSError):
            await asyncio.sleep(until - loop.time())
            return
        if served is None or self._views.moment(served)[1] == known:
            # Around the waiting alone: redis-py may keep a cancellation to itself.
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await changed.wait()

    async def close(self) -> None:
        """Wake all who wait and let go of the server; the board stays there."""
        await self._bell.close()
        await self._server.close()

    async def _ask(self, script: str, *arguments: bytes | str | int) -> Any:
        """What a reader is told. Raises `BoardNotReady` where no board is served, or the server is away."""
        try:
            answer = await self._run(script, *arguments)
        except BoardUnavailable as error:
            raise BoardNotReady(error.message) from error
        if answer is None:
            raise BoardNotReady
        return answer

    async def _run(self, script: str, *arguments: bytes | str | int) -> Any:
        if not self._is_checked:
            try:
                await self._check()
            except SettingsError as error:
                if error.message != self._refusal:  # once, not for every reader
                    self._refusal = error.message
                    log.warning("leaderboard.refused", leaderboard=self.name, error=error.message)
                raise BoardUnavailable("The leaderboard's server cannot be used. The log says why.") from error
        return await self._server.run(script, *arguments)

    async def _check(self) -> None:
        await self._server.check()
        self._is_checked = True

    def _must_stand(self, answer: bytes) -> None:
        if answer == b"moved":
            self._generation, self._marks = 0, {}
            raise BoardMoved


def _progress(seen: tuple[int, Version]) -> tuple[int, int]:
    generation, version = seen
    return generation, sum(version.positions.values())


def _told(position: int, change: Change) -> tuple[int | str | None, ...]:
    """A change as the script `apply` takes it."""
    match change:
        case Scored(member, board, points):
            return position, "score", member, points, board
        case Joined(member, member_id, name_number):
            return position, "join", member, name_number, member_id
        case Hidden(member):
            return position, "hide", member
        case Shown(member):
            return position, "show", member
        case Renamed(member, name_number):
            return position, "rename", member, name_number
        case Erased(member):
            return position, "erase", member
        case _:
            assert_never(change)
