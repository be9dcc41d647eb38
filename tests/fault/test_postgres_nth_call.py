"""The Nth call of a PostgreSQL server is cut off, before it gets there or before its answer comes back, for N = 1, 2, …
until a run passes untouched: in the end the ledger says what it says where nothing happened.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Literal
from unittest import mock

import asyncpg
import pytest
from asyncpg.connection import Connection
from tests.ledger_account import all_of
from tests.postgres_server import Databases

from laurels.awarding import Awarder, publish
from laurels.engines.postgres import PostgresLedger
from laurels.errors import LedgerUnavailable, LedgerUncertain, UnknownMember
from laurels.ledger import Act, Recording, recording
from laurels.model import Amendment, MemberEvent
from laurels.model.spending import Capture, Hold, Transfer
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, redemption, refund

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

When = Literal["before", "after"]
Step = Callable[[Shop], Awaitable[object]]
CALLS = ("fetch", "fetchrow", "fetchval", "execute")
MOST_TRIES = 5
DRAWN = 8
SPARE = 0.2
"""The share of calls that one run may make more than another: who has waited long on a busy machine asks again, and
whoever finds much to do at once asks less.
"""


class Trap:
    """Counts the calls of the server, and springs at the Nth."""

    def __init__(self, nth: int, when: When) -> None:
        self.left = nth
        self.when = when
        self.sprung = False
        self.calls = 0

    @contextmanager
    def set(self) -> Iterator[None]:
        """Stand in front of every connection."""
        patches = [mock.patch.object(Connection, name, self._caught(getattr(Connection, name))) for name in CALLS]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in patches:
                patch.stop()

    def _caught(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def caught(connection: Connection, *arguments: Any, **more: Any) -> Any:
            self.calls += 1
            self.left -= 1
            if self.left:
                return await call(connection, *arguments, **more)
            self.sprung = True
            if self.when == "after":
                await call(connection, *arguments, **more)
            connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("cut off by the test")

        return caught


async def take_in(shop: Shop) -> None:
    await shop.accept(order("1", "ann", "1200.00", email="ann@example.com"), order("2", "bob", "25.00"))
    await shop.accept(order("1", "ann", "1200.00"), order("2", "bob", "26.00"), order("3", "ann", "5.00"))
    await shop.accept(refund("1", "cy", "5.00", "4"), refund("2", "ann", "5.00", "3"))


async def sell_to_cy(shop: Shop) -> None:
    await shop.accept(order("4", "cy", "40.00"), order("5", "cy", "2500", currency="JPY"))


async def award(shop: Shop) -> None:
    await shop.award(limit=2)


async def spend(shop: Shop) -> None:
    await shop.awarder.settle(adjustment("1", "dee", 30))
    await asyncio.gather(*(shop.awarder.settle(redemption(f"{n}", "dee", 7)) for n in range(1, 4)))


async def change(shop: Shop) -> None:
    await shop.ledger.enrol([("eve", "eve@example.com"), ("ann", "new@example.com")], actor="clerk")
    await shop.ledger.change_member("eve", MemberEvent.HIDE, actor="clerk")
    await shop.ledger.set_contact("eve", None, actor="clerk")


async def merge(shop: Shop) -> None:
    await shop.awarder.merge("bob", "ann", actor="clerk")


async def erase(shop: Shop) -> None:
    try:
        await shop.ledger.change_member("cy", MemberEvent.ERASE, actor="clerk")
    except UnknownMember:  # it was done, and the answer was lost
        return


async def retry(shop: Shop) -> None:
    for each in await shop.ledger.quarantine():
        await shop.ledger.retry(each.kind, each.source, each.id)


async def at_the_till(shop: Shop) -> None:
    """Points are set aside, taken and given, and an order in quarantine is changed; a person does the last."""
    await shop.awarder.settle(adjustment("1", "ann", 30))
    bob = await shop.number("bob")
    till: dict[str, Any] = {"source": "till", "member_id": "ann"}
    await shop.awarder.settle(Hold(hold_id="1", points=20, **till).document())
    await shop.awarder.settle(Capture(hold_id="1", points=15, **till).document())
    await shop.awarder.settle(Transfer(transfer_id="1", to=bob, points=7, **till).document())
    await shop.accept(order("5", "cy", "2500", currency="JPY"))


async def amend(shop: Shop) -> None:
    token = recording.set(Recording(Act(sub="niamh", name="Niamh", roles="support", action="amend")))
    try:
        await shop.accept(Amendment(revision=2, order=order("5", "cy", "40.00")).document())
    finally:
        recording.reset(token)
    assert await shop.ledger.audit() != []


SCENARIOS: dict[str, list[Step]] = {
    "orders": [take_in, award, sell_to_cy, award, retry, award],
    "tills": [at_the_till, award, amend, award],
    "points": [spend, take_in, award, spend],
    "members": [take_in, change, award, merge, sell_to_cy, award, erase, award],
}


async def told(url: str, steps: list[Step], trap: Trap) -> dict[str, Any]:
    """What the ledger says at the end of a scenario, each step of which is taken again until it is answered."""
    now = TurnedClock()
    ledger = await PostgresLedger.open(url, now)
    try:
        shop = Shop(ledger, now)
        shop.programs = await publish(ledger, parse_program(DEFAULT_PROGRAM))
        shop.awarder = Awarder(ledger, shop.programs, now)
        if at_the_till in steps:  # a transfer's entries say numbers, and there may be gaps where an enrolment broke off
            await ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
        for step in steps:
            for _ in range(MOST_TRIES):
                try:
                    with trap.set():
                        await step(shop)
                except LedgerUnavailable:
                    assert trap.sprung
                else:
                    break
        assert await shop.findings() == []
        return await all_of(shop)
    finally:
        await ledger.close()


async def test_never_lost_and_never_twice_where_a_call_is_cut_off(
    postgres: Databases, rng: Random, figures: Counter[str]
) -> None:
    """One call of one scenario, drawn."""
    name = rng.choice(sorted(SCENARIOS))
    calls, untouched = await _untouched(postgres, name)
    assert await _cut_off(postgres, name, Trap(rng.randint(1, round(calls * (1 - SPARE))), "after"), untouched)
    figures["faults"] += 1


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_never_lost_and_never_twice_wherever_a_call_is_cut_off(
    postgres: Databases, rng: Random, name: str, when: When, figures: Counter[str]
) -> None:
    """Some calls of each scenario, drawn; `make soak` takes every one."""
    calls, untouched = await _untouched(postgres, name)
    for nth in sorted(rng.sample(range(1, calls + 1), min(DRAWN, calls))):
        assert await _cut_off(postgres, name, Trap(nth, when), untouched) or nth > calls * (1 - SPARE)
        figures["faults"] += 1


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_never_lost_and_never_twice_at_every_call(postgres: Databases, name: str, when: When) -> None:
    calls, untouched = await _untouched(postgres, name)
    for nth in range(1, calls + 1):
        assert await _cut_off(postgres, name, Trap(nth, when), untouched) or nth > calls * (1 - SPARE)


async def _untouched(postgres: Databases, name: str) -> tuple[int, dict[str, Any]]:
    trap = Trap(0, "before")
    with postgres.new() as url:
        said = await told(url, SCENARIOS[name], trap)
    return trap.calls, said


async def _cut_off(postgres: Databases, name: str, trap: Trap, untouched: dict[str, Any]) -> bool:
    """Whether the run came as far as the call that is cut off."""
    with postgres.new() as url:
        assert await told(url, SCENARIOS[name], trap) == untouched, f"cut off {trap.when} the answer to a call"
    return trap.sprung


async def test_a_cut_off_write_is_told_from_one_that_never_was(postgres: Databases) -> None:
    """Where the commit may have been: unknown. Where it was never asked for: nothing was written."""
    with postgres.new() as url:
        ledger = await PostgresLedger.open(url, TurnedClock())
        try:
            document = order("1", "ann", "25.00").document()
            with _cut("accept"), pytest.raises(LedgerUncertain):
                await ledger.accept([document])
            [receipt] = await ledger.accept([document])
            assert receipt.repeated
            with _cut("lock_ledger"), pytest.raises(LedgerUnavailable) as refused:
                await ledger.publish(1, DEFAULT_PROGRAM, None, actor="clerk")
            assert not isinstance(refused.value, LedgerUncertain)
            assert await ledger.programs() == []
            with _cut("COMMIT"), pytest.raises(LedgerUncertain):
                await ledger.publish(1, DEFAULT_PROGRAM, None, actor="clerk")
            assert len(await ledger.programs()) == 1
        finally:
            await ledger.close()


async def test_what_went_in_beside_one_that_was_here_before_is_not_denied(postgres: Databases) -> None:
    """The ledger goes away when that one is looked at."""
    with postgres.new() as url:
        ledger = await PostgresLedger.open(url, TurnedClock())
        try:
            known, new = (order(id, "ann", "25.00").document() for id in ("1", "2"))
            await ledger.accept([known])
            with _cut("known"), pytest.raises(LedgerUncertain):
                await ledger.accept([known, new])
            with _cut("known"), pytest.raises(LedgerUnavailable) as refused:
                await ledger.accept([known])
            assert not isinstance(refused.value, LedgerUncertain)
            assert [receipt.repeated for receipt in await ledger.accept([known, new])] == [True, True]
        finally:
            await ledger.close()


@contextmanager
def _cut(name: str) -> Iterator[None]:
    """Cut off the answer to one statement."""
    from laurels.engines.postgres.statements import SQL  # noqa: PLC0415 - by its own name

    statement = SQL.get(name, name)
    calls = {each: getattr(Connection, each) for each in ("fetch", "execute")}

    def caught(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def cut(connection: Connection, query: str, *arguments: Any, **more: Any) -> Any:
            answer = await call(connection, query, *arguments, **more)
            if query == statement:
                connection.terminate()
                raise asyncpg.ConnectionDoesNotExistError("cut off by the test")
            return answer

        return cut

    with (
        mock.patch.object(Connection, "fetch", caught(calls["fetch"])),
        mock.patch.object(Connection, "execute", caught(calls["execute"])),
    ):
        yield
