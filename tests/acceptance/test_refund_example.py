"""The example of a refund in parts: 25.00 earned 3 points; five refunds of 5.00 take back 3, in whatever order they and
the order come; a sixth takes nothing, and says so.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from laurels.intake import OrderForm, RefundForm, decode
from laurels.model import Balance, DocumentKind, Order, Refund, Status
from laurels.settings import Settings
from laurels.testing.verifying import findings_of
from laurels.wiring import Services, build

pytestmark = pytest.mark.anyio

REFUNDS = ("R1", "R2", "R3", "R4", "R5")
TAKEN_BACK = [-1, 0, -1, 0, -1]
"""25.00 -> 3, 20.00 -> 2, 15.00 -> 2, 10.00 -> 1, 5.00 -> 1, 0.00 -> 0."""


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with build(Settings(state=tmp_path)) as services:
        yield services


def order_of_25(order_id: str, now: int) -> Order:
    body = b'{"member_id": "17850", "currency": "GBP", "total": "25.00"}'
    return decode(OrderForm, body).order(order_id, now)


def refund_of_5(refund_id: str, order_id: str, now: int) -> Refund:
    body = f'{{"refund_id": "{refund_id}", "member_id": "17850", "currency": "GBP", "amount": "5.00"}}'
    return decode(RefundForm, body.encode()).refund("17850", now, order_id)


async def came(services: Services, what: str, order_id: str = "A1") -> None:
    now = services.now()
    await services.intake.accept(order_of_25(order_id, now) if what == "order" else refund_of_5(what, order_id, now))


async def points_of(services: Services, order_id: str = "A1") -> list[int]:
    return [entry.points for entry in await services.ledger.order_entries("shop", order_id)]


async def totals(services: Services) -> Balance:
    answer = await services.ledger.balance("17850")
    assert answer is not None
    return answer[0]


@pytest.mark.parametrize("before", range(6))
async def test_refunds_wait_for_their_order_and_then_take_back_what_it_earned(services: Services, before: int) -> None:
    for refund in REFUNDS[:before]:
        await came(services, refund)
        await services.awarder.drain()
        state = await services.ledger.document(DocumentKind.REFUND, "shop", refund)
        assert state is not None
        assert state.status is Status.WAITING
    for what in ["order", *REFUNDS[before:]]:
        await came(services, what)
        await services.awarder.drain()
    assert await points_of(services) == [3, *TAKEN_BACK]
    assert await totals(services) == Balance(balance=0, earned=0, score=0)


async def test_every_order_of_events_takes_back_the_same(services: Services) -> None:
    histories: list[Sequence[str]] = list(permutations(["order", *REFUNDS]))
    now = services.now()
    for number, history in enumerate(histories):
        order = order_of_25(f"A{number}", now)
        documents = [
            order if what == "order" else refund_of_5(f"{what}-{number}", order.order_id, now) for what in history
        ]
        await services.intake.accept_all([(document, b"") for document in documents])
    while await services.awarder.step(limit=7):  # more than a history is long: batches end at every place in it
        continue
    for number in range(len(histories)):
        assert await points_of(services, f"A{number}") == [3, *TAKEN_BACK]
    assert await totals(services) == Balance(balance=0, earned=0, score=0)
    assert await findings_of(services.ledger) == []


@pytest.mark.parametrize("place", range(7))
async def test_a_sixth_refund_takes_nothing_and_says_so(services: Services, place: int) -> None:
    history = ["R1", "R2", "R3", "R4", "R5", "R6"]
    history.insert(place, "order")
    for what in history:
        await came(services, what)
    await services.awarder.drain()

    entries = await services.ledger.order_entries("shop", "A1")
    assert [entry.points for entry in entries] == [3, *TAKEN_BACK, 0]
    assert entries[-1].refund_id == "R6"
    [last] = await services.programs.worded(entries[-1:], services.ledger)
    assert last.reason == "5.00 GBP refunded beyond what was left of the order"
    assert await totals(services) == Balance(balance=0, earned=0, score=0)
