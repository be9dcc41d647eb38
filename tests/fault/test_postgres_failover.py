"""A standby takes over: what was acknowledged is there, boards and tokens know what they still may believe."""

import asyncio
import signal
from collections.abc import Iterator, Sequence

import pytest
from msgspec import UNSET
from tests.postgres_server import PostgresServer, binaries, running, standby_of
from tests.slow_link import Link

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LedgerUnavailable
from laurels.events import Event, Publisher, SinkUnavailable
from laurels.ledger import Heads
from laurels.ledger.epochs import lowest_epoch
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with running(binaries(), wal_level="replica", max_wal_senders="4") as server:
        server.sql("CREATE DATABASE shop")
        yield server


def both(*servers: PostgresServer) -> str:
    """One address for several servers."""
    hosts = ",".join(str(server.folder) for server in servers)
    return servers[0].url("shop").replace(str(servers[0].folder), hosts).replace("port=5432", "port=5432,5432")


async def opened(url: str) -> Shop:
    now = TurnedClock()
    ledger = await PostgresLedger.open(url, now)
    shop = Shop(ledger, now)
    shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
    shop.awarder = Awarder(ledger, shop.programs, now)
    return shop


async def test_a_clean_change_of_servers_loses_nothing_and_keeps_tokens(primary: PostgresServer) -> None:
    await (await opened(primary.url("shop"))).ledger.close()
    with standby_of(primary) as standby:
        shop = await opened(both(primary, standby))
        try:
            await shop.sell(*(order(f"A{n}", f"m{n}", "25.00") for n in range(20)))
            before = await shop.ledger.heads()
            standby.wait_for(primary.sql("SELECT pg_current_wal_lsn()"))
            primary.stop(signal.SIGQUIT)
            standby.promote()
            after = await patiently(shop)
            assert (after.epoch, after.marks) == (lowest_epoch(shop.now()), before.marks)
            assert after.began[after.epoch] == before.marks
            positions = {epoch: {s: mark.position for s, mark in marks.items()} for epoch, marks in after.began.items()}
            assert after.version.includes(before.version, positions)
            [again, new] = await shop.accept(order("A1", "m1", "25.00"), order("B1", "m1", "25.00"))
            assert (again.repeated, new.repeated) == (True, False)
            await shop.award()
            assert await shop.findings() == []
            primary.start()  # it does not know that it was replaced
            standby.stop(signal.SIGQUIT)
            said = ""
            async with asyncio.timeout(60):
                while "replaced" not in said:  # the connections that were cut off say something else
                    with pytest.raises(LedgerUnavailable) as refused:
                        await shop.ledger.heads()
                    said = refused.value.message
        finally:
            await shop.ledger.close()


async def test_what_a_standby_had_not_got_yet_is_not_believed(primary: PostgresServer) -> None:
    await (await opened(primary.url("shop"))).ledger.close()
    with standby_of(primary) as standby:
        shop = await opened(both(primary, standby))
        try:
            await shop.sell(order("A1", "ann", "25.00"))
            standby.wait_for(primary.sql("SELECT pg_current_wal_lsn()"))
            kept = await shop.ledger.heads()
            standby.cut_from(primary)
            await shop.sell(*(order(f"B{n}", "ann", "25.00") for n in range(5)))
            lost = await shop.ledger.heads()
            primary.stop(signal.SIGQUIT)
            standby.promote()
            after = await patiently(shop)
            began = {epoch: {s: mark.position for s, mark in marks.items()} for epoch, marks in after.began.items()}
            assert after.version.includes(kept.version, began)
            assert not after.version.includes(lost.version, began)
            assert await shop.findings() == []
        finally:
            await shop.ledger.close()


async def test_an_event_in_the_place_of_one_that_is_lost_goes_out(primary: PostgresServer) -> None:
    """A target has the first event of an entry, and not the second, when both are lost with the server. Another entry
    comes to stand where that stood.
    """
    await (await opened(primary.url("shop"))).ledger.close()
    with standby_of(primary) as standby:
        shop = await opened(both(primary, standby))
        target = Target()
        publisher = Publisher(shop.ledger, target)
        try:
            await shop.sell(order("A1", "ann", "25.00"))
            while await publisher.step():
                continue
            standby.wait_for(primary.sql("SELECT pg_current_wal_lsn()"))
            standby.cut_from(primary)
            await shop.sell(order("B1", "ann", "1010.00"))
            target.takes = 1
            with pytest.raises(SinkUnavailable):
                await publisher.step()
            primary.stop(signal.SIGQUIT)
            standby.promote()
            await patiently(shop)
            await shop.sell(order("C1", "ann", "1010.00"))
            target.takes = None
            while await publisher.step():
                continue
            assert [(each.order_id, each.milestone) for each in target.had] == [
                ("A1", UNSET),
                ("B1", UNSET),
                ("C1", UNSET),
                (UNSET, "100-points"),
            ]
            lost, new = target.had[1:3]
            assert lost.id == new.id
            assert lost.epoch < new.epoch
        finally:
            await shop.ledger.close()


class Target:
    """A target of events that takes so many at once, and no more; None: all."""

    target = "memory"
    at_once = 100

    def __init__(self) -> None:
        self.had: list[Event] = []
        self.takes: int | None = None

    async def look(self) -> None:
        """It is there."""

    async def send(self, events: Sequence[Event]) -> None:
        self.had += events[: self.takes]
        if self.takes is not None and self.takes < len(events):
            raise SinkUnavailable(sent=self.takes)

    async def close(self) -> None:
        """Nothing is open."""


async def test_connections_to_the_server_before_are_let_go_of(primary: PostgresServer) -> None:
    """It was cut off from its standby, lives on, and takes what comes over links from before: all of that will be lost.
    Who has seen that there is a newer one gives it nothing more.
    """
    await (await opened(primary.url("shop"))).ledger.close()
    with standby_of(primary) as standby, Link(socket_of(primary)) as link:
        shop = await opened(f"postgresql://laurels@127.0.0.1:{link.port}/shop?sslmode=disable")
        try:
            await shop.sell(order("A1", "ann", "25.00"))
            standby.wait_for(primary.sql("SELECT pg_current_wal_lsn()"))
            standby.promote()
            link.target = socket_of(standby)
            while standby.sql("SELECT count(*) FROM epoch", "shop") == "0":  # until one more link is needed
                await asyncio.gather(*(shop.ledger.heads() for _ in range(8)), return_exceptions=True)
            for n in range(8):
                reading = [shop.ledger.heads() for _ in range(n)]  # so that it is another connection that writes
                await asyncio.gather(*reading, shop.accept(order(f"B{n}", f"m{n}", "25.00")))
                await shop.award()
            assert standby.sql("SELECT count(*) FROM entry WHERE points > 0", "shop") == "9"
            assert await shop.findings() == []
        finally:
            await shop.ledger.close()


def socket_of(server: PostgresServer) -> str:
    return f"{server.folder}/.s.PGSQL.{server.port}"


async def patiently(shop: Shop) -> Heads:
    """The heads, once a server is found."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await shop.ledger.heads()
            except LedgerUnavailable:
                await asyncio.sleep(0.05)
