"""Boards that follow a standby of the ledger's server (`ledger.feed_url`): they ask the primary for nothing while it is
well, and are never led astray by one that is behind, away, or no standby any more.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs
from tests.fault.test_postgres_failover import opened
from tests.postgres_server import PostgresServer, binaries, running, standby_of

from laurels.engines.memory import MemoryLeaderboard
from laurels.errors import LedgerUnavailable
from laurels.leaderboard import ALL_TIME, Boards, Projector, source
from laurels.ledger import Heads
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, order

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(300)]

PROGRAM = parse_program(DEFAULT_PROGRAM)


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with running(binaries(), wal_level="replica", max_wal_senders="4") as server:
        server.sql("CREATE DATABASE shop")
        asyncio.run(made(server.url("shop")))
        yield server


@pytest.fixture
def standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    with standby_of(primary) as server:
        yield server


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAUSE_S", 0.0)


async def made(url: str) -> None:
    await (await opened(url)).ledger.close()


class Followed:
    """A shop, and a board that follows its standby."""

    def __init__(self, shop: Shop, projector: Projector, board: MemoryLeaderboard) -> None:
        self.shop, self.projector, self.board = shop, projector, board

    def by_copy(self) -> bool:
        """Whether the standby was followed last."""
        return self.projector.source.is_copy

    async def points(self) -> int:
        view = await self.board.read(ALL_TIME, "ann", top=1, around=0)
        return 0 if view.me is None else view.me.points

    async def reach(self, points: int) -> None:
        """Follow until the board shows so many points."""
        async with asyncio.timeout(60):
            while True:
                with suppress(LedgerUnavailable):
                    await self.projector.catch_up()
                if await self.points() == points:
                    return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def followed(primary: PostgresServer, standby: PostgresServer) -> AsyncIterator[Followed]:
    shop = await opened(primary.url("shop"))
    copy = await shop.ledger.feed_copy(standby.url("shop"))  # type: ignore[attr-defined] # of this engine
    board = MemoryLeaderboard()
    try:
        yield Followed(shop, Projector(shop.ledger, board, Boards(PROGRAM.zone), PROGRAM.time_zone, copy=copy), board)
    finally:
        await copy.close()
        await shop.ledger.close()


async def test_the_primary_is_not_asked(
    primary: PostgresServer, standby: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for where the feed ends nor for entries, from the board's beginning on."""

    async def heads() -> Heads:
        raise AssertionError("the primary was asked")

    async with followed(primary, standby) as it:
        await it.shop.sell(order("A1", "ann", "25.00"))
        monkeypatch.setattr(it.shop.ledger, "heads", heads)
        await it.reach(3)
        await it.shop.sell(order("A2", "ann", "25.00"))
        await it.reach(6)


async def test_a_standby_that_is_behind_takes_nothing_back(primary: PostgresServer, standby: PostgresServer) -> None:
    """A board that is further on stays there, is not rebuilt, and goes on by the primary."""
    async with followed(primary, standby) as it:
        await it.shop.sell(order("A1", "ann", "25.00"))
        await it.reach(3)
        standby.sql("SELECT pg_wal_replay_pause()")
        with capture_logs() as logs:
            await it.shop.sell(order("A2", "ann", "25.00"))
            await by_the_primary(it)
            assert await it.points() == 6
            for _ in range(3):
                await it.projector.catch_up()
                assert await it.points() == 6
        assert [each for each in logs if each["event"] == "leaderboard.rebuild"] == []
        standby.sql("SELECT pg_wal_replay_resume()")
        await it.shop.sell(order("A3", "ann", "25.00"))
        await it.reach(9)


async def by_the_primary(it: Followed) -> None:
    """Follow the primary once, as while the copy is doubted."""
    plain = Projector(it.shop.ledger, it.board, Boards(PROGRAM.zone), PROGRAM.time_zone)
    await plain.catch_up()


async def test_reach_waits_for_what_the_primary_has(primary: PostgresServer, standby: PostgresServer) -> None:
    """A command that ends with a board that shows all of it does so behind a standby, too."""
    async with followed(primary, standby) as it:
        await it.shop.sell(*(order(f"A{n}", "ann", "10.00") for n in range(30)))
        async with asyncio.timeout(60):
            await it.projector.reach()
        assert await it.points() == 30


async def test_while_it_is_away_the_primary_is_followed(primary: PostgresServer, standby: PostgresServer) -> None:
    async with followed(primary, standby) as it:
        await it.shop.sell(order("A1", "ann", "25.00"))
        await it.reach(3)
        standby.stop(signal.SIGQUIT)
        await it.shop.sell(order("A2", "ann", "25.00"))
        await it.reach(6)
        assert not it.by_copy()
        standby.start()
        await it.shop.sell(order("A3", "ann", "25.00"))
        async with asyncio.timeout(60):
            while not it.by_copy():
                await it.projector.catch_up()
                await asyncio.sleep(0.05)
        await it.reach(9)


async def test_one_that_hears_nothing_or_went_its_own_way_is_not_followed(
    primary: PostgresServer, standby: PostgresServer
) -> None:
    """A standby whose link to the primary broke, and then one that was made a primary of its own."""
    async with followed(primary, standby) as it:
        await it.shop.sell(order("A1", "ann", "25.00"))
        await it.reach(3)
        standby.cut_from(primary)
        await it.shop.sell(order("A2", "ann", "25.00"))
        await it.reach(6)
        assert not it.by_copy()
        standby.promote()
        await it.shop.sell(order("A3", "ann", "25.00"))
        await it.reach(9)
        for _ in range(5):
            await it.projector.catch_up()
            assert await it.points() == 9
