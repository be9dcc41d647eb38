"""One circle of numbers for two: who numbers what, so that nobody's ids use up, or tell, another's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from tests.integration.http_shop import Shop, fields_at_fault, open_shop

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


async def test_tills_number_refunds_and_redemptions_for_themselves(shop: Shop) -> None:
    """What the web sold comes back at two tills under one number; two tills redeem under one number: both count."""
    await shop.order("W1", "ann", "1000.00")
    await shop.settle()
    for till in ("till-7", "till-8"):
        refund = {"refund_id": "1", "member_id": "ann", "currency": "GBP", "amount": "50.00", "source": till}
        path = "/order/W1/refund"
        assert (await shop.ask("POST", path, json={**refund, "order_source": "shop"})).status_code == 202
        await shop.settle()
        spent = await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "1", "points": 10, "source": till})
        assert spent.status_code == 201
    again = await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "1", "points": 10, "source": "till-8"})
    assert (again.status_code, again.json()["balance"]) == (200, 70)


async def test_tills_number_adjustments_for_themselves(shop: Shop) -> None:
    for till in ("till-7", "till-8"):
        body = [{"adjustment_id": "1", "member_id": "ann", "loyalty-points": 5, "source": till}]
        assert (await shop.ask("POST", "/adjustments", json=body)).json()[0]["http"] == 201
    assert (await shop.ask("GET", "/loyalty/ann/balance")).json()["balance"] == 10


async def test_each_members_order_ids_are_its_own(shop: Shop) -> None:
    """A declined checkout of one stands in nobody's way, and no probe tells which ids are used."""
    basket = {"itemIds": BASKET, "paymentDetails": OK}
    declined = await buy(shop, "web-1001", {**basket, "paymentDetails": {"method": "card", "token": "tok_declined"}})
    assert declined.status_code == 402
    for member in ("bob", "cid"):
        assert (await buy(shop, "web-1001", basket, member=member)).status_code == 201
    await shop.settle()
    for member, status in (("ann", 404), ("bob", 200), ("cid", 200), ("dan", 404)):
        headers = {"Authorization": f"Bearer {shop.token(member=member)}"}
        answer = await shop.client.get("/order/web-1001?source=checkout", headers=headers)
        assert answer.status_code == status
        assert status == 404 or answer.json()["source"] == "checkout"


async def test_the_shop_refunds_what_was_bought_in_its_buyers_circle(shop: Shop) -> None:
    """`checkout` with the member's id is enough for a service, too, whoever else bought under that id."""
    for member in ("ann", "bob"):
        await buy(shop, "C1", {"itemIds": BASKET, "paymentDetails": OK}, member=member)
    await shop.settle()
    service = {"Authorization": f"Bearer {shop.token()}"}
    refund = {"refund_id": "R1", "member_id": "bob", "currency": "GBP", "amount": "9.33", "order_source": "checkout"}
    for status in (202, 200):
        assert (await shop.client.post("/order/C1/refund", json=refund, headers=service)).status_code == status
    await shop.settle()
    for member, points in (("ann", 1), ("bob", 0)):
        shown = await shop.client.get(f"/loyalty/{member}", headers=service)
        assert shown.json()["me"]["points"] == points
    again = await shop.client.post("/order/C1/refund/R1/cancel?order_source=checkout", headers=service)
    assert again.status_code == 202
    await shop.settle()
    assert (await shop.client.get("/loyalty/bob", headers=service)).json()["me"]["points"] == 1


async def test_the_refund_that_is_cancelled_is_the_one_of_the_source_that_is_named(shop: Shop) -> None:
    """In the address or, as everywhere else, in the body: never another one's of the same number."""
    await shop.order("W1", "cid", "100.00")
    for source in ("shop", "till-7", "till-8"):
        body = {"refund_id": "R1", "member_id": "cid", "currency": "GBP", "amount": "20.00", "source": source}
        assert (await shop.ask("POST", "/order/W1/refund", json=body | {"order_source": "shop"})).status_code == 202
    await shop.settle()
    path = "/order/W1/refund/R1/cancel"
    assert (await shop.ask("POST", path, json={"source": "till-7", "order_source": "shop"})).status_code == 202
    assert (await shop.ask("POST", f"{path}?source=till-8", json={"source": "till-8"})).status_code == 202
    for query, sent, field in (
        ("?source=till-7", {"source": "shop"}, "source"),
        ("?order_source=till-7", {"order_source": "shop"}, "order_source"),
        ("", {"sorce": "till-7"}, "sorce"),
    ):
        assert fields_at_fault(await shop.ask("POST", path + query, json=sent)) == [field]
    await shop.settle()
    for source, points in (("shop", -2), ("till-7", 0), ("till-8", 0)):
        shown = (await shop.ask("GET", f"/order/W1/refund/R1?source={source}&order_source=shop")).json()
        assert (shown["source"], shown["points"]) == (source, points)
