"""What comes over HTTP for an erased member's order, whoever has the id by then."""

from pathlib import Path

import pytest
from tests.integration.http_shop import open_shop

pytestmark = pytest.mark.anyio


async def test_it_is_booked_under_the_number_though_the_id_is_enrolled_again(
    ledger: str | None, tmp_path: Path
) -> None:
    async with open_shop(tmp_path, ledger_url=ledger) as shop:
        for order_id in ("A1", "A2"):
            assert (await shop.order(order_id, "ann", "100.00")).status_code == 202
        await shop.settle()
        assert (await shop.ask("DELETE", "/members/ann")).is_success
        assert (await shop.order("B1", "ann", "100.00")).status_code == 202
        await shop.settle()
        order = {"member_id": "ann", "currency": "GBP"}
        for path, body in (
            ("/order/A1/refund", {"refund_id": "R1", "amount": "100.00"}),
            ("/order/A2/amend", {"revision": 1, "total": "50.00"}),
        ):
            assert (await shop.ask("POST", path, json=order | body)).status_code == 202
        await shop.settle()
        worth = [(await shop.ask("GET", f"/order/{order_id}")).json()["points"] for order_id in ("A1", "A2", "B1")]
        assert worth == [0, 5, 10]
        assert (await shop.ask("GET", "/quarantine")).json()["documents"] == []
        kept = (await shop.ask("GET", "/members/ann/export")).json()
        assert (kept["documents"], len(kept["entries"]), kept["balance"]) == ([], 2, 10)
