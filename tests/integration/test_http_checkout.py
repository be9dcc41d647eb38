"""Checkout over HTTP: a member buys with its own token, and the points follow."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from tests.integration.http_shop import Shop, open_shop

from laurels.http.problems import MEDIA_TYPE

pytestmark = pytest.mark.anyio

BASKET = ["85123A", "71053", "71053"]
OK = {"method": "card", "token": "tok_ok"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def buy(shop: Shop, order_id: str, body: dict[str, Any], member: str = "ann") -> Response:
    headers = {"Authorization": f"Bearer {shop.token(member=member)}"}
    return await shop.client.post(f"/order/{order_id}", json=body, headers=headers)


async def test_a_paid_basket_becomes_an_order_and_points(shop: Shop) -> None:
    answer = await buy(shop, "C1", {"itemIds": BASKET, "paymentDetails": OK})
    assert answer.status_code == 201
    bought = answer.json()
    assert (bought["order_id"], bought["status"], bought["currency"]) == ("C1", "success", "GBP")
    await shop.settle()
    headers = {"Authorization": f"Bearer {shop.token(member='ann')}"}
    order = (await shop.client.get("/order/C1?source=checkout", headers=headers)).json()
    assert order["status"] == "awarded"
    assert order["reason"].startswith(f"{bought['total']} GBP / 10.00")
    shown = (await shop.client.get(f"/loyalty/ann?min_version={order['as_of']}", headers=headers)).json()
    assert shown["me"]["points"] == order["points"]


async def test_the_same_again_gives_the_same_answer_and_charges_once(shop: Shop) -> None:
    first = await buy(shop, "C1", {"itemIds": BASKET, "paymentDetails": OK})
    again = await buy(shop, "C1", {"itemIds": BASKET, "paymentDetails": OK})
    assert (again.status_code, again.json()) == (201, first.json())
    await shop.settle()
    assert await shop.services.ledger.inbox_depth() == 0
    other = await buy(shop, "C1", {"itemIds": BASKET[:1], "paymentDetails": OK})
    assert other.status_code == 409


async def test_a_declined_card_is_402_and_stays_so(shop: Shop) -> None:
    declined = {"method": "card", "token": "tok_declined"}
    for payment in (declined, OK):
        answer = await buy(shop, "C2", {"itemIds": BASKET, "paymentDetails": payment})
        assert answer.status_code == 402
        assert answer.json() == {"order_id": "C2", "status": "failure", "reason": "declined"}
    await shop.settle()
    assert (await shop.services.ledger.heads()).version.positions == {0: 0}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"itemIds": ["nothing"], "paymentDetails": OK}, "itemIds[0]"),
        ({"itemIds": [], "paymentDetails": OK}, "itemIds"),
        (
            {"itemIds": BASKET, "paymentDetails": {"method": "card", "token": "4111 1111 1111 1111"}},
            "paymentDetails.token",
        ),
        ({"itemIds": BASKET, "paymentDetails": OK, "total": "0.01"}, "total"),
        ({"itemIds": BASKET, "paymentDetails": OK, "points": 500}, "points"),
        ({"itemIds": BASKET}, "paymentDetails"),
        ({"member_id": "ann", "currency": "GBP", "total": "500.00"}, "member_id"),
    ],
)
async def test_what_a_customer_may_not_say_is_refused(shop: Shop, body: dict[str, Any], field: str) -> None:
    answer = await buy(shop, "C3", body)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert "4111" not in answer.text
    assert (await shop.services.ledger.heads()).version.positions == {0: 0}


async def test_a_service_sends_priced_orders_at_the_same_place(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.token()}"}
    answer = await shop.client.post("/order/C4", json={"itemIds": BASKET, "paymentDetails": OK}, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == MEDIA_TYPE
