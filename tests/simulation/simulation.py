"""One run of the whole system under a seed: who asks what, what breaks when, in which order everything goes."""

import asyncio
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
from structlog.testing import capture_logs
from tests.ledgers import open_ledger
from tests.property.model_nouns import boards_of
from tests.simulation.disk import Disk
from tests.simulation.judge import judge_documents, judge_everything
from tests.simulation.machine import PROGRAM, Machine, Rooms, note_connection
from tests.simulation.mail import MailServer
from tests.simulation.scheduler import Scheduler
from tests.simulation.shop import MEMBERS, SimulatedShop

from laurels.clock import DAY, HOUR, MINUTE, SECOND
from laurels.engines.sqlite import leases
from laurels.leaderboard import projector
from laurels.model import Mark

REPLAY = "LAURELS_SIM_SEED={} LAURELS_SIM_SHARDS={} .venv/bin/pytest -s tests/simulation/test_simulation.py -k one_run"
"""What plays a seed again, and tells what happened."""

MEMORY = Path("/dev/shm")  # noqa: S108 - only as the folder of temporary folders
"""Where files cost least; where there is none, the usual folder does."""

STARTS = (1_761_955_199_000_000, 1_792_000_000_000_000, 1_774_745_999_500_000)
"""A second before November in London, a quiet day in October, half a second before the clocks go forward."""

JUMPS = (-HOUR, -30 * SECOND, -SECOND, SECOND, HOUR, 8 * DAY)
"""By how much the machine's clock may be set, each time."""

CHUNKS = (1, 3, 1000)
"""How many entries the projector may take at once."""

SHARDS = (1, 1, 1, 16)
"""How many the ledger of a seed has."""

LEASE = 6_000
"""Microseconds that a shard stays a dead process's: as short as a run is."""

NEVER_FOLDS = 1000
FOLD_AT_PAGES = (12, NEVER_FOLDS, NEVER_FOLDS)
"""When SQLite folds its log into the file: in the middle of a short run, or not within it."""


class Failed(AssertionError):
    """A run went wrong. Says what happened, and how to see it again."""


