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
from laurels.wiring import House, build

pytestmark = pytest.mark.anyio

REFUNDS = ("R1", "R2", "R3", "R4", "R5")
TAKEN_BACK = [-1, 0, -1, 0, -1]
"""25.00 -> 3, 20.00 -> 2, 15.00 -> 2, 10.00 -> 1, 5.00 -> 1, 0.00 -> 0."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with build(Settings(state=tmp_path)) as house:
        yield house


def order_of_25(order_id: str, now: int) -> Order:
    body = b'{"member_id": "17850", "currency": "GBP", "total": "25.00"}'
    return decode(OrderForm, body).order(order_id, now)


def refund_of_5(refund_id: str, order_id: str, now: int) -> Refund:
    body = f'{{"refund_id": "{refund_id}", "member_id": "17850", "currency": "GBP", "amount": "5.00"}}'
    return decode(RefundForm, body.encode()).refund("17850", now, order_id)


async def came(house: House, what: str, order_id: str = "A1") -> None:
    now = house.now()
    await house.intake.accept(order_of_25(order_id, now) if what == "order" else refund_of_5(what, order_id, now))


async def points_of(house: House, order_id: str = "A1") -> list[int]:
    return [entry.points for entry in await house.ledger.order_entries("shop", order_id)]


async def totals(house: House) -> Balance:
    answer = await house.ledger.balance("17850")
    assert answer is not None
    return answer[0]


@pytest.mark.parametrize("before", range(6))
async def test_refunds_wait_for_their_order_and_then_take_back_what_it_earned(house: House, before: int) -> None:
    for refund in REFUNDS[:before]:
        await came(house, refund)
        await house.awarder.drain()
        state = await house.ledger.document(DocumentKind.REFUND, "shop", refund)
        assert state is not None
        assert state.status is Status.WAITING
    for what in ["order", *REFUNDS[before:]]:
        await came(house, what)
        await house.awarder.drain()
    assert await points_of(house) == [3, *TAKEN_BACK]
    assert await totals(house) == Balance(balance=0, earned=0, score=0)


async def test_every_order_of_events_takes_back_the_same(house: House) -> None:
    histories: list[Sequence[str]] = list(permutations(["order", *REFUNDS]))
    now = house.now()
    for number, history in enumerate(histories):
        order = order_of_25(f"A{number}", now)
        documents = [
            order if what == "order" else refund_of_5(f"{what}-{number}", order.order_id, now) for what in history
        ]
        await house.intake.accept_all([(document, b"") for document in documents])
    while await house.awarder.step(limit=7):  # more than a history is long: batches end at every place in it
        continue
    for number in range(len(histories)):
        assert await points_of(house, f"A{number}") == [3, *TAKEN_BACK]
    assert await totals(house) == Balance(balance=0, earned=0, score=0)
    assert [finding async for step in house.ledger.verify() for finding in step.findings] == []


@pytest.mark.parametrize("place", range(7))
async def test_a_sixth_refund_takes_nothing_and_says_so(house: House, place: int) -> None:
    history = ["R1", "R2", "R3", "R4", "R5", "R6"]
    history.insert(place, "order")
    for what in history:
        await came(house, what)
    await house.awarder.drain()

    entries = await house.ledger.order_entries("shop", "A1")
    assert [entry.points for entry in entries] == [3, *TAKEN_BACK, 0]
    assert entries[-1].refund_id == "R6"
    assert entries[-1].reason == "5.00 GBP refunded beyond what was left of the order"
    assert await totals(house) == Balance(balance=0, earned=0, score=0)
