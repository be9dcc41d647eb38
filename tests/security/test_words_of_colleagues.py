"""Refused: what colleagues say of a member among themselves. No answer to that member has it, wherever they say it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import Shop, open_shop

pytestmark = pytest.mark.anyio

WORDS = "a known fraudster"
JPY: dict[str, Any] = {"member_id": "ann", "currency": "JPY"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def test_a_member_is_told_that_it_was_not_awarded_and_not_why_it_was_given_up(shop: Shop) -> None:
    await shop.order("A1", "ann", "25.00")
    await shop.ask("POST", "/order/A1/refund", json={**JPY, "refund_id": "R1", "amount": "10"})
    await shop.ask("POST", "/order/Q1", json={**JPY, "total": "10"})
    await shop.settle()
    paths = ("/order/Q1", "/order/A1/refund/R1", "/members/ann/export")
    quarantined = (await shop.ask("GET", "/order/Q1", member="ann")).json()
    assert "JPY" in quarantined["reason"]
    for document in ("order/shop/Q1", "refund/shop/R1"):
        person = shop.person("operator", sub="rory.byrne@shop.example")
        dropped = await shop.ask("POST", f"/quarantine/{document}/drop", token=person, json={"reason": WORDS})
        assert dropped.status_code == 200, dropped.text
    for path in paths:
        to_member = await shop.ask("GET", path, member="ann")
        assert WORDS not in to_member.text
        assert "rory" not in to_member.text
        assert "not awarded" in to_member.text
        assert WORDS in (await shop.ask("GET", path)).text
    assert (await shop.ask("GET", "/order/Q1", member="ann")).json() == {**quarantined, "reason": "not awarded"}
