"""The port's face of the native engine.

Every process reads. The first method of those who follow the feed (from `followed` to `adopt`) makes this process the
writer, until it closes or ends, however it ends; in any other process they raise `AnotherProjector`.

What takes time by the number of members (files that are written anew because they were outgrown, boards put in order,
standings copied, a checkpoint loaded) is done in a thread: reads go on meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import laurels_core as core
import structlog

from laurels import clock
from laurels.dashboard import ProxyNames, Rendered
from laurels.engines.native.ops import load_part, ops_of
from laurels.errors import AnotherProjector, BoardMoved, BoardNotReady, BoardUnavailable, FeedDiverged, SettingsError
from laurels.leaderboard import ALL_TIME, BoardRow, Change, Followed, LoadPart, View, size_of
from laurels.model import Mark, Place, Standing, Version

SHORTEST_LOOK_S, LONGEST_LOOK_S = 0.001, 0.016
"""How often a process that waits for a change looks for one: soon at first, then more and more rarely. At the longest
that is 60 looks a second of some 20 us each, a thousandth of a core; and a change is seen 16 ms late at most.
"""

TRY_FOR_MS, TRIES = 20.0, 3
"""How long a read waits for a writer that was interrupted in the middle of an update, which takes microseconds: a busy
machine may let it wait for its turn. Then it reads what was there before that update, be the writer stopped or dead. It
tries again where the writer goes on at that very moment.
"""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class NativeLeaderboard:
    """A `Leaderboard` in the files of one directory, shared by any number of processes of one machine. It renders
    dashboards itself (`laurels.dashboard.Renders`).

    Use it from one event loop. Figures: `bench/micro/native_leaderboard.py`.
    """

    name = "native"

    def __init__(self, directory: Path, names: ProxyNames) -> None:
        """`directory` is made when the board is first written; its parent has to be there or makeable."""
        self._directory = directory
        self.native_reader = self._reader = core.Reader(
            directory, core.Names(names.tables, names.adjectives, names.creatures), deadline_ms=TRY_FOR_MS
        )
        self._writer: core.Writer | None = None
        self._is_served = False  # what is written is what is read: nothing is being built
        self._is_overfull = self._is_refused = False  # and it was said
        self._busy: asyncio.Future[Any] | None = None  # a thread has the writer
        self._closed = asyncio.Event()

    def check_ledger(self, identity: str) -> None:
        """Raise `SettingsError` where the files are the board of another ledger than the one with this identity: its
        readers would see the other one's members. What cannot be read is nobody's.
        """
        try:
            theirs = self._reader.identity()
        except (core.CoreError, OSError):
            return
        if theirs != identity:
            self._reader.close()
            raise SettingsError(
                f"{self._directory} has the board of another ledger. Give this ledger a state directory of its own; "
                "or, where it takes the other one's place, stop Laurels and run `laurels rebuild`."
            )

    async def read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        """See the port. Costs some 3 us, and 1 us for each place; `render` is the cheaper one."""
        name, who = _sayable(board), None if member_id is None else _sayable(member_id)
        top, around = size_of(top), size_of(around)
        epoch, positions, confirmed_at, ranked, first, me, beside = self._read(
            lambda: self._reader.view(name, who, top, around)
        )
        return View(
            version=Version(epoch, positions),
            confirmed_at=confirmed_at,
            ranked=ranked,
            top=[Place(*row) for row in first],
            me=None if me is None else Standing(*me),
            around=[Place(*row) for row in beside],
        )

    def render(
        self,
        board: str,
        member_id: str,
        *,
        top: int,
        around: int,
        now: int,
        stale_after: int,
        seal: Callable[[bytes], str] | None = None,
    ) -> Rendered:
        """See `laurels.dashboard.Renders`. Costs 1 to 3 us."""
        try:
            return self._reader.render(board, member_id, top, around, now, stale_after, seal)
        except (core.CoreError, OSError, UnicodeEncodeError):
            name, who = _sayable(board), _sayable(member_id)
            return self._read(lambda: self._reader.render(name, who, top, around, now, stale_after, seal))

    async def standings(self, board: str, *, chunk: int = 1000) -> AsyncIterator[list[BoardRow]]:
        """The version is the one at the first chunk; a copy of its order, 8 bytes a ranked member, is held to the last.

        Ids are not copied: raises `FeedDiverged` where one of the members is erased meanwhile.
        """
        name = _sayable(board)
        # A reader of its own: that of the dashboards must be free while the order is copied.
        reader = core.Reader(self._directory, deadline_ms=TRY_FOR_MS)
        standings = await asyncio.to_thread(self._read, lambda: reader.standings(name))
        try:
            while rows := await asyncio.to_thread(standings.rows, size_of(chunk)):
                yield rows
        except core.Diverged as error:
            raise FeedDiverged("A member on the board was erased while it was read. Read it again.") from error

    async def followed(self) -> Followed:
        identity, epoch, rules, marks = await self._write(core.Writer.followed)
        return Followed(
            identity=identity,
            epoch=epoch,
            rules=rules,
            marks={shard: Mark(position, digest) for shard, (position, digest) in marks.items()},
        )

    async def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        """See the port. Costs 2 to 4 us a change, and 0.5 us between `reset` and `confirm`. Readers in other processes
        may see a version inside the batch.

        Raises `BoardUnavailable` where the disk is full: what was in before is right, and the same batch goes on from
        there. Raises `KeyError` where one that never joined is hidden, shown, renamed or erased: no ledger writes
        such a feed.
        """
        ops = ops_of(changes)
        try:
            await self._write(lambda writer: writer.apply(shard, ops, upto.position, upto.hash, wait=False))
        except core.WouldWait:  # files are outgrown, or somebody copies standings: it goes on where it was
            await self._write_in_thread(lambda writer: writer.apply(shard, ops, upto.position, upto.hash))

    async def confirm(self, at: int) -> None:
        """See the port. The first one puts the members in order, in a thread: 0.1 us each."""
        if self._is_served:
            await self._write(lambda writer: writer.confirm(at))
            return await self._say_whether_overfull()
        await self._write_in_thread(lambda writer: writer.confirm(at))
        self._is_served = True
        return await self._say_whether_overfull()

    async def reset(self, followed: Followed) -> None:
        """See the port. What was served last stays on the disk until the first `confirm`."""
        if followed.marks:
            raise ValueError("a leaderboard is rebuilt from the start of the feed: give no marks")
        assert followed.identity is not None, "there is a feed to follow"
        identity, epoch, rules = followed.identity, followed.epoch, followed.rules
        await self._write_in_thread(lambda writer: writer.reset(identity, epoch, rules))
        self._is_served = False

    async def load(self, followed: Followed, parts: AsyncIterator[LoadPart]) -> None:
        """See the port. Costs some 0.5 us a member and 0.1 us a score, most of it in a thread. A process that ends
        meanwhile leaves what is thrown away by the next one.
        """
        assert followed.identity is not None, "there is a feed to follow"
        identity, epoch, rules = followed.identity, followed.epoch, followed.rules
        await self._write_in_thread(lambda writer: writer.reset(identity, epoch, rules, loading=True))
        self._is_served = False
        try:
            async for part in parts:
                await self._write_in_thread(partial(load_part, part=part))
            marks = [(shard, mark.position, mark.hash) for shard, mark in followed.marks.items()]
            await self._write(lambda writer: writer.loaded(marks))
        except BaseException:
            await self._write(lambda writer: writer.reset(identity, epoch, rules))
            raise

    async def adopt(self, epoch: int) -> None:
        try:
            await self._write(lambda writer: writer.adopt(epoch))
        except core.NotReady as error:
            raise BoardMoved from error

    async def wait_for_change(self, known: Version, timeout_s: float) -> None:
        """See the port. It may be another process that writes, so this looks again and again (`LONGEST_LOOK_S`)."""
        until = clock.elapsed() + timeout_s
        seen = self._sequence()
        if seen is not None and await self._version() != known:
            return
        pause = SHORTEST_LOOK_S
        while self._sequence() == seen and not self._closed.is_set():
            left = until - clock.elapsed()
            if left <= 0:
                return
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_LOOK_S)

    async def close(self) -> None:
        """Let go of the files, and wake all who wait. What this process wrote is on the disk then, also for a machine
        that is switched off; where the files went away, the log says so, and the board is rebuilt the next time.
        """
        self._closed.set()
        self._reader.close()
        await self._idle()
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            except (core.CoreError, OSError) as error:
                log.warning("leaderboard.not_closed", directory=str(self._directory), reason=str(error))

    def _read(self, read: Callable[[], T]) -> T:
        """What a read gives. Raises `BoardNotReady` where there is nothing to read, or no reading it."""
        for _ in range(TRIES):
            try:
                found = read()
            except core.Busy:
                continue
            except core.Refused as error:
                if not self._is_refused:
                    log.error("leaderboard.damaged", directory=str(self._directory), reason=str(error))  # noqa: TRY400 - no fault of the code
                self._is_refused = True
                raise BoardNotReady from error
            except core.Full as error:
                raise BoardNotReady(f"This board found no room: {error}.") from error
            except (core.NotReady, OSError) as error:
                raise BoardNotReady from error
            else:
                self._is_refused = False
                return found
        raise BoardNotReady

    async def _say_whether_overfull(self) -> None:
        is_overfull = await self._write(core.Writer.is_overfull)
        if is_overfull and not self._is_overfull:
            log.error("leaderboard.too_many_boards", directory=str(self._directory), most=core.MOST_BOARDS)
        self._is_overfull = is_overfull

    async def _write(self, write: Callable[[core.Writer], T]) -> T:
        """The same as `_write_now`, as soon as no thread has the writer."""
        await self._idle()
        return self._write_now(write)

    async def _write_in_thread(self, write: Callable[[core.Writer], T]) -> T:
        """The same as `_write` for what takes longer. It is done to its end, also where the caller is cancelled."""
        await self._idle()
        busy = asyncio.get_running_loop().run_in_executor(None, self._write_now, write)
        self._busy = busy
        return await asyncio.shield(busy)

    async def _idle(self) -> None:
        """Wait for the thread that has the writer: of another caller, or of one that was cancelled meanwhile."""
        while self._busy is not None and not self._busy.done():
            await asyncio.wait([self._busy])

    def _write_now(self, write: Callable[[core.Writer], T]) -> T:
        """What a call of the writer gives, which this process becomes if it is not yet. Raises `BoardMoved` where the
        files turn out to be damaged: then nothing is followed any more.
        """
        try:
            if self._writer is None:
                self._writer = self._open()
            try:
                return write(self._writer)
            except core.Refused as error:
                log.error("leaderboard.damaged", directory=str(self._directory), reason=str(error))  # noqa: TRY400 - as above
                self._writer.give_up()
                raise BoardMoved from error
        except core.Locked as error:
            raise AnotherProjector from error
        except (core.Full, OSError) as error:
            raise BoardUnavailable(f"The leaderboard in {self._directory} cannot be written: {error}") from error

    def _open(self) -> core.Writer:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return core.Writer(self._directory)
        except core.Refused as error:
            log.warning("leaderboard.refused", directory=str(self._directory), reason=str(error))
            return core.Writer(self._directory, discard=True)

    async def _version(self) -> Version | None:
        try:
            return (await self.read(ALL_TIME, None, top=0, around=0)).version
        except BoardNotReady:
            return None

    def _sequence(self) -> int | None:
        """What is another number whenever something changed; None where there is nothing to read."""
        try:
            return self._reader.sequence()
        except (core.CoreError, OSError):
            return None

    def _check(self) -> None:
        """Raise `AssertionError` where the files are not in order. Reads everything."""
        self._write_now(core.Writer.check)


def _sayable(text: str) -> str:
    """A text that the files can hold, or the one that nobody bears: a lone surrogate is in no id or name."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return ""
    return text
