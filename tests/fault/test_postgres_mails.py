"""Mails of a ledger that several hosts share: their clocks differ, and nobody may look for a while."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic, time_ns
from types import SimpleNamespace

import asyncpg
import pytest

from laurels import clock
from laurels.awarding import Awarder, publish
from laurels.clock import HOUR, MINUTE
from laurels.engines.postgres import PostgresLedger
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio

LEASE_S = 900.0


@asynccontextmanager
async def opened(url: str, now: clock.Clock = clock.now) -> AsyncIterator[Shop]:
    ledger = await PostgresLedger.open(url, now)
    try:
        shop = Shop(ledger, now if isinstance(now, TurnedClock) else TurnedClock())
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs, now)
        yield shop
    finally:
        await ledger.close()


@contextmanager
def by_another_clock(monkeypatch: pytest.MonkeyPatch, skew: int) -> Iterator[None]:
    """As on a host whose clock is so far from the right one."""
    with monkeypatch.context() as there:
        there.setattr(clock, "time", SimpleNamespace(monotonic=monotonic, time_ns=lambda: time_ns() + 1000 * skew))
        yield


@pytest.mark.parametrize("skew", [-50 * MINUTE, 50 * MINUTE])
async def test_no_mail_goes_out_twice_where_clocks_differ(
    database: str, monkeypatch: pytest.MonkeyPatch, skew: int
) -> None:
    """By more than the time for which a message is kept from others."""
    async with opened(database) as one, opened(database) as other:
        with by_another_clock(monkeypatch, -2 * HOUR):
            await one.sell(order("A1", "ann", "1010.00", email="ann@example.com"))
        with by_another_clock(monkeypatch, skew):
            claimed = await other.ledger.claim_messages(1, lease_s=LEASE_S)
        claimed += await one.ledger.claim_messages(1, lease_s=LEASE_S)
        assert [message.email for message in claimed] == ["ann@example.com"]


@pytest.mark.parametrize("later", [0, 10 * MINUTE, 2 * HOUR])
async def test_what_was_held_as_its_address_came_is_sent_whenever_somebody_looks(database: str, later: int) -> None:
    """The one transaction does not see the message, the other one not the address: as if both were under way."""
    now = TurnedClock()
    async with opened(database, now) as shop:
        await shop.ledger.claim_messages(1, lease_s=LEASE_S)
        await shop.sell(order("A1", "ann", "1010.00"))
        connection = await asyncpg.connect(database)
        try:
            await connection.execute(
                "INSERT INTO contact SELECT number, 'ann@example.com' FROM member WHERE member_id = 'ann'"
            )
        finally:
            connection.terminate()
        now.at += later
        assert [each.email for each in await shop.ledger.claim_messages(1, lease_s=LEASE_S)] == ["ann@example.com"]
    async with opened(database, now) as restarted:
        now.at += MINUTE
        assert await restarted.ledger.claim_messages(1, lease_s=LEASE_S) == []
