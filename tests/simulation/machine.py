"""One machine of a shop: its clock, its disk, and the processes that run Laurels on it. All of them die and come back.

The rooms are the real ones, on a real ledger, with the real loops behind them. Only what stands for another machine is
made here: the mail server, and a leaderboard that lives beside the processes.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import apsw
from tests.simulation.disk import Disk, let_go
from tests.simulation.scheduler import LIFE, Life, Scheduler

from laurels.awarding import Awarder, publish
from laurels.clock import SECOND
from laurels.dashboard import Dashboards, ProxyNames, Seal, Versions
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.engines.memory import MemoryLeaderboard
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import LedgerUnavailable
from laurels.intake import Intake
from laurels.jobs import forget_words
from laurels.leaderboard import Boards, Change, Followed, Leaderboard, LoadPart, Projector, View
from laurels.ledger import Ledger
from laurels.members import Members
from laurels.model import Mark, Version
from laurels.notify import Composer, MessageChannel, Notifier
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.workers import award_forever, notify_forever, project_forever

T = TypeVar("T")

PROGRAM = parse_program(DEFAULT_PROGRAM)
BOARDS = Boards(PROGRAM.zone)
NAMES = ProxyNames(PUBLISHED_KEY)
SEAL = Seal(PUBLISHED_KEY)
COMPOSER = Composer("Corner Shop <points@shop.example>", [PROGRAM])
STALE_AFTER_MS = 1000

Trace = Callable[..., None]
"""Writes down what happened: who, what, and further values."""


class Lost(Exception):
    """No answer came. What was asked for may have been done, or not, or may yet be."""


class Away(Exception):
    """Nobody was there to ask: nothing was done."""


@dataclass
class Rooms:
    """What a process has open."""

    ledger: Ledger
    intake: Intake
    awarder: Awarder
    members: Members
    dashboards: Dashboards | None
    leaderboard: Leaderboard | None
    stop: asyncio.Event
    work: "list[asyncio.Task[None]]" = field(default_factory=list)


class Process(Life):
    """A process of the system from its start to its end. `serves`: it takes requests; `works`: the loops run in it."""

    def __init__(self, name: str, *, serves: bool, works: bool) -> None:
        super().__init__()
        self.name = name
        self.serves = serves
        self.works = works
        self.rooms: Rooms | None = None
        self.calls: dict[asyncio.Future[Any], None] = {}
        self.connections: list[apsw.Connection] = []
        self.context: Context = copy_context()
        self.context.run(LIFE.set, self)

    def begin(self, doing: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """A task that dies with the process."""
        return asyncio.get_running_loop().create_task(doing, context=self.context)

    def bury(self) -> None:
        """See `Life`. Its locks and files are free, and whoever waits for its answer waits in vain."""
        self.rooms = None
        let_go(self.connections)
        for task in self.tasks:
            _leave_undone(task, self.context)
        calls, self.calls = self.calls, {}
        for call in calls:
            if not call.done():
                call.set_exception(Lost())


class Machine:
    """Starts the processes, kills them, and starts them again. `beside`: the leaderboard lives on another machine."""

    def __init__(
        self,
        loop: Scheduler,
        disk: Disk,
        channel: MessageChannel,
        rng: random.Random,
        trace: Trace,
        *,
        started_at: int,
        apart: bool,
        beside: bool,
    ) -> None:
        self.loop = loop
        self.disk = disk
        self.deaths = 0
        self._channel = channel
        self._dice = rng
        self._trace = trace
        self._started_at = started_at
        self._drift = 1 + rng.uniform(-0.001, 0.001)
        self._plan = {"serves": (True, False), "works": (False, True)} if apart else {"both": (True, True)}
        self._beside = Beside(rng) if beside else None
        self._processes: dict[str, Process] = {}
        self._outside = copy_context()

    def now(self) -> int:
        """The machine's clock, which drifts and is set anew now and then."""
        return self._started_at + int(self.loop.time() * SECOND * self._drift)

    def set_clock(self, by: int) -> None:
        """Somebody or something sets the clock forward, or back."""
        self._trace("clock", "jumps by", by // SECOND, "s")
        self._started_at += by

    def start(self) -> None:
        """Start every process."""
        for name in self._plan:
            self._start(name)

    def kill(self, name: str | None = None) -> None:
        """Kill one process, or with None pull the plug. It comes back after a moment."""
        victims = [process for process in self._processes.values() if process.alive and name in (None, process.name)]
        for process in victims:
            process.alive = False
        self.deaths += 1
        self._trace("machine", "loses power" if name is None else f"{name} is killed")
        if name is None:
            self.disk.lose_power()
        running = LIFE.get()
        for process in victims:
            if process is not running:  # that one is buried when its step is over
                process.bury()
        pause = self._dice.uniform(0.0, 0.01)
        names = list(self._plan) if name is None else [name]
        self.loop.call_later(pause, self._come_back, names, context=self._outside.copy())

    def kill_at_disk(self, touches: int, *, power: bool) -> None:
        """Kill whoever changes the disk the `touches`-th time from now, or the whole machine at that moment."""
        self.disk.strike_after(touches, partial(self._strike, power=power))

    def trouble_the_disk(self, *, power: bool) -> None:
        """Let the disk refuse some of what it is told, and perhaps kill whoever hears that."""
        self._trace("disk", "is in trouble")
        share = self._dice.choice((0.05, 0.1, 0.5))
        pattern = [self._dice.random() < share for _ in range(self._dice.randrange(40))]
        self.disk.refuse(pattern, partial(self._strike, power=power))

    def restart(self, name: str) -> None:
        """Stop a process politely, and start it again."""
        process = self._processes[name]
        if process.alive and process.rooms is not None:
            self._trace(name, "is asked to stop")
            closing = process.begin(self._close(process.rooms))
            process.rooms = None
            closing.add_done_callback(lambda _: self._stopped(process), context=self._outside.copy())

    def stop(self) -> None:
        """Stop everything for good, politely or not makes no difference."""
        for process in self._processes.values():
            process.alive = False
            process.bury()

    @property
    def names(self) -> list[str]:
        """The names of the processes."""
        return list(self._plan)

    async def ask(self, doing: Callable[[Rooms], Awaitable[T]], *, lossy: bool) -> T:
        """Ask the process that takes requests; the wire is slow, and a `lossy` one loses answers.

        Raises `Lost`, `Away`, and what the system answers.
        """
        return await self._ask(self._find(serves=True), doing, lossy=lossy)

    async def look(self, doing: Callable[[Dashboards], Awaitable[T]]) -> T:
        """Ask the process that has the dashboards."""

        async def look(rooms: Rooms) -> T:
            assert rooms.dashboards is not None
            return await doing(rooms.dashboards)

        return await self._ask(self._find(serves=False), look, lossy=False)

    async def inside(self, doing: Callable[[Rooms], Coroutine[Any, Any, T]]) -> T:
        """Do something in the process that works, which must not die meanwhile."""
        process = self._find(serves=False)
        assert process.rooms is not None
        return await self._inside(process, doing(process.rooms))

    def is_up(self) -> bool:
        """Whether every process has its rooms open."""
        return all((process := self._processes[name]).alive and process.rooms for name in self._plan)

    def _find(self, *, serves: bool) -> Process:
        for process in self._processes.values():
            if process.alive and process.rooms is not None and (process.serves if serves else process.works):
                return process
        raise Away

    async def _ask(self, process: Process, doing: Callable[[Rooms], Awaitable[T]], *, lossy: bool) -> T:
        answer: asyncio.Future[T] = self.loop.create_future()
        process.calls[answer] = None

        async def serve() -> None:
            await asyncio.sleep(self._dice.uniform(0.0, 0.001))
            try:
                result = await doing(_open_rooms(process))
            except Exception as error:  # noqa: BLE001 - it is the answer
                send(answer.set_exception, error)
            else:
                send(answer.set_result, result)

        def send(put: Callable[[Any], None], what: object) -> None:
            process.calls.pop(answer, None)
            if lossy and self._dice.random() < 0.1:
                put, what = answer.set_exception, Lost()
            self.loop.call_later(self._dice.uniform(0.0, 0.001), put, what, context=self._outside.copy())

        process.begin(serve())
        return await answer

    async def _inside(self, process: Process, doing: Coroutine[Any, Any, T]) -> T:
        return await process.begin(doing)

    def _strike(self, life: Life, *, power: bool) -> None:
        assert isinstance(life, Process)
        self._trace("disk", "strikes", life.name)
        self.kill(None if power else life.name)

    def _start(self, name: str) -> None:
        serves, works = self._plan[name]
        process = self._processes[name] = Process(name, serves=serves, works=works)
        self._trace(name, "starts")
        process.begin(self._open(process))

    def _stopped(self, process: Process) -> None:
        if process.alive:
            process.alive = False
            process.bury()
            self._start(process.name)

    def _come_back(self, names: Sequence[str]) -> None:
        for name in names:
            if not self._processes[name].alive:
                self._start(name)

    async def _open(self, process: Process) -> None:
        try:
            ledger = SqliteLedger.open(self.disk.path, self.now)
            programs = await publish(ledger, PROGRAM)
        except LedgerUnavailable as error:
            self._trace(process.name, "cannot start", error.message)
            self.kill(process.name)
            return
        leaderboard: Leaderboard | None = None
        dashboards: Dashboards | None = None
        awarder = Awarder(ledger, programs, self.now)
        stop = asyncio.Event()
        work: list[Coroutine[Any, Any, None]] = []
        if process.works:
            leaderboard = self._beside or MemoryLeaderboard()
            dashboards = Dashboards(leaderboard, BOARDS, NAMES, Versions(SEAL, ledger), STALE_AFTER_MS, now=self.now)
            projector = Projector(ledger, leaderboard, BOARDS, PROGRAM.time_zone, self.now)
            notifier = Notifier(ledger, self._channel, COMPOSER, self.now)
            work = [
                award_forever(ledger, awarder, stop),
                project_forever(projector, stop),
                notify_forever(ledger, notifier, stop),
            ]
        members = Members(ledger, awarder, self._channel.forget, partial(forget_words, ledger))
        process.rooms = Rooms(ledger, Intake(ledger), awarder, members, dashboards, leaderboard, stop)
        process.rooms.work = [process.begin(self._watched(doing)) for doing in work]

    async def _watched(self, doing: Coroutine[Any, Any, None]) -> None:
        """What a loop raises ends the run: nobody waits for a loop, so nobody would hear of it."""
        try:
            await doing
        except Exception as error:  # noqa: BLE001 - it is told
            self.loop.faults.append(error)

    async def _close(self, rooms: Rooms) -> None:
        rooms.stop.set()
        await asyncio.gather(*rooms.work)
        await rooms.ledger.close()


def _open_rooms(process: Process) -> Rooms:
    """Raises `Lost` where the process stopped while the request was on its way."""
    if process.rooms is None:
        raise Lost
    return process.rooms


class Beside:
    """A leaderboard on a machine of its own, as a server would be: every call goes there and back, and whoever called
    may be dead by then.
    """

    name = "beside"

    def __init__(self, rng: random.Random) -> None:
        self._board = MemoryLeaderboard()
        self._dice = rng

    async def read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        return await self._travel(lambda: self._board.read(board, member_id, top=top, around=around))

    async def standings(self, board: str, *, chunk: int = 1000) -> AsyncIterator[list[tuple[str, int, int, int]]]:
        async for rows in self._board.standings(board, chunk=chunk):
            yield rows

    async def followed(self) -> Followed:
        return await self._travel(self._board.followed)

    async def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        await self._travel(lambda: self._board.apply(shard, changes, upto))

    async def confirm(self, at: int) -> None:
        await self._travel(lambda: self._board.confirm(at))

    async def reset(self, followed: Followed) -> None:
        await self._travel(lambda: self._board.reset(followed))

    async def load(self, followed: Followed, parts: AsyncIterator[LoadPart]) -> None:
        read = [part async for part in parts]
        await self._travel(lambda: self._board.load(followed, _each(read)))

    async def adopt(self, epoch: int) -> None:
        await self._travel(lambda: self._board.adopt(epoch))

    async def wait_for_change(self, known: Version, timeout_s: float) -> None:
        await self._board.wait_for_change(known, timeout_s)

    async def close(self) -> None:
        """The server stays."""

    async def _travel(self, doing: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(self._dice.uniform(0.0, 0.001))
        answer = await doing()
        await asyncio.sleep(self._dice.uniform(0.0, 0.001))
        return answer


async def _each(parts: Sequence[LoadPart]) -> AsyncIterator[LoadPart]:
    for part in parts:
        yield part


def note_connection(connection: apsw.Connection) -> None:
    """For `apsw.connection_hooks`: remember whose connection this is."""
    life = LIFE.get()
    if isinstance(life, Process):
        life.connections.append(connection)


def _leave_undone(task: "asyncio.Task[Any]", context: Context) -> None:
    """So that nobody complains later that nobody waited for it."""
    if task.done():
        if not task.cancelled():
            task.exception()
        return
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    with suppress(RuntimeError):  # it would clean up first, and is dead
        context.copy().run(task.get_coro().close)
