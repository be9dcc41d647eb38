"""A primary that dies under real sentinels: the board goes on at the replica that takes its place, whole and fresh."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest
from tests.fault.test_valkey_lost import assert_whole, sell
from tests.key_value_server import Process, redis_binary, running, valkey_binary

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.errors import BoardNotReady, BoardUnavailable, SettingsError
from laurels.leaderboard import ALL_TIME
from laurels.settings import load
from laurels.wiring import Services, build

pytestmark = pytest.mark.anyio

WITHIN_S = 100


class Cluster:
    """A primary, a replica, and three sentinels of which two must agree."""

    def __init__(self, binary: str, folder: Path, stack: ExitStack) -> None:
        self.primary = stack.enter_context(
            running(Process(binary, folder / "one", config="repl-diskless-sync-delay 0"))
        )
        replicates = f"replicaof 127.0.0.1 {self.primary.port}"
        self.replica = stack.enter_context(running(Process(binary, folder / "two", config=replicates)))
        watch = (
            f"sentinel monitor board 127.0.0.1 {self.primary.port} 2\n"
            "sentinel down-after-milliseconds board 500\nsentinel failover-timeout board 3000\n"
        )
        self.sentinels = [
            stack.enter_context(running(Process(binary, folder / f"sentinel-{each}", config=watch, is_sentinel=True)))
            for each in range(3)
        ]
        self.url = f"valkey+sentinel://{','.join(f'127.0.0.1:{each.port}' for each in self.sentinels)}/board/0"

    async def settled(self) -> None:
        """Wait until the replica is in step and every sentinel knows it and the others."""
        await until(lambda: self.replica.command("INFO", "replication")["master_link_status"] == "up")
        await until(lambda: all(self._knows_all(sentinel) for sentinel in self.sentinels))

    def _knows_all(self, sentinel: Process) -> bool:
        known = sentinel.command("SENTINEL MASTERS")["board"]
        return (known["num-other-sentinels"], known["num-slaves"]) == (2, 1)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - what other processes do is seen by looking
            await asyncio.sleep(0.05)


@pytest.fixture(params=["valkey", "redis"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    binary = valkey_binary() if request.param == "valkey" else redis_binary()
    with ExitStack() as stack:
        yield Cluster(binary, tmp_path, stack)


@pytest.fixture
async def services(cluster: Cluster, tmp_path: Path, rng: Random) -> AsyncIterator[Services]:
    await cluster.settled()
    settings = {"state": tmp_path / "state", "leaderboard.engine": "valkey", "leaderboard.url": cluster.url}
    async with build(load(settings, environment={})) as services:
        await sell(services, rng)
        await services.projector.catch_up()
        yield services


async def catch_up(services: Services) -> None:
    """Follow the feed as soon as there is a primary."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            with suppress(BoardUnavailable):
                await services.projector.catch_up()
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("end", ["killed", "hung"])
async def test_the_board_goes_on_at_the_replica(cluster: Cluster, services: Services, rng: Random, end: str) -> None:
    await until(lambda: cluster.replica.command("DBSIZE") == cluster.primary.command("DBSIZE"))
    if end == "killed":
        cluster.primary.kill()
    else:
        cluster.primary.signal(signal.SIGSTOP)
    await sell(services, rng)
    await catch_up(services)
    await assert_whole(services)
    assert cluster.replica.command("INFO", "replication")["role"] == "master"


@pytest.mark.long
async def test_a_replica_that_missed_a_rebuild_is_made_whole(cluster: Cluster, services: Services, rng: Random) -> None:
    """It has the generation before, which this process knows to be the older one; and still the board gets fresh."""
    await until(lambda: cluster.replica.command("DBSIZE") == cluster.primary.command("DBSIZE"))
    cluster.replica.command("SAVE")
    cluster.replica.kill()
    before = cluster.primary.command("HGET", "laurels", "served")
    await sell(services, rng)
    await services.projector.rebuild()
    await assert_whole(services)
    assert cluster.primary.command("HGET", "laurels", "served") != before
    cluster.primary.kill()
    cluster.replica.start()
    await catch_up(services)
    assert cluster.replica.command("HGET", "laurels", "served") == before
    await assert_whole(services)
    await sell(services, rng)
    await catch_up(services)
    await assert_whole(services)


async def test_sentinels_that_know_no_such_service_are_told_of(cluster: Cluster) -> None:
    await cluster.settled()
    engine = await ValkeyLeaderboard.open(cluster.url.replace("/board/", "/other/"))
    try:
        with pytest.raises(BoardNotReady):
            await engine.read(ALL_TIME, None, top=0, around=0)
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("valkey+sentinel://127.0.0.1:1,127.0.0.1:2", "it names no service"),
        ("valkey://127.0.0.1:1,127.0.0.1:2/0", "several servers are the sentinels of one"),
        ("valkey+sentinel://u:hunter2@127.0.0.1:1,:2/board", "it names no server"),
        ("valkey+sentinel://u:hunter2@127.0.0.1:x/board", "host or port cannot be read"),
        ("valkey+sentinel://u:hunter2@127.0.0.1/board/one", "only the number of a database"),
    ],
)
async def test_an_address_of_sentinels_that_cannot_be_used_is_refused(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refusal:
        await ValkeyLeaderboard.open(url)
    assert "hunter2" not in refusal.value.message
