"""What can be undone: spent points that come back, refunds that failed, orders that were changed, two members that are
one, and points that no board should see.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import Shop, fields_at_fault, open_shop

from laurels.testing.verifying import findings_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        yield opened


async def send(shop: Shop, path: str, status: int = 202, method: str = "POST", **body: Any) -> Any:
    answer = await shop.ask(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def bought(shop: Shop, order_id: str, member: str, total: str) -> None:
    assert (await shop.order(order_id, member, total)).status_code == 202
    await shop.settle()


async def refunded(shop: Shop, order_id: str, refund_id: str, amount: str, member: str = "ann", **more: Any) -> None:
    path = f"/order/{order_id}/refund"
    await send(shop, path, refund_id=refund_id, member_id=member, currency="GBP", amount=amount, **more)
    await shop.settle()


async def cancelled(shop: Shop, order_id: str, refund_id: str, status: int = 202) -> None:
    answer = await shop.ask("POST", f"/order/{order_id}/refund/{refund_id}/cancel")
    assert answer.status_code == status, answer.text
    await shop.settle()


async def worth(shop: Shop, order_id: str) -> tuple[int, list[int]]:
    state = (await shop.ask("GET", f"/order/{order_id}")).json()
    return state["points"], [entry["points"] for entry in state["entries"]]


async def shown(shop: Shop, order_id: str) -> dict[str, Any]:
    state: dict[str, Any] = (await shop.ask("GET", f"/order/{order_id}")).json()
    return state


async def score(shop: Shop, member: str, board: str = "all-time") -> int:
    return int((await shop.ask("GET", f"/loyalty/{member}", params={"board": board})).json()["me"]["points"])


async def test_spent_points_come_back_and_move_no_board(shop: Shop) -> None:
    await bought(shop, "A1", "ann", "600.00")
    await send(shop, "/loyalty/ann/redeem", 201, redemption_id="V1", points=50)
    path = "/loyalty/ann/redeem/V1/cancel"
    part = await send(shop, path, 201, cancel_id="C1", points=20)
    assert part["balance"] == 30
    assert (await send(shop, path, 200, cancel_id="C1", points=20)) == part
    assert (await send(shop, path, 409, cancel_id="C1", points=21))["title"]
    assert (await send(shop, path, 201))["balance"] == 60
    assert (await send(shop, path, 200))["balance"] == 60
    await send(shop, path, 409, cancel_id="C2")
    await send(shop, path, 409, cancel_id="C3", points=1)
    await send(shop, "/loyalty/bob/redeem/V1/cancel", 404, cancel_id="C9")
    await shop.settle()
    assert (await score(shop, "ann"), await shop.balance("ann")) == (60, 60)


async def test_a_member_cancels_its_own(shop: Shop) -> None:
    await bought(shop, "A1", "ann", "600.00")
    spent = {"redemption_id": "V1", "points": 50}
    assert (await shop.ask("POST", "/loyalty/ann/redeem", member="ann", json=spent)).status_code == 201
    assert (await shop.ask("POST", "/loyalty/ann/redeem/V1/cancel", member="bob", json={})).status_code == 404
    await send(shop, "/loyalty/ann/redeem/V1/cancel", 404)  # the shop's circle has no V1
    answer = await shop.ask("POST", "/loyalty/ann/redeem/V1/cancel", member="ann", json={})
    assert (answer.status_code, answer.json()["balance"]) == (201, 60)


async def test_a_refund_that_failed_is_as_if_it_had_not_been(shop: Shop) -> None:
    await bought(shop, "O1", "ann", "100.00")
    await refunded(shop, "O1", "R1", "100.00")
    await refunded(shop, "O1", "R2", "40.00")
    assert await worth(shop, "O1") == (0, [10, -10, 0])
    await cancelled(shop, "O1", "R1")
    assert (await worth(shop, "O1"))[0] == 6
    await cancelled(shop, "O1", "R1", 200)
    assert (await shop.balance("ann"), (await worth(shop, "O1"))[0]) == (6, 6)
    assert (await shop.ask("POST", "/order/O1/refund/R9/cancel")).status_code == 404


async def test_a_change_of_an_order_in_quarantine_replaces_its_content(shop: Shop) -> None:
    """A currency without points, say; whoever asks for the order is told how it is now."""
    await send(shop, "/order/O1", 202, member_id="ann", currency="JPY", total="2500")
    await shop.settle()
    assert (await shown(shop, "O1"))["status"] == "quarantined"
    changed: dict[str, Any] = {"revision": 2, "member_id": "ann", "currency": "GBP", "total": "60.00"}
    await send(shop, "/order/O1/amend", **changed)
    assert (await shown(shop, "O1"))["status"] == "accepted"
    await shop.settle()
    order = await shown(shop, "O1")
    assert (order["status"], order["points"]) == ("awarded", 6)
    assert order["reason"] == "order changed (revision 2): 60.00 GBP / 10.00 = 6 -> 6 (half-up, version 1)"
    assert [entry["points"] for entry in order["entries"]] == [6, 0]
    await send(shop, "/order/O1/amend", 200, **changed)
    await send(shop, "/order/O1/amend", 422, **changed | {"revision": 3, "member_id": "bob"})


async def test_refund_cancel_refund_ends_at_nothing(shop: Shop) -> None:
    await bought(shop, "O1", "ann", "25.00")
    await refunded(shop, "O1", "R1", "5.00")
    await cancelled(shop, "O1", "R1")
    await refunded(shop, "O1", "R2", "25.00")
    assert await worth(shop, "O1") == (0, [3, -1, 1, -3])


async def test_a_refund_before_its_order_can_be_cancelled(shop: Shop) -> None:
    await refunded(shop, "O1", "R1", "25.00")
    await cancelled(shop, "O2", "R1", 404)
    await cancelled(shop, "O1", "R1")
    await bought(shop, "O1", "ann", "25.00")
    assert (await worth(shop, "O1"))[0] == 3


async def test_a_slip_in_the_order_does_not_use_up_the_cancelling(shop: Shop) -> None:
    await bought(shop, "O1", "ann", "25.00")
    await bought(shop, "O2", "bob", "25.00")
    await refunded(shop, "O1", "R1", "25.00")
    await cancelled(shop, "O2", "R1", 404)
    await cancelled(shop, "O1", "R1")
    assert (await worth(shop, "O1"), (await worth(shop, "O2"))[0]) == ((3, [3, -3, 3]), 3)


async def test_what_was_given_up_is_no_refund_to_cancel(shop: Shop) -> None:
    """What it said is not kept: of which order it was, nobody knows, and it counts nothing."""
    await bought(shop, "O1", "ann", "25.00")
    refund = {"refund_id": "R1", "member_id": "ann", "currency": "EUR", "amount": "5.00"}
    assert (await shop.ask("POST", "/order/O1/refund", json=refund)).status_code == 202
    await shop.settle()
    await send(shop, "/quarantine/refund/shop/R1/drop", 200, reason="keyed in twice")
    for order_id in ("O1", "O2"):
        await cancelled(shop, order_id, "R1", 404)


async def test_an_order_that_was_changed_earns_what_it_is_now(shop: Shop) -> None:
    await bought(shop, "O1", "ann", "25.00")
    await refunded(shop, "O1", "R1", "5.00")
    changed: dict[str, Any] = {"revision": 2, "member_id": "ann", "currency": "GBP", "total": "60.00"}
    await send(shop, "/order/O1/amend", **changed)
    await shop.settle()
    assert (await worth(shop, "O1"))[0] == 6  # of 55.00
    assert "60.00 GBP / 10.00" in (await shown(shop, "O1"))["reason"]  # not what it was before
    await send(shop, "/order/O1/amend", 200, **changed)
    await send(shop, "/order/O1/amend", 409, **changed | {"total": "70.00"})
    await send(shop, "/order/O1/amend", 422, **changed | {"revision": 3, "member_id": "bob"})
    await send(shop, "/order/O1/amend", 422, **changed | {"revision": 3, "currency": "EUR"})
    await send(shop, "/order/O9/amend", 404, **changed)
    await cancelled(shop, "O1", "R1")
    assert (await worth(shop, "O1"))[0] == 6
    await refunded(shop, "O1", "R2", "60.00")
    assert await shop.balance("ann") == 0


async def test_two_members_become_one(shop: Shop) -> None:
    await bought(shop, "A1", "ann", "3000.00")
    await bought(shop, "B1", "bob", "2000.00")
    await send(shop, "/members/bob/merge", 200, into="ann")
    await send(shop, "/members/bob/merge", 200, into="ann")
    await shop.order("C1", "cy", "10.00")
    await send(shop, "/members/bob/merge", 409, into="cy")
    await send(shop, "/members/ann/merge", 409, into="bob")
    await send(shop, "/members/nobody/merge", 404, into="ann")
    assert await shop.balance("ann") == await shop.balance("bob") == 500
    await refunded(shop, "B1", "R1", "200.00", member="bob")
    assert (await shop.balance("ann"), await score(shop, "ann"), await score(shop, "bob")) == (480, 480, 480)
    await bought(shop, "B2", "bob", "10.00")
    assert (await shop.balance("ann"), await score(shop, "ann")) == (481, 481)
    kinds = [entry["kind"] for entry in (await shop.ask("GET", "/loyalty/ann/entries")).json()["entries"]]
    assert kinds.count("merge") == 2


async def test_members_do_not_become_one_another_in_a_circle(shop: Shop) -> None:
    """An id answers for whom it became, so a circle would make it answer for itself: refused, nothing changed."""
    for member, total in (("w", "100.00"), ("m", "200.00"), ("z", "400.00")):
        await bought(shop, f"A-{member}", member, total)
    await send(shop, "/members/w/merge", 409, into="w")
    await send(shop, "/members/m/merge", 200, into="w")
    await send(shop, "/members/w/merge", 409, into="m")
    await send(shop, "/members/w/merge", 200, into="z")
    for gone in ("m", "w"):
        await send(shop, "/members/z/merge", 409, into=gone)
    for again in ("w", "z"):  # the first request sent once more, and what it means by now
        await send(shop, "/members/m/merge", 200, into=again)
    await shop.settle()
    assert [await shop.balance(member) for member in ("w", "m", "z")] == [70, 70, 70]
    assert [await score(shop, member) for member in ("w", "m", "z")] == [70, 70, 70]
    assert await findings_of(shop.services.ledger) == []


async def test_opening_balances_come_in_bulk_and_on_no_board(shop: Shop) -> None:
    opening = {"loyalty-points": 5000, "reason": "opening balance", "board": False, "quiet": True}
    rows = [{"adjustment_id": f"open-{n}", "member_id": f"m{n}", **opening} for n in range(3)]
    wrong = [
        rows[0] | {"loyalty-points": 1},
        {"adjustment_id": "x"},
        rows[1] | {"adjustment_id": "y", "note": "4" * 16},
    ]
    answer = await shop.ask("POST", "/adjustments", json=[*rows, *wrong, rows[2]])
    assert [(one["http"], one["status"]) for one in answer.json()] == [
        *[(201, "awarded")] * 3,
        (409, "conflict"),
        (422, "invalid"),
        (201, "awarded"),
        (200, "awarded"),
    ]
    await shop.settle()
    assert (await shop.balance("m0"), await score(shop, "m0")) == (5000, 0)


async def test_a_till_takes_back_what_the_web_sold(shop: Shop) -> None:
    await bought(shop, "W1", "ann", "25.00")
    for till in ("till-7", "till-8"):
        await refunded(shop, "W1", "1", "5.00", source=till, order_source="shop")
    assert await worth(shop, "W1") == (2, [3, -1, 0])


async def test_an_address_changes_by_a_call_of_its_own(shop: Shop) -> None:
    await bought(shop, "A1", "ann", "25.00")
    await send(shop, "/members/ann/contact", 200, "PUT", email="ann@example.com")
    await send(shop, "/members/ann/contact", 200, "PUT", email=None)
    await send(shop, "/members/ann/contact", 422, "PUT", email="nowhere")
    await send(shop, "/members/bob/contact", 404, "PUT", email="bob@example.com")


async def test_an_older_revision_that_comes_late_is_refused(shop: Shop) -> None:
    """It was accepted, and lay in quarantine unseen."""
    await bought(shop, "O1", "ann", "25.00")
    changed: dict[str, Any] = {"member_id": "ann", "currency": "GBP", "total": "60.00"}
    await send(shop, "/order/O1/amend", revision=2, **changed | {"total": "10.00"})
    await send(shop, "/order/O1/amend", revision=5, **changed)
    await shop.settle()
    for revision in (1, 3, 4):
        late = await send(shop, "/order/O1/amend", 409, revision=revision, **changed | {"total": "10.00"})
        assert "Revision 5" in late["detail"]
    await send(shop, "/order/O1/amend", 200, revision=2, **changed | {"total": "10.00"})
    await shop.settle()
    assert (await worth(shop, "O1"))[0] == 6
    assert (await shop.services.ledger.counts()).quarantined == 0


async def test_a_change_says_what_of_it_is_left_out(shop: Shop) -> None:
    await bought(shop, "O1", "ann", "25.00")
    line = {"sku": "tea\x00", "quantity": 1, "unit_price": "60.00"}
    said = await send(
        shop, "/order/O1/amend", revision=2, member_id="ann", currency="GBP", lines=[line], email="nowhere"
    )
    assert [one["field"] for one in said["warnings"]] == ["email", "lines[0].sku"]


async def test_where_every_field_may_be_left_out_so_may_the_body(shop: Shop) -> None:
    await bought(shop, "O1", "ann", "600.00")
    await send(shop, "/loyalty/ann/redeem", 201, redemption_id="V1", points=50)
    await send(shop, "/loyalty/ann/hold", 201, hold_id="H1", points=5)
    for path, status in (("redeem/V1/cancel", 201), ("redeem/V1/cancel", 200), ("hold/H1/void", 201)):
        assert (await shop.ask("POST", f"/loyalty/ann/{path}")).status_code == status
    assert fields_at_fault(await shop.ask("POST", "/loyalty/ann/redeem")) == ["body"]
    forgets = await shop.ask("PUT", "/members/ann/attributes")
    assert fields_at_fault(forgets) == ["body"], "what is not said would be forgotten"
