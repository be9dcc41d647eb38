"""A Valkey that is emptied, killed, or comes back with older data: no wrong answer, nothing old that passes for fresh,
and the whole board again as soon as the projector looks.
"""

import asyncio
import re
from array import array
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace
from tests import valkey_server
from tests.valkey_server import ValkeyNode

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.errors import BoardMoved, BoardNotReady, BoardUnavailable, VersionNotReached
from laurels.http.api.gauges import gauges
from laurels.leaderboard import ALL_TIME, Change, Followed, Joined, LoadPart, Scored, compare
from laurels.model import Mark, Order, Version
from laurels.settings import Settings, load
from laurels.wiring import Services, build
from laurels.workers import project_forever

pytestmark = pytest.mark.anyio

MEMBERS = 40
PATIENCE_S = 60


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyNode]:
    with valkey_server.running(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
async def services(server: ValkeyNode, tmp_path: Path, rng: Random) -> AsyncIterator[Services]:
    """A system whose board is on the server, and some orders on it."""
    async with build(settings(server, tmp_path)) as services:
        await sell(services, rng)
        await services.projector.catch_up()
        yield services


def settings(server: ValkeyNode, state: Path) -> Settings:
    return load({"state": state, "leaderboard.engine": "valkey", "leaderboard.url": server.url}, environment={})


async def sell(services: Services, rng: Random, orders: int = 200) -> None:
    """Take orders and award them."""
    documents = [
        Order(
            source="shop",
            order_id=f"{rng.getrandbits(64):x}",
            member_id=f"member-{rng.randrange(MEMBERS)}",
            currency="GBP",
            total=rng.randrange(20_000),
        )
        for _ in range(orders)
    ]
    await services.intake.accept_all([(document, b"") for document in documents])
    await services.awarder.drain()


async def assert_whole(services: Services) -> None:
    """The board is the ledger's, to the last entry, and fresh."""
    assert await compare(services.ledger, services.leaderboard, services.boards) == []
    shown = await services.dashboards.member("member-1")
    assert shown.as_of == str((await services.ledger.heads()).version)
    assert not shown.stale


async def token(services: Services) -> Version:
    return Version.parse((await services.dashboards.board(ALL_TIME)).as_of)


async def test_after_flushall_there_is_no_board_until_it_is_rebuilt(server: ValkeyNode, services: Services) -> None:
    before = await token(services)
    server.command("FLUSHALL")
    with pytest.raises(BoardNotReady):
        await services.dashboards.member("member-1")
    await services.projector.catch_up()
    await assert_whole(services)
    assert (await token(services)).includes(before)


async def test_while_the_server_is_away_readers_and_projector_are_told_and_then_it_is_rebuilt(
    server: ValkeyNode, services: Services
) -> None:
    server.kill()
    with pytest.raises(BoardNotReady):
        await services.dashboards.member("member-1")
    with pytest.raises(BoardUnavailable):
        await services.projector.catch_up()
    server.start()
    with pytest.raises(BoardNotReady):
        await services.dashboards.member("member-1")
    await services.projector.catch_up()
    await assert_whole(services)


async def test_older_data_is_served_as_stale_and_never_to_who_has_seen_newer(
    server: ValkeyNode, services: Services, rng: Random
) -> None:
    old = await token(services)
    server.command("SAVE")
    await sell(services, rng)
    await services.projector.catch_up()
    new = await token(services)
    server.kill()
    server.start()
    shown = await services.dashboards.member("member-1")
    assert Version.parse(shown.as_of) == old
    assert shown.stale
    with pytest.raises(VersionNotReached):
        await services.dashboards.member("member-1", min_version=new)
    await services.projector.catch_up()
    await assert_whole(services)
    assert (await services.dashboards.member("member-1", min_version=new)).as_of == str(new)


async def test_a_snapshot_from_before_a_rebuild_is_made_whole_by_the_rest_of_the_feed(
    server: ValkeyNode, services: Services, rng: Random
) -> None:
    """It is of an older generation than this process has seen, and yet what it becomes is as good."""
    server.command("SAVE")
    old = server.command("HGET", "laurels", "served")
    await sell(services, rng)
    await services.projector.rebuild()
    await assert_whole(services)
    server.kill()
    server.start()
    assert server.command("HGET", "laurels", "served") == old
    assert (await services.dashboards.member("member-1")).stale
    figures = (await gauges(services)).decode()
    assert "laurels_feed_lag_seconds " not in figures  # unknown, and not since 1970
    assert float(re.findall(r"^laurels_feed_lag_entries (.*)$", figures, re.MULTILINE)[0]) > 0
    for _ in range(2):
        await services.projector.catch_up()
        await assert_whole(services)
        await sell(services, rng)
    await services.projector.catch_up()
    assert server.command("HGET", "laurels", "served") == old, "nothing had to be rebuilt"
    await services.projector.rebuild()
    await assert_whole(services)


async def test_a_load_that_is_not_gone_on_with_leaves_nothing_behind(server: ValkeyNode, services: Services) -> None:
    """Readers see what was there; another process begins at the feed's start, and sweeps. Should the first one come
    back, it is told.
    """
    before = await services.dashboards.member("member-1")
    heads = await services.ledger.heads()
    other = await ValkeyLeaderboard.open(server.url, identity=heads.identity)
    stopped, gone_on = asyncio.Event(), asyncio.Event()

    async def parts() -> AsyncIterator[LoadPart]:
        for number in (900, 901):
            yield LoadPart(
                numbers=array("q", [number]), ids=["ann"], name_numbers=array("q", [9]), hidden=b"\0", scores={}
            )
            stopped.set()
            await gone_on.wait()

    followed = Followed(identity=heads.identity, epoch=heads.epoch, rules="Europe/London", marks=dict(heads.marks))
    load = asyncio.create_task(other.load(followed, parts()))
    await stopped.wait()
    assert await services.leaderboard.followed() == replace(followed, marks={})
    assert (await services.dashboards.member("member-1")).top == before.top
    await services.projector.catch_up()
    await assert_whole(services)
    keys = server.command("KEYS", "laurels:*:state")
    assert isinstance(keys, list)
    assert len(keys) == 1
    gone_on.set()
    with pytest.raises(BoardMoved):
        await load
    await assert_whole(services)
    await other.close()


async def test_data_that_got_older_between_two_batches_is_not_built_upon(server: ValkeyNode) -> None:
    """The second batch begins where the first one ended, and that is gone."""
    async with valkey_server.leaderboard(server.url) as engine:
        await engine.reset(Followed(identity="ledger", epoch=1))
        await engine.apply(0, [(1, Joined(0, "ann", 7))], Mark(1, b"1"))
        await engine.confirm(1)
        server.command("SAVE")
        await engine.apply(0, [(2, Scored(0, ALL_TIME, 5))], Mark(2, b"2"))
        server.kill()
        server.start()
        with pytest.raises(BoardMoved):
            await engine.apply(0, [(3, Scored(0, ALL_TIME, 6))], Mark(3, b"3"))
        assert (await engine.followed()).marks == {0: Mark(1, b"1")}
        await engine.apply(0, [(2, Scored(0, ALL_TIME, 5)), (3, Scored(0, ALL_TIME, 6))], Mark(3, b"3"))
        server.kill()
        server.start()
        with pytest.raises(BoardMoved):
            await engine.confirm(2)
        view = await engine.read(ALL_TIME, "ann", top=0, around=0)
        assert (view.version, view.confirmed_at, view.ranked) == (Version(1, {0: 1}), 1, 0)


async def test_what_another_process_applied_first_is_not_taken_for_granted_later(server: ValkeyNode) -> None:
    """A batch that was found done is what the next one begins after, so it must still be there."""

    def scored(*positions: int) -> list[tuple[int, Change]]:
        return [(position, Scored(0, ALL_TIME, 10**position)) for position in positions]

    async with valkey_server.leaderboard(server.url) as one:
        other = await ValkeyLeaderboard.open(server.url, prefix=one._prefix)
        await one.reset(Followed(identity="ledger", epoch=1))
        await one.apply(0, [(1, Joined(0, "ann", 7))], Mark(1, b"1"))
        await other.followed()
        await one.apply(0, scored(2), Mark(2, b"2"))
        server.command("SAVE")
        await one.apply(0, scored(3, 4), Mark(4, b"4"))
        await other.apply(0, scored(2, 3), Mark(3, b"3"))
        server.kill()
        server.start()
        with pytest.raises(BoardMoved):
            await other.apply(0, scored(4), Mark(4, b"4"))
        await other.close()


async def test_the_loop_outlives_a_server_that_dies_again_and_again(
    server: ValkeyNode, services: Services, rng: Random
) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(project_forever(services.projector, stop))
        for _ in range(3):
            if rng.random() < 0.5:
                server.command("SAVE")
            await sell(services, rng, 50)
            server.kill()
            server.start()
            wanted = (await services.ledger.heads()).version
            while not await shows(services, wanted):
                await services.leaderboard.wait_for_change(wanted, 0.05)
        stop.set()
    await assert_whole(services)


async def shows(services: Services, wanted: Version) -> bool:
    try:
        await services.dashboards.board(ALL_TIME)
        await services.dashboards.member("member-1", min_version=wanted)
    except (BoardNotReady, VersionNotReached):
        return False
    return True


async def test_a_key_that_somebody_else_wrote_over_costs_a_rebuild(
    server: ValkeyNode, services: Services, rng: Random
) -> None:
    """A batch that fails half way leaves nothing that could be shown."""
    rankings = server.command("KEYS", "laurels:*:ranking:all-time")
    assert isinstance(rankings, list)
    server.command("SET", rankings[0].decode(), "mine")
    await sell(services, rng)
    with pytest.raises(BoardUnavailable):
        await services.projector.catch_up()
    with pytest.raises(BoardNotReady):
        await services.dashboards.board(ALL_TIME)
    await services.projector.catch_up()
    await assert_whole(services)


async def test_a_rebuild_that_broke_off_is_gone_on_with_and_leaves_nothing(
    server: ValkeyNode, services: Services, tmp_path: Path
) -> None:
    """Another process finds how far it got; the old board is served until then, and afterwards only one is there."""
    before = await services.dashboards.member("member-1")
    heads = await services.ledger.heads()
    for _ in range(2):
        await services.leaderboard.reset(
            Followed(identity=heads.identity, epoch=heads.epoch, rules=services.programs.current.time_zone)
        )
    [(shard, _)] = heads.marks.items()
    first = await services.ledger.feed(shard, Mark(), 1)
    await services.leaderboard.apply(shard, [], Mark(first[0].position, first[0].hash))
    assert (await services.dashboards.member("member-1")).as_of == before.as_of
    async with build(settings(server, tmp_path)) as other:
        followed = await other.leaderboard.followed()
        assert followed.marks[shard].position == 1
        await other.projector.rebuild()
        await assert_whole(other)
    keys = server.command("KEYS", "laurels:*")
    assert isinstance(keys, list)
    assert len({key.split(b":")[1] for key in keys} - {b"generations"}) == 1


async def test_two_projectors_at_once_count_nothing_twice(
    server: ValkeyNode, services: Services, tmp_path: Path, rng: Random
) -> None:
    """Beside `laurels serve` every command brings the board up to date as well."""
    async with AsyncExitStack() as stack:
        everyone = [
            services,
            *[await stack.enter_async_context(build(settings(server, tmp_path))) for _ in range(2)],
        ]
        for turn in range(4):
            await sell(services, rng)
            if turn % 2:
                server.command("FLUSHALL")
            async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
                for each in everyone:
                    tasks.create_task(each.projector.catch_up())
            await assert_whole(services)


async def test_a_board_that_moves_on_is_verified_all_the_same(
    server: ValkeyNode, services: Services, tmp_path: Path, rng: Random
) -> None:
    """`laurels verify` may run beside a running Laurels."""
    stop = asyncio.Event()
    async with build(settings(server, tmp_path)) as other, asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(project_forever(services.projector, stop))
        for _ in range(5):
            verifying = tasks.create_task(compare(other.ledger, other.leaderboard, other.boards))
            await sell(services, rng, 20)
            assert await verifying == []
        stop.set()
