"""The port's face of the Valkey engine: generations, what this process saw of them, and who waits for a change.

Any number of processes may read the board, and follow the feed, at once: each step says which generation and mark it
builds upon, and the server refuses it where they are no longer so. That is also how lost or older data is noticed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Self

import structlog
from msgspec.structs import replace
from redis.exceptions import RedisError

from laurels.engines.valkey import answers, loading, telling
from laurels.engines.valkey.address import read_address
from laurels.engines.valkey.answers import DAMAGED, Views
from laurels.engines.valkey.change_signal import ServerChangeSignal
from laurels.engines.valkey.connecting import Tls
from laurels.engines.valkey.server import Server
from laurels.errors import BoardMoved, BoardNotReady, BoardUnavailable, FeedDiverged, SettingsError
from laurels.leaderboard import ALL_TIME, BoardRow, Change, Followed, LoadPart, View, check_shard, is_name, size_of
from laurels.model import Mark, Version

PREFIX = "laurels"
"""What every key of a board begins with."""

PAGE = 10_000
"""Places that `standings` reads in one moment. For some 15 ms the server answers nobody else."""

READ_WITHIN_S = 2.0
"""How long a reader waits at most, whatever it waits for: a connection, a server that hangs, being asked twice."""

BATCH_S = 0.015
"""How long a batch should keep the server, on which others wait meanwhile."""

SMALLEST_BATCH, LARGEST_BATCH = 50, 5_000

NEVER = 0
"""`confirmed_at` of a view that must not pass for fresh."""

NOBODY = ""
"""The id of no member."""

log = structlog.get_logger(__name__)


class ValkeyLeaderboard:
    """A `Leaderboard` on a Valkey or Redis server. Use it from one event loop, and let one projector apply through it.

    Every call is one round trip. What it costs the server, and how much memory: `bench/micro/valkey_leaderboard.py`.
    """

    name = "valkey"

    def __init__(self, server: Server, prefix: str, identity: str | None) -> None:
        """Use `open`, which looks at the server first."""
        self._server = server
        self._prefix = prefix
        self._identity = identity or ""
        self._signal = ServerChangeSignal(server.client, f"{prefix}:changed")
        self._views = Views()
        # What was read last: a read that is sent later and shows less comes from a server that lost something.
        self._seen = 0, Version(0, {})
        # What is followed, as this process left it. Lower marks than these are not built upon.
        self._generation = 0
        self._marks: dict[int, Mark] = {}
        self._batch = float(LARGEST_BATCH) / 5

    @classmethod
    async def open(
        cls,
        url: str,
        prefix: str = PREFIX,
        *,
        identity: str | None = None,
        tls: Tls | None = None,
        sentinel_password: str | None = None,
        may_refuse: bool = False,
    ) -> Self:
        """Connect. A server that is away is not an error: it is asked again with each call.

        With `identity`, the board is that ledger's alone: another ledger's under the same prefix is neither read nor
        written. Raises `SettingsError` for one that is there by now, for a URL that cannot be read, for a server that
        would not keep the promises (one that evicts, is too old, a cluster or a replica), and for rights that lack.
        Where it `may_refuse`, what the server will not do is told in the log alone: for who needs no board.
        """
        if not is_name(prefix):
            raise SettingsError(
                "leaderboard.prefix: give 1 to 124 printable ASCII characters, no quotes or backslashes."
            )
        address = read_address(url)
        engine = cls(Server(address, prefix, tls, sentinel_password), prefix, identity)
        if address.password is None and not address.is_local:
            log.warning(
                "leaderboard.no_password",
                server=str(address),
                do="Whoever reaches the server can change the board: give it a password.",
            )
        try:
            await engine._look()
        except BoardUnavailable:
            log.warning("leaderboard.away", leaderboard=cls.name, server=str(address))
        except SettingsError as error:
            if not may_refuse:
                await engine.close()
                raise
            log.warning("leaderboard.refused", leaderboard=cls.name, server=str(address), why=error.message)
        return engine

    @property
    def batch(self) -> int:
        """How many changes to give at once, as the last batches went: so many that others on the server wait for some
        15 ms.
        """
        return int(self._batch)

    async def read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        """See the port. Also raises `BoardNotReady` while the server is away, hangs, or gives what is no answer.

        A view that is older than one that this process saw before says that it was never confirmed.
        """
        before = self._seen
        board, top, around = _board(board), size_of(top), size_of(around)
        stamp, known = self._views.known_top(board, top)
        question = [
            board.encode(), _id(member_id), b"%d" % top, b"%d" % around, stamp, self._identity.encode(),
        ]  # fmt: skip
        answer: bytes = await self._ask("read", question)
        try:
            answer = answers.checked(question, answer)
            view = self._views.view(answer, board, top, known)
            now = self._views.moment(answer)
        except DAMAGED as error:
            raise _not_ready(self._server.damaged(error)) from error
        if now[0] <= before[0] and not now[1].includes(before[1]):
            return replace(view, confirmed_at=NEVER)
        if now[0] > self._seen[0] or now[1].includes(self._seen[1]):
            self._seen = now
        return view

    async def standings(self, board: str, *, chunk: int = 1000) -> AsyncIterator[list[BoardRow]]:
        """See the port. A board of up to `PAGE` places is read in one moment; a longer one raises `FeedDiverged` where
        it changes meanwhile.
        """
        position, last, read_of = 1, None, None
        while True:
            question = [_board(board).encode(), b"%d" % (position - 1), b"%d" % PAGE, self._identity.encode()]
            answer = await self._ask("standings", question)
            try:
                stamp, found = answers.page(question, answer, position, last)
            except DAMAGED as error:
                raise _not_ready(self._server.damaged(error)) from error
            if stamp != (read_of or stamp):
                raise FeedDiverged("The board changed while it was read. Try again when it changes less.")
            read_of = stamp
            for start in range(0, len(found), chunk):
                yield found[start : start + chunk]
            if len(found) < PAGE:
                return
            position, last = position + PAGE, found[-1]

    async def followed(self) -> Followed:
        """See the port. What is applied next through this engine builds upon what this gives."""
        answer = await self._run("followed", self._identity)
        if answer is None:
            self._generation, self._marks = 0, {}
            return Followed()
        try:
            self._generation, followed = answers.followed(answer)
        except DAMAGED as error:
            raise self._server.damaged(error) from error
        self._marks = dict(followed.marks)
        return followed

    async def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        """See the port. Raises `BoardMoved` where the board is not where this process left it."""
        check_shard(shard)
        mark = self._marks.get(shard, Mark())
        told = telling.encode(changes)
        begun = time.perf_counter()
        taken = await self._run(
            "apply", self._generation, shard, mark.position, mark.hash, upto.position, upto.hash, told
        )
        self._pace(len(changes), time.perf_counter() - begun)
        self._must_stand(taken)
        if upto.position > mark.position:  # also where another process was first: the next batch begins after it
            self._marks[shard] = upto

    async def confirm(self, at: int) -> None:
        """See the port. Raises `BoardMoved` where the board is not where this process left it."""
        served = await self._run("confirm", self._generation, at, *_told(self._marks))
        self._must_stand(served)
        if served != str(self._generation).encode():
            await self._server.sweep()

    async def reset(self, followed: Followed) -> None:
        """See the port. Until the first `confirm` the server holds both what is served and what is built."""
        if followed.marks:
            raise ValueError("a leaderboard is rebuilt from the start of the feed: give no marks")
        self._server.look_again()
        newest = max(self._generation, self._seen[0])
        begun = await self._run(
            "reset", newest, self._identity, followed.identity or "", followed.epoch, followed.rules
        )
        self._generation, self._marks = int(begun), {}
        await self._server.sweep()

    async def load(self, followed: Followed, parts: AsyncIterator[LoadPart]) -> None:
        """See the port. Others on the server wait for a batch of some 15 ms at a time."""
        await self.reset(replace(followed, marks={}))
        begun = await self._run("begin_load", followed.identity or "", followed.epoch, followed.rules)
        generation = int(begun)
        try:
            async for part in parts:
                for batch in loading.batches(part, self.batch):
                    start = time.perf_counter()
                    self._must_stand(await self._run("load", generation, batch))
                    self._pace(self.batch, time.perf_counter() - start)
            self._must_stand(await self._run("end_load", self._generation, generation, *_told(followed.marks)))
        except BaseException:
            with suppress(BoardUnavailable):
                await self._server.drop(generation)
            raise
        self._generation, self._marks = generation, dict(followed.marks)

    async def adopt(self, epoch: int) -> None:
        """See the port."""
        self._must_stand(await self._run("adopt", self._generation, epoch, *_told(self._marks)))

    async def wait_for_change(self, known: Version, timeout_s: float) -> None:
        """See the port. While the server is away or hangs this takes all of the time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                try:
                    changed = await self._signal.armed()
                    is_news = await self._is_news(known)
                except (BoardUnavailable, RedisError, OSError):
                    await asyncio.sleep(until - loop.time())
                    return
                if not is_news:
                    await changed.wait()

    async def clear(self) -> None:
        """Delete the board, whosever it is; other keys stay."""
        await self._server.clear()

    async def close(self) -> None:
        """Wake all who wait and let go of the server; the board stays there."""
        await self._signal.close()
        await self._server.close()

    async def _is_news(self, known: Version) -> bool:
        try:
            return (await self.read(ALL_TIME, None, top=0, around=0)).version != known
        except BoardNotReady as error:
            if isinstance(error.__cause__, BoardUnavailable):
                raise error.__cause__ from None
            return False

    async def _look(self) -> None:
        """Raise `SettingsError` where this server or prefix will not do."""
        await self._server.check()
        if await self._server.run("followed", self._identity) == b"foreign":
            raise SettingsError(
                f"leaderboard.prefix: {self._server.address} has the board of another ledger under {self._prefix}. Set "
                f"another prefix; or, where that board is not needed any more, delete the key {self._prefix} there."
            )

    async def _ask(self, script: str, question: Sequence[bytes]) -> Any:
        """What a reader is told. Raises `BoardNotReady` where no board is served, or the server is away."""
        try:
            answer = await self._run(script, *question, within_s=READ_WITHIN_S)
        except BoardUnavailable as error:
            raise _not_ready(error) from error
        if answer is None:
            raise BoardNotReady
        return answer

    async def _run(self, script: str, *arguments: bytes | str | int, within_s: float | None = None) -> Any:
        bound = {} if within_s is None else {"within_s": within_s}
        answer = await self._server.run(script, *arguments, **bound)
        if answer == b"foreign":
            raise self._server.told(
                "FOREIGN", "Another ledger's board is there: set leaderboard.prefix to another name."
            )
        return answer

    def _must_stand(self, answer: bytes) -> None:
        """Raise where a script did nothing, or could not do it."""
        if answer == b"moved":
            self._generation, self._marks = 0, {}
            raise BoardMoved
        word, _, why = answer.partition(b" ")
        if word == b"KEY":
            raise KeyError(why.decode())
        if word == b"RANGE":
            raise ValueError(why.decode())

    def _pace(self, done: int, took_s: float) -> None:
        """Let the next batch be as long as `BATCH_S` allows, by what one took: half as long, or a quarter longer."""
        if took_s > BATCH_S:
            self._batch = max(self._batch / 2, SMALLEST_BATCH)
        elif done >= self._batch / 2:
            self._batch = min(self._batch * 1.25, LARGEST_BATCH)


def _told(marks: dict[int, Mark]) -> list[bytes | int]:
    return [part for shard, mark in marks.items() for part in (shard, mark.position, mark.hash)]


def _board(name: str) -> str:
    """A name as the server has it; that of no board for what cannot name one."""
    return name if is_name(name) else ""


def _id(member_id: str | None) -> bytes:
    """An id as the server has it; nobody's for what is none."""
    try:
        return (member_id or NOBODY).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return NOBODY.encode()


def _not_ready(error: BoardUnavailable) -> BoardNotReady:
    return BoardNotReady(error.message)
