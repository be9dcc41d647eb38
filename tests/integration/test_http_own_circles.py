"""What members number for themselves: each id of a member keeps its own circle of ids, over mergers too, and whoever
may act for the member finds what is in it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import ALL_SCOPES, Shop, open_shop

from laurels.http.admission.tokens import sign_token

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
            assert await shop.balance("ann") == 165
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
    assert await shop.balance("bob") == 170
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


async def test_staff_and_services_undo_what_a_member_did_itself(shop: Shop) -> None:
    """By the source that the timeline shows; of that member alone, and of who became one with it."""
    assert (await ask(shop, "ann", "redeem", redemption_id="R1", points=50))[0] == 201
    assert (await ask(shop, "ann", "hold", hold_id="H1", points=10))[0] == 201
    staff = shop.person("support")
    [row] = (await shop.ask("GET", "/members/ann/timeline", token=staff)).json()["entries"][:1]
    assert (row["redemption_id"], row["undo"]["action"]) == ("R1", "restore")
    own = {"source": row["source"]}
    cancel, void = "redeem/R1/cancel", "hold/H1/void"
    bound = sign_token(shop.services.settings, subject="till", scope=ALL_SCOPES, ttl_s=600, sources=("shop",))
    for member, path, body, token, status in (
        ("bob", cancel, own, staff, 422),
        ("zoe", cancel, own, staff, 422),
        ("ann", cancel, {"source": "member:99"}, staff, 422),
        ("ann", cancel, {"source": "member"}, staff, 422),
        ("ann", cancel, {"source": "laurels"}, None, 422),
        ("ann", cancel, own, bound, 403),
        ("ann", "redeem", {**own, "redemption_id": "R2", "points": 1}, None, 422),
        ("ann", cancel, {}, staff, 404),
        ("ann", f"{cancel}?check=1", own, staff, 200),
        ("ann", cancel, {**own, "points": 20}, staff, 201),
        ("ann", cancel, {**own, "points": 20}, None, 200),
        ("ann", void, own, None, 201),
    ):
        answer = await shop.ask("POST", f"/loyalty/{member}/{path}", json=body, token=token)
        assert answer.status_code == status, (path, body, answer.text)
    await merge(shop, "ann", "bob")
    for member in ("ann", "bob"):
        answer = await shop.ask("POST", f"/loyalty/{member}/{cancel}", json={**own, "cancel_id": "rest"}, token=staff)
        assert answer.status_code == (201 if member == "ann" else 200), answer.text
    assert await shop.balance("bob") == 200


BASKET = {"itemIds": ["85123A"] * 20, "paymentDetails": {"method": "card", "token": "tok_ok"}}


async def buy(shop: Shop, member: str, order_id: str) -> None:
    assert (await shop.ask("POST", f"/order/{order_id}", json=BASKET, member=member)).status_code == 201
    await shop.settle()


async def refund(shop: Shop, refund_id: str, member: str) -> dict[str, Any]:
    said = {"refund_id": refund_id, "member_id": member, "currency": "GBP", "amount": "51.00"}
    answer = await shop.ask("POST", "/order/o-1/refund", json={**said, "order_source": "checkout"})
    assert answer.status_code == 202, answer.text
    await shop.settle()
    told: dict[str, Any] = (await shop.ask("GET", f"/order/o-1/refund/{refund_id}")).json()
    return told


@pytest.mark.parametrize("named", ["ann", "bob"])
async def test_what_was_bought_under_one_id_is_refunded_and_read_under_each(shop: Shop, named: str) -> None:
    await buy(shop, "ann", "o-1")
    await merge(shop, "ann", "bob")
    for member in ("ann", "bob"):
        for path in ("/order/o-1", "/order/o-1/explain"):
            assert (await shop.ask("GET", f"{path}?source=checkout", member=member)).status_code == 200
    refunded = await refund(shop, "r1", named)
    assert (refunded["status"], refunded["points"], await shop.balance("bob")) == ("awarded", -5, 200)
    await buy(shop, "bob", "o-1")
    assert await shop.balance("bob") == 205, "another purchase, and not refunded"
    assert (await refund(shop, "r2", "bob"))["points"] == -5
    assert await shop.balance("bob") == 200


async def test_of_two_with_one_id_that_of_the_named_one_is_refunded(shop: Shop) -> None:
    for member in ("ann", "bob"):
        await buy(shop, member, "o-1")
    await merge(shop, "ann", "bob")
    for refund_id, member, left in (("r1", "ann", {"ann": 0, "bob": 5}), ("r2", "bob", {"ann": 0, "bob": 0})):
        assert (await refund(shop, refund_id, member))["points"] == -5
        for of, points in left.items():
            shown = (await shop.ask("GET", "/order/o-1?source=checkout", member=of)).json()
            assert shown["points"] == points
