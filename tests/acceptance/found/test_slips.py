"""A slip in the first of a path's two ids is refused, and leaves the second free for the right call."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import Struct
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.http.app import ROUTES

pytestmark = pytest.mark.anyio

REDEEMED = "/loyalty/{member_id}/redeem/{redemption_id}/cancel"
HELD = "/loyalty/{member_id}/hold/{hold_id}"
REFUNDED = "/order/{order_id}/refund/{refund_id}"


class Right(Struct, frozen=True):
    """The right call under a path of two ids: the first of them, the body, and what it is answered."""

    first: str
    body: dict[str, Any] | None
    status: int


RIGHT = {
    ("POST", REDEEMED): Right("ann", {"points": 2}, 201),
    ("POST", f"{HELD}/capture"): Right("ann", {"points": 2}, 201),
    ("POST", f"{HELD}/void"): Right("ann", {}, 201),
    ("POST", f"{REFUNDED}/cancel"): Right("A1", None, 202),
    ("GET", REFUNDED): Right("A1", None, 200),
}
SLIPS = ["bob", "B1", "nobody", "ANN", "a1", "ann/", "A1/", "A1%", "ann|A1", "A1?source=web", "A2", "é"]
"""Ids of others that are in use, and ids that are not; `A2` is an order that is not awarded yet."""

SOURCE_SLIPS = ["web", "till-7", "checkout"]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        for order_id, member, source in (("A1", "ann", "shop"), ("B1", "bob", "shop"), ("A1", "ann", "web")):
            assert (await opened.order(order_id, member, "9000.00", source=source)).status_code == 202
        await opened.settle()
        await opened.order("A2", "ann", "25.00")
        yield opened


def test_every_path_of_two_ids_is_tried() -> None:
    """Those of quarantine have three, which name one document together: a slip names another one."""
    assert {(route.method, route.path) for route in ROUTES if route.path.count("{") == 2} == set(RIGHT)


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("call", RIGHT)
async def test_a_slip_in_the_first_id_leaves_the_second_free(shop: Shop, call: tuple[str, str], settled: bool) -> None:
    (method, path), right = call, RIGHT[call]
    for number, slip in enumerate(SLIPS):
        second = f"{number}/x"
        await _make(shop, path, second)
        if settled:
            await shop.settle()
        slipped = await shop.ask(method, _address(path, slip, second), json=right.body)
        check_problem(slipped, 404, "not-found")
        await shop.settle()
        answer = await shop.ask(method, _address(path, right.first, second), json=right.body)
        assert answer.status_code == right.status, (slip, answer.text)
        await shop.settle()
    await _nothing_lies_aside(shop)


@pytest.mark.parametrize("source", ["shop", "till-8"])
@pytest.mark.parametrize("comes_late", [True, False])
async def test_a_slip_in_the_source_of_the_order_leaves_it_free(shop: Shop, source: str, comes_late: bool) -> None:
    """The refund has said whose order it is of: it need not be said again, and must not be said wrongly."""
    order_id = "L1" if comes_late else "A1"
    for number, slip in enumerate(SOURCE_SLIPS):
        refund = {"refund_id": f"R{number}", "member_id": "ann", "currency": "GBP", "amount": "10.00"}
        more = {"source": source, "order_source": "shop"}
        assert (await shop.ask("POST", f"/order/{order_id}/refund", json=refund | more)).status_code == 202
        if not comes_late:
            await shop.settle()
        path = f"/order/{order_id}/refund/R{number}"
        for method, address in (("GET", path), ("POST", f"{path}/cancel")):
            wrong = await shop.ask(method, address, params={"source": source, "order_source": slip})
            check_problem(wrong, 404, "not-found")
        said = {"order_source": "shop"} if number else {}
        assert (await shop.ask("GET", path, params={"source": source, **said})).status_code == 200
        right = await shop.ask("POST", f"{path}/cancel", params={"source": source, **said})
        assert right.status_code == 202, right.text
        again = await shop.ask("POST", f"{path}/cancel", params={"source": source, "order_source": "shop"})
        assert again.status_code == 200, "whether it is said or not, it is the same"
    if comes_late:
        assert (await shop.order(order_id, "ann", "9000.00")).status_code == 202
    await shop.settle()
    assert (await shop.ask("GET", f"/order/{order_id}")).json()["points"] == 900
    await _nothing_lies_aside(shop)


async def _make(shop: Shop, path: str, second: str) -> None:
    """What the second id of a path names."""
    if path == REDEEMED:
        answer = await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": second, "points": 2})
    elif path.startswith(HELD):
        answer = await shop.ask("POST", "/loyalty/ann/hold", json={"hold_id": second, "points": 2})
    else:
        refund = {"refund_id": second, "member_id": "ann", "currency": "GBP", "amount": "1.00"}
        answer = await shop.ask("POST", "/order/A1/refund", json=refund)
    assert answer.status_code in {201, 202}, answer.text


def _address(path: str, first: str, second: str) -> str:
    _, one, between, two, behind = (part for piece in path.split("{") for part in piece.split("}", 1))
    assert one.endswith("_id")
    assert two.endswith("_id")
    begins = path.partition("{")[0]
    return f"{begins}{quote(first, safe='')}{between}{quote(second, safe='')}{behind}"


async def _nothing_lies_aside(shop: Shop) -> None:
    assert (await shop.services.ledger.counts()).quarantined == 0
