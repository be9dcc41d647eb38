"""A refund is told under the path of its own order alone, however far it got and whatever is kept of it."""

from pathlib import Path

import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.model import DocumentKind

pytestmark = pytest.mark.anyio

STATES = ("accepted", "awarded", "cancelled", "waiting", "quarantined", "dropped")


async def bring(shop: Shop, state: str, *, source: str) -> str:
    """A refund that got so far; gives the id of its order, which another system numbered."""
    order_id = "none" if state == "waiting" else "A1"
    currency = "EUR" if state in {"quarantined", "dropped"} else "GBP"
    body = {"refund_id": "R1", "member_id": "ann", "currency": currency, "amount": "5.00", "source": "till"}
    answer = await shop.ask("POST", f"/order/{order_id}/refund", json={**body, "order_source": source})
    assert answer.status_code == 202, answer.text
    if state == "accepted":
        return order_id
    await shop.settle()
    if state == "cancelled":
        answer = await shop.ask("POST", f"/order/{order_id}/refund/R1/cancel?source=till")
        assert answer.status_code == 202, answer.text
        await shop.settle()
    if state == "dropped":
        await shop.services.ledger.drop(DocumentKind.REFUND, "till", "R1", actor="clerk", why="not ours")
    return order_id


@pytest.mark.parametrize("erased", [False, True], ids=["", "erased"])
@pytest.mark.parametrize("state", STATES)
async def test_a_refund_is_told_under_its_own_order_alone(
    ledger: str | None, tmp_path: Path, state: str, erased: bool
) -> None:
    async with open_shop(tmp_path, ledger_url=ledger) as shop:
        for order_id in ("A1", "A2"):
            assert (await shop.order(order_id, "ann", "100.00")).status_code == 202
        await shop.settle()
        order_id = await bring(shop, state, source="shop")
        if erased:
            assert (await shop.ask("DELETE", "/members/ann")).is_success
        told = await shop.ask("GET", f"/order/{order_id}/refund/R1?source=till")
        assert (told.status_code, told.json()["order_id"]) == (200, order_id), told.text
        assert (await shop.ask("GET", f"/order/{order_id}/refund/R1?source=till&order_source=shop")).status_code == 200
        for path in ("A2/refund/R1?source=till", "any/refund/R1?source=till", f"{order_id}/refund/R1?source=shop"):
            check_problem(await shop.ask("GET", f"/order/{path}"), 404, "not-found")
        check_problem(
            await shop.ask("GET", f"/order/{order_id}/refund/R1?source=till&order_source=till"), 404, "not-found"
        )
        for wrong in ("A2", "any"):
            check_problem(await shop.ask("POST", f"/order/{wrong}/refund/R1/cancel?source=till"), 404, "not-found")


async def test_a_refund_that_names_no_order_is_under_none(ledger: str | None, tmp_path: Path) -> None:
    async with open_shop(tmp_path, ledger_url=ledger) as shop:
        assert (await shop.order("A1", "ann", "100.00")).status_code == 202
        body = {"refund_id": "R1", "currency": "GBP", "amount": "5.00"}
        assert (await shop.ask("POST", "/loyalty/ann/refund", json=body)).status_code == 202
        for _ in range(2):
            check_problem(await shop.ask("GET", "/order/A1/refund/R1"), 404, "not-found")
            await shop.settle()
