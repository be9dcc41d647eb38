"""A member with two ids, after a merge: what was begun under one is repeated and ended under the other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.found.test_undone import bought, send, shown
from tests.integration.http_shop import Shop, open_shop

pytestmark = pytest.mark.anyio

PAIR = ["ann", "bob"]
ONE_AND_OTHER = pytest.mark.parametrize(
    ("one", "other"), [("ann", "ann"), ("ann", "bob"), ("bob", "ann"), ("bob", "bob")]
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        for member in PAIR:
            await bought(opened, f"A-{member}", member, "600.00")
        yield opened


async def merged(shop: Shop) -> None:
    await send(shop, "/members/ann/merge", 200, into="bob")


@ONE_AND_OTHER
async def test_holds_end_under_either_id(shop: Shop, one: str, other: str) -> None:
    await merged(shop)
    for hold in ("H1", "H2"):
        await send(shop, f"/loyalty/{one}/hold", 201, hold_id=hold, points=10)
    await send(shop, f"/loyalty/{other}/hold", 200, hold_id="H1", points=10)
    await send(shop, f"/loyalty/{other}/hold", 409, hold_id="H1", points=11)
    await send(shop, f"/loyalty/{other}/hold/H1/void", 201)
    await send(shop, f"/loyalty/{other}/hold/H2/capture", 201, points=4)
    for again in PAIR:
        await send(shop, f"/loyalty/{again}/hold/H1/void", 200)
        await send(shop, f"/loyalty/{again}/hold/H2/capture", 200, points=4)
        await send(shop, f"/loyalty/{again}/hold/H2/capture", 409, points=5)
    assert [await shop.balance(member) for member in PAIR] == [116, 116]


@ONE_AND_OTHER
@pytest.mark.parametrize("begun", ["before", "after"])
async def test_spent_points_come_back_under_either_id(shop: Shop, begun: str, one: str, other: str) -> None:
    if begun == "after":
        await merged(shop)
    await send(shop, f"/loyalty/{one}/redeem", 201, redemption_id="R1", points=20)
    await send(shop, f"/loyalty/{one}/redeem/R1/cancel", 201, cancel_id="C1", points=5)
    if begun == "before":
        await merged(shop)
    for again in PAIR:
        await send(shop, f"/loyalty/{again}/redeem", 200, redemption_id="R1", points=20)
        await send(shop, f"/loyalty/{again}/redeem/R1/cancel", 200, cancel_id="C1", points=5)
    await send(shop, f"/loyalty/{other}/redeem/R1/cancel", 201, cancel_id="C2", points=15)
    for again in PAIR:
        await send(shop, f"/loyalty/{again}/redeem/R1/cancel", 200, cancel_id="C2", points=15)
    assert [await shop.balance(member) for member in PAIR] == [120, 120]


async def test_documents_repeat_under_either_id(shop: Shop) -> None:
    """A shop that made two customers one sends its orders again under the one that it has left."""
    by_key: dict[str, Any] = {"headers": {"Idempotency-Key": "K1"}, "json": {"loyalty-points": 7, "reason": "goodwill"}}
    assert (await shop.ask("POST", "/loyalty/ann", **by_key)).status_code == 201
    refund: dict[str, Any] = {"refund_id": "R1", "currency": "GBP", "amount": "100.00"}
    unlinked: dict[str, Any] = {"refund_id": "R2", "currency": "GBP", "amount": "50.00"}
    changed: dict[str, Any] = {"revision": 2, "currency": "GBP", "total": "500.00"}
    await send(shop, "/order/A-ann/amend", member_id="ann", **changed)
    await send(shop, "/order/A-ann/refund", member_id="ann", **refund)
    await send(shop, "/loyalty/ann/refund", **unlinked)
    await shop.settle()
    await merged(shop)
    for again in PAIR:
        assert (await shop.order("A-ann", again, "600.00")).status_code == 200
        assert (await shop.order("A-bob", again, "600.00")).status_code == 200
        assert (await shop.order("A-ann", again, "600.01")).status_code == 409
        assert (await shop.ask("POST", f"/loyalty/{again}", **by_key)).status_code == 200
        await send(shop, "/order/A-ann/amend", 200, member_id=again, **changed)
        await send(shop, "/order/A-ann/refund", 200, member_id=again, **refund)
        await send(shop, f"/loyalty/{again}/refund", 200, **unlinked)
    assert (await shop.order("A-ann", "cy", "600.00")).status_code == 409
    assert (await shown(shop, "A-ann"))["points"] == 40
    assert [await shop.balance(member) for member in PAIR] == [102, 102]
