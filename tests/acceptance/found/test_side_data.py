"""A side datum that cannot be used is left out and said; what moves points or money is refused as ever."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import Shop, fields_at_fault, open_shop

pytestmark = pytest.mark.anyio

ORDER = {"member_id": "ann", "currency": "GBP", "total": "25.00"}
UNUSABLE = ["", " ", "ann", "ann@", "@example.com", "ann@@example.com", "ann smith@example.com", "a" * 65 + "@b.com",
            "a" * 500 + "@example.com", "ann@example.com\r\nBcc: all@example.com"]  # fmt: skip
LEFT_OUT = "is left out: it must be an e-mail address such as ann@example.com"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as shop:
        yield shop


async def kept(shop: Shop, member: str) -> str | None:
    """The address that a mail to the member goes to; None where it waits for one."""
    await shop.order("earns-a-mail", member, "2000.00")
    await shop.settle()
    return next((message.email for message in await shop.services.ledger.claim_messages(10, lease_s=1)), None)


@pytest.mark.parametrize(
    "email", ["ann@example.com", "ann@example.com ", "\tann@example.com\r\n", "\u00a0ann@example.com"]
)
async def test_an_address_is_trimmed(shop: Shop, email: str) -> None:
    answer = await shop.ask("POST", "/order/A1", json=ORDER | {"email": email})
    assert (answer.status_code, answer.json()) == (202, {"order_id": "A1", "status": "accepted"})
    assert await kept(shop, "ann") == "ann@example.com"


@pytest.mark.parametrize("email", UNUSABLE)
async def test_an_unusable_address_is_left_out_and_said(shop: Shop, email: str) -> None:
    warned = [{"field": "email", "message": LEFT_OUT}]
    for status in (202, 200):
        answer = await shop.ask("POST", "/order/A1", json=ORDER | {"email": email})
        assert answer.status_code == status
        assert answer.json() == {"order_id": "A1", "status": "accepted", "warnings": warned}
    orders = [{"order_id": "A1", **ORDER, "email": email}, {"order_id": "A2", **ORDER, "email": None}]
    assert (await shop.ask("POST", "/orders", json=orders)).json() == [
        {"order_id": "A1", "status": "accepted", "http": 200, "warnings": warned},
        {"order_id": "A2", "status": "accepted", "http": 202},
    ]
    enrolled = await shop.ask("POST", "/members", json=[{"member_id": "ann", "email": email}, {"member_id": "bob"}])
    results = enrolled.json()
    assert all(result.pop("as_of") for result in results)
    assert results == [
        {"member_id": "ann", "status": "known", "http": 200, "warnings": warned},
        {"member_id": "bob", "status": "enrolled", "http": 201},
    ]
    assert await kept(shop, "ann") is None


@pytest.mark.parametrize("sku", [{}, {"sku": None}, {"sku": ""}])
async def test_a_line_may_lack_an_article(shop: Shop, sku: dict[str, Any]) -> None:
    lines = [{**sku, "quantity": 1, "unit_price": "25.00"}]
    answer = await shop.ask("POST", "/order/A1", json=ORDER | {"lines": lines})
    assert (answer.status_code, answer.json()) == (202, {"order_id": "A1", "status": "accepted"})
    again = await shop.ask("POST", "/order/A1", json=ORDER | {"lines": [{"quantity": 1, "unit_price": "25.00"}]})
    assert again.status_code == 200, "however it is lacking, it is the same content"


@pytest.mark.parametrize("sku", ["a\x07", "a\nb", "s" * 129])
async def test_an_unusable_article_is_left_out_and_said(shop: Shop, sku: str) -> None:
    lines = [{"sku": "tea", "quantity": 1, "unit_price": "5.00"}, {"sku": sku, "quantity": 2, "unit_price": "10.00"}]
    answer = await shop.ask("POST", "/order/A1", json=ORDER | {"lines": lines, "email": "ann"})
    assert answer.status_code == 202
    assert [warning["field"] for warning in answer.json()["warnings"]] == ["email", "lines[1].sku"]
    await shop.settle()
    assert (await shop.ask("GET", "/order/A1", member="ann")).json()["points"] == 3


async def test_a_line_of_nothing_counts_nothing(shop: Shop) -> None:
    lines = [
        {"sku": "tea", "quantity": 1, "unit_price": "30.00"},
        {"sku": "gone", "quantity": 0, "unit_price": "999.99"},
        {"sku": "gone", "quantity": "0.000", "unit_price": "999.99"},
        {"sku": "voucher", "quantity": 1, "unit_price": "-5.00"},
    ]
    assert (await shop.ask("POST", "/order/A1", json=ORDER | {"lines": lines})).status_code == 202
    nothing = {"member_id": "ann", "currency": "GBP", "lines": lines[1:3]}
    assert (await shop.ask("POST", "/order/A2", json=nothing)).status_code == 202
    await shop.settle()
    assert (await shop.ask("GET", "/order/A1", member="ann")).json()["points"] == 3
    assert (await shop.ask("GET", "/order/A2", member="ann")).json()["points"] == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"total": "25.001"}, "total"),
        ({"total": "-25.00"}, "total"),
        ({"total": 25}, "total"),
        ({"total": None}, "total"),
        ({"lines": [{"quantity": 1, "unit_price": "24.99"}]}, "total"),
        ({"lines": [{"quantity": -1, "unit_price": "25.00"}]}, "lines[0].quantity"),
        ({"lines": [{"quantity": "-1", "unit_price": "25.00"}]}, "lines[0].quantity"),
        ({"lines": [{"quantity": 1.5, "unit_price": "25.00"}]}, "lines[0].quantity"),
        ({"lines": [{"quantity": 1, "unit_price": "1.776357e-15"}]}, "lines[0].unit_price"),
        ({"lines": [{"quantity": 1, "unit_price": "0.0000001"}]}, "lines[0].unit_price"),
        ({"total": None, "lines": [{"quantity": 1, "unit_price": "-1.00"}]}, "lines"),
        ({"currency": "usd"}, "currency"),
        ({"channel": "fax"}, "channel"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"member_id": ""}, "member_id"),
        ({"e-mail": "ann@example.com"}, "e-mail"),
    ],
)
async def test_what_moves_points_is_refused(shop: Shop, changed: dict[str, Any], field: str) -> None:
    order = ORDER | {"email": "ann"} | changed
    assert fields_at_fault(await shop.ask("POST", "/order/A1", json=order)) == [field]
    [result] = (await shop.ask("POST", "/orders", json=[{"order_id": "A1", **order}])).json()
    assert (result["http"], [error["field"] for error in result["errors"]]) == (422, [field])
