"""What members number for themselves: each id of a member keeps its own circle of ids, over mergers too, and whoever
may act for the member finds what is in it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(ledger: str | None, tmp_path: Path) -> AsyncIterator[Shop]:
    """Ann and Bob have 100 points each."""
    async with open_shop(tmp_path, ledger_url=ledger) as shop:
        for member in ("ann", "bob"):
            assert (await shop.ask("POST", f"/loyalty/{member}", json={"loyalty-points": 100})).status_code == 201
        yield shop


async def ask(shop: Shop, member: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await shop.ask("POST", f"/loyalty/{member}/{path}", json=body, member=member)
    return answer.status_code, answer.json()


async def balance(shop: Shop, member: str) -> int:
    points: int = (await shop.ask("GET", f"/loyalty/{member}/balance")).json()["balance"]
    return points


async def merge(shop: Shop, gone: str, into: str) -> None:
    assert (await shop.ask("POST", f"/members/{gone}/merge", json={"into": into})).status_code == 200


async def test_what_a_member_asked_before_a_merge_is_answered_again_after_it(shop: Shop) -> None:
    """A redemption, a hold, what was taken of it or let go, and what came back."""
    steps: list[tuple[str, dict[str, Any]]] = [
        ("redeem", {"redemption_id": "R1", "points": 50}),
        ("redeem/R1/cancel", {"points": 20}),
        ("hold", {"hold_id": "H1", "points": 10}),
        ("hold/H1/capture", {"points": 5}),
        ("hold", {"hold_id": "H2", "points": 10}),
        ("hold/H2/void", {}),
    ]
    first = [await ask(shop, "ann", path, **body) for path, body in steps]
    assert [status for status, _ in first] == [201] * len(steps), first
    await merge(shop, "ann", "bob")
    for into in ("bob", "cy"):
        for (path, body), (_, before) in zip(steps, first, strict=True):
            status, again = await ask(shop, "ann", path, **body)
            assert (status, again.get("loyaltyId")) == (200, before.get("loyaltyId")), path
            assert await balance(shop, "ann") == 165
        if into == "bob":
            assert (await shop.ask("POST", "/members", json=[{"member_id": "cy"}])).status_code == 200
            await merge(shop, "bob", "cy")


async def test_each_id_of_a_member_keeps_its_own_circle(shop: Shop) -> None:
    """The same id of two who became one is two redemptions, as it was before."""
    for member, points in (("ann", 10), ("bob", 20)):
        assert (await ask(shop, member, "redeem", redemption_id="R1", points=points))[0] == 201
    await merge(shop, "ann", "bob")
    for member, points in (("ann", 10), ("bob", 20)):
        assert (await ask(shop, member, "redeem", redemption_id="R1", points=points))[0] == 200
    assert await balance(shop, "bob") == 170
    assert (await ask(shop, "ann", "redeem/R1/cancel"))[1]["balance"] == 180
    assert (await ask(shop, "bob", "redeem/R1/cancel"))[1]["balance"] == 200


async def test_a_member_finds_what_it_did_under_its_other_id(shop: Shop) -> None:
    assert (await ask(shop, "ann", "redeem", redemption_id="R1", points=50))[0] == 201
    assert (await ask(shop, "ann", "hold", hold_id="H1", points=10))[0] == 201
    assert (await ask(shop, "ann", "hold/H1/capture", points=10))[0] == 201
    for path in ("redeem/R1/cancel", "hold/H1/void", "redeem/hold:H1/cancel"):
        assert (await ask(shop, "bob", path))[0] == 404
    await merge(shop, "ann", "bob")
    assert (await ask(shop, "bob", "hold/H1/capture", points=10))[0] == 200
    assert (await ask(shop, "bob", "redeem/hold:H1/cancel"))[1]["balance"] == 150
    assert (await ask(shop, "bob", "redeem/R1/cancel"))[1]["balance"] == 200
