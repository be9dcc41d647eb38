"""The link between Laurels and its PostgreSQL server is delayed, cut, half closed, lets one byte through at a time, or
says nothing: every call comes to its end in its own time, and nothing is lost or counts twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from tests.postgres_server import Databases
from tests.slow_link import Link, Weather

from laurels.awarding import Awarder, publish
from laurels.clock import now
from laurels.engines.postgres import PostgresLedger, reaching
from laurels.errors import LedgerUnavailable
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

CALL_S = 1.0
"""What a call may take in these tests, instead of ten seconds."""

ENDS_WITHIN_S = 30
"""When a call must have come to its end on the busiest of machines; without bounds these never would."""


@pytest.fixture
def link(postgres: Databases) -> Iterator[Link]:
    with Link(f"{postgres.server.folder}/.s.PGSQL.5432") as link:
        yield link


@pytest.fixture
def database(postgres: Databases, link: Link) -> Iterator[str]:
    """A database by way of the link."""
    with postgres.new() as url:
        name = url.split("@/")[1].split("?", maxsplit=1)[0]
        yield f"postgresql://laurels@127.0.0.1:{link.port}/{name}?sslmode=disable"


@pytest.fixture(autouse=True)
def short_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "COMMAND_TIMEOUT_S", CALL_S)
    monkeypatch.setattr(reaching, "CONNECT_TIMEOUT_S", CALL_S)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Shop]:
    ledger = await patiently(lambda: PostgresLedger.open(url))
    try:
        shop = Shop(ledger, TurnedClock())
        shop.programs = await patiently(lambda: publish(ledger, parse_program(DEFAULT_PROGRAM)))
        shop.awarder = Awarder(ledger, shop.programs, now)
        yield shop
    finally:
        await ledger.close()


async def patiently(work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something as often as it takes: each time it has only a second."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await work()
            except LedgerUnavailable:
                await asyncio.sleep(0.05)


async def ended(call: Awaitable[Any]) -> Any:
    """What a call gives, or the error that says it was not to be had."""
    async with asyncio.timeout(ENDS_WITHIN_S):
        try:
            return await call
        except LedgerUnavailable as error:
            return error


NOTHING_COMES: list[Weather] = ["silent", "deaf", "cut"]
SOME_COME: list[Weather] = ["half-closed", "delayed", "dripping"]


@pytest.mark.long
@pytest.mark.parametrize("weather", [*NOTHING_COMES, *SOME_COME])
async def test_every_call_ends_and_counts_once(link: Link, database: str, weather: Weather) -> None:
    """Thirty calls at a time, more than there are connections; and again when it is fair: all are in, once each."""
    async with opened(database) as shop:
        await patiently(lambda: shop.accept(order("A0", "m0", "10.00")))
        link.weather = weather
        answers = await asyncio.gather(
            *(ended(shop.accept(order(f"A{n}", f"m{n % 7}", "10.00"))) for n in range(1, 11)),
            *(ended(shop.awarder.settle(adjustment(f"J{n}", f"m{n % 7}", 5))) for n in range(10)),
            *(ended(shop.ledger.heads()) for _ in range(5)),
            *(ended(shop.ledger.balance("m0")) for _ in range(5)),
        )
        if weather in NOTHING_COMES:
            assert all(isinstance(answer, LedgerUnavailable) for answer in answers)
        link.weather = "fair"
        for n in range(11):
            await patiently(partial(shop.accept, order(f"A{n}", f"m{n % 7}", "10.00")))
        for n in range(10):
            await patiently(partial(shop.awarder.settle, adjustment(f"J{n}", f"m{n % 7}", 5)))
        await patiently(shop.award)
        entries = await patiently(shop.feed)
        assert sum(entry.points for entry in entries) == 11 * 1 + 10 * 5
        assert await patiently(shop.findings) == []


async def test_a_transaction_has_one_time_for_all_its_statements(link: Link, database: str) -> None:
    """Each statement is answered in time, and all of them would take several times as long."""
    async with opened(database) as shop:
        await patiently(lambda: shop.accept(order("A1", "ann", "10.00")))
        for address in ("ann@example.com", "ann@example.org"):  # its statements are prepared then
            await patiently(partial(shop.ledger.set_contact, "ann", address, actor="clerk"))
        link.weather = "delayed"
        refused = await ended(shop.ledger.set_contact("ann", "ann@example.com", actor="clerk"))
        assert isinstance(refused, LedgerUnavailable)
        link.weather = "fair"
        await patiently(partial(shop.ledger.set_contact, "ann", "ann@example.com", actor="clerk"))


async def test_who_waits_behind_a_silent_server_is_told_in_time_too(link: Link, database: str) -> None:
    """More callers than there are connections: those that never got one wait no longer than those that did."""
    async with opened(database) as shop:
        await patiently(lambda: shop.accept(order("A1", "ann", "10.00")))
        link.weather = "silent"
        answers = await asyncio.gather(*(ended(shop.ledger.balance("ann")) for _ in range(40)))
        assert all(isinstance(answer, LedgerUnavailable) for answer in answers)
        waiting = [ended(shop.accept(order(f"B{n}", "ann", "10.00"))) for n in range(3)]
        first = asyncio.create_task(waiting[0])
        await asyncio.sleep(0)  # its statement is on its way before the others come
        others = await asyncio.gather(*waiting[1:])
        assert isinstance(await first, LedgerUnavailable)
        assert all(isinstance(answer, LedgerUnavailable) for answer in others)
        link.weather = "fair"
        await patiently(lambda: shop.accept(order("B1", "ann", "10.00")))


async def test_a_host_that_says_nothing_costs_its_share_alone(
    postgres: Databases, link: Link, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without power answers nothing, not even that it is not there: the next host is tried while there is
    time, and then it comes first.
    """
    with Link(f"{postgres.server.folder}/.s.PGSQL.5432") as silent:
        silent.weather = "silent"
        both = database.replace(f"127.0.0.1:{link.port}", f"127.0.0.1:{silent.port},127.0.0.1:{link.port}")
        async with opened(both) as shop:
            await patiently(lambda: shop.accept(order("A1", "ann", "10.00")))
            tried = silent.links
            link.weather = "cut"
            link.weather = "fair"
            await patiently(lambda: shop.accept(order("A2", "ann", "10.00")))
            assert silent.links == tried