class Run:
    """A run, which `play` carries out, over a ledger of so many shards: the seed's own number, unless told. `trace`
    tells what happened; `digest` is the same for the same run.
    """

    def __init__(self, seed: int, shards: int | None = None) -> None:
        self.seed = seed
        self._shards = SHARDS[seed % len(SHARDS)] if shards is None else shards
        self.trace: list[str] = []
        self._dice = random.Random(seed)
        self._loop = Scheduler(self._dice)
        self._fold_at_pages = self._dice.choice(FOLD_AT_PAGES)

    @property
    def digest(self) -> str:
        """A hash over all that happened, in order, and how many steps it took."""
        return hashlib.sha256("\n".join([*self.trace, str(self._loop.steps)]).encode()).hexdigest()

    def play(self) -> None:
        """Raises `Failed`, with the trace, where a promise is broken."""
        try:
            with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder, self._surroundings():
                disk = Disk(Path(folder), image(self._shards), self._dice, lambda: self._loop.meanwhile(10))
                try:
                    self._loop.run(self._play(disk))
                finally:
                    disk.unregister()
                    self._loop.close()
        except Exception as error:
            story = "\n".join(self.trace)
            raise Failed(f"{story}\n\nseed {self.seed}: {error!r}\n{REPLAY.format(self.seed, self._shards)}") from error

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """What is decided for the whole process: how much the projector takes, how long a shard is a dead process's,
        when SQLite folds its log.
        """
        chunks, lease = (projector.CHUNK, projector.BUILDING_CHUNK), (leases.LEASE, leases.RENEW)
        projector.CHUNK = projector.BUILDING_CHUNK = self._dice.choice(CHUNKS)

        leases.LEASE, leases.RENEW = LEASE, LEASE // 3

        def fold_early(connection: apsw.Connection) -> None:
            connection.wal_autocheckpoint(self._fold_at_pages)

        hooks = [note_connection, fold_early]
        apsw.connection_hooks.extend(hooks)
        try:
            with capture_logs():
                yield
        finally:
            projector.CHUNK, projector.BUILDING_CHUNK = chunks
            leases.LEASE, leases.RENEW = lease
            for hook in hooks:
                apsw.connection_hooks.remove(hook)
            boards_of.cache_clear()

    async def _play(self, disk: Disk) -> None:
        mail = MailServer(self._dice, self._tell)
        machine = Machine(
            self._loop,
            disk,
            mail,
            self._dice,
            self._tell,
            started_at=self._dice.choice(STARTS),
            apart=self._dice.random() < 0.3,
            beside=self._dice.random() < 0.4,
        )
        shop = SimulatedShop(machine, self._dice, self._tell)
        try:
            machine.start()
            gremlin = asyncio.create_task(self._break(machine))
            await shop.trade()
            gremlin.cancel()
            with suppress(asyncio.CancelledError):
                await gremlin
            disk.strike_never()
            mail.is_troubled = False
            await self._until_quiet(machine)
            await machine.inside(lambda rooms: judge_documents(rooms.ledger, shop.history, settled=False))
            await shop.settle()
            if self._dice.random() < 0.2:
                machine.kill()
            await self._until_quiet(machine)
            for member_id in MEMBERS[:2]:
                assert await shop.look(member_id), "a customer who saw more before sees nothing"

            async def judge(rooms: Rooms) -> None:
                assert rooms.leaderboard is not None
                await judge_everything(rooms.ledger, rooms.leaderboard, shop.history, mail, machine.deaths)

            await machine.inside(judge)
        finally:
            machine.stop()

    async def _break(self, machine: Machine) -> None:
        """Break something now and then, as long as the shop trades."""
        for _ in range(self._dice.choice((0, 1, 1, 2, 3))):
            power = self._dice.random() < 0.5
            what = self._dice.random()
            # SQLite passes over trouble while it folds its log; apsw would take that for a failure of the commit.
            if self._dice.random() < 0.2 and self._fold_at_pages == NEVER_FOLDS:
                machine.trouble_the_disk(power=power)
            if what < 0.5:
                machine.kill_at_disk(self._dice.randrange(60), power=power)
            await asyncio.sleep(self._dice.uniform(0.0, 0.02))
            if 0.5 <= what < 0.75:
                machine.kill(None if power else self._dice.choice(machine.names))
            elif 0.75 <= what < 0.85:
                machine.restart(self._dice.choice(machine.names))
            elif what >= 0.85:
                machine.set_clock(self._dice.choice(JUMPS))

    async def _until_quiet(self, machine: Machine) -> None:
        """Until everything is up, nothing is left to award or send, and the board is at the head of the feed. Whatever
        was put off or is kept for somebody dead comes up as time goes by.
        """
        for _ in range(200):
            await asyncio.sleep(0.02)
            if machine.is_up() and await machine.inside(_is_quiet):
                return
            machine.set_clock(31 * MINUTE)
        raise AssertionError("it does not get quiet")

    def _tell(self, who: str, *what: object) -> None:
        self.trace.append(f"{self._loop.time():8.4f} {who:10} {' '.join(map(str, what))}")


async def _is_quiet(rooms: Rooms) -> bool:
    counts = await rooms.ledger.counts()
    heads = await rooms.ledger.heads()
    assert rooms.leaderboard is not None
    followed = await rooms.leaderboard.followed()
    if counts.ready or counts.messages_due:
        return False
    return all(followed.marks.get(shard, Mark()).position == head.position for shard, head in heads.marks.items())


@cache
def image(shards: int) -> bytes:
    """A fresh ledger's file, with the program published: every run begins with it."""

    async def publish(path: Path) -> None:
        ledger = await open_ledger(path, shards=shards)
        await ledger.publish(PROGRAM.version, PROGRAM.text, None, actor="test")
        await ledger.close()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "laurels.db"
        asyncio.run(publish(path))
        return path.read_bytes()
