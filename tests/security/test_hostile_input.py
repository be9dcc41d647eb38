"""Refused: oversize bodies, deep JSON, n = 10^9, huge integers, bad UTF-8, path tricks. Always a clear 4xx that names
the field where there is one, never a 5xx, and nothing is accepted.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.http_shop import Shop, check_problem, fields_at_fault, open_shop

pytestmark = pytest.mark.anyio

ORDER = {"member_id": "17850", "currency": "GBP", "total": "25.00"}
CARD = "4111 1111 1111 1111"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """One shop for all: nothing here may change it."""
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        yield shop
        assert (await shop.house.ledger.heads()).version.positions == {0: 0}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": 25.0}, "total"),
        ({"total": 25}, "total"),
        ({"total": "25.001"}, "total"),
        ({"total": "-1.00"}, "total"),
        ({"total": "1e400"}, "total"),
        ({"total": "NaN"}, "total"),
        ({"total": "25,00"}, "total"),
        ({"total": "٢٥"}, "total"),
        ({"total": "9" * 40}, "total"),
        ({"total": None}, "total"),
        ({"points": 1_000_000}, "points"),
        ({"quiet": True}, "quiet"),
        ({"member_id": "a/b"}, "member_id"),
        ({"member_id": "17850\n"}, "member_id"),
        ({"member_id": "17850\x00"}, "member_id"),
        ({"member_id": ""}, "member_id"),
        ({"member_id": 17850}, "member_id"),
        ({"member_id": "x" * 129}, "member_id"),
        ({"source": "../shop"}, "source"),
        ({"currency": "gbp"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"channel": "fax"}, "channel"),
        ({"occurred_at": "2026-11-01T10:00:00"}, "occurred_at"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, "occurred_at"),
        ({"occurred_at": 0}, "occurred_at"),
        ({"email": "no address"}, "email"),
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "a", "quantity": 0, "unit_price": "1"}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "a", "quantity": 10**30, "unit_price": "1"}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "a", "quantity": 1, "unit_price": 1}]}, "lines[0].unit_price"),
        ({"lines": [{"sku": "a", "quantity": 1, "unit_price": "1", "points": 5}]}, "lines[0].points"),
        ({"lines": [{"sku": "a\x00", "quantity": 1, "unit_price": "1"}]}, "lines[0].sku"),
        ({"lines": [{"sku": "a", "quantity": 1, "unit_price": "1"}]}, "total"),
        ({"lines": [{"sku": "a", "quantity": 1, "unit_price": "-1"}], "total": None}, "lines"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_accepted(shop: Shop, change: dict[str, Any], field: str) -> None:
    answer = await shop.ask("POST", "/order/A1", json=ORDER | change)
    assert [named.replace("[...]", "[0]") for named in fields_at_fault(answer)] == [field]
    assert await shop.house.ledger.inbox_depth() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe{}",
        b'{"member_id": "\xff"}',
        b'{"member_id": "\\ud800"}',
        b'{"lines": ' + b"[" * 100_000,
        b"[" * 100_000,
        b'{"total": 1e400}',
        b'{"total": ' + b"9" * 5000 + b"}",
    ],
)
async def test_a_body_that_is_no_order_is_a_clear_422(shop: Shop, body: bytes) -> None:
    answer = await shop.ask("POST", "/order/A1", content=body, headers={"Content-Type": "application/json"})
    assert fields_at_fault(answer)


@pytest.mark.parametrize("path", ["/order/a%00b", "/order/%ff", "/order/a%20b", "/order/..%2e", "/order/" + "x" * 129])
async def test_an_id_in_the_path_is_checked(shop: Shop, path: str) -> None:
    assert fields_at_fault(await shop.ask("POST", path, json=ORDER)) == ["order_id"]


@pytest.mark.parametrize("path", ["/order/a%2Fb", "/order/", "/order", "/order/a/b/c", "/nothing"])
async def test_what_is_not_there_is_a_404(shop: Shop, path: str) -> None:
    check_problem(await shop.ask("POST", path, json=ORDER), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("top=101", "top"),
        ("top=-1", "top"),
        ("top=ten", "top"),
        ("top=", "top"),
        ("top=1e1", "top"),
        ("top=%EF%BC%91", "top"),
        ("top=+1", "top"),
        ("top=1000000000000000000000", "top"),
        ("top=1&top=2", "top"),
        ("around=51", "around"),
        ("around=-1", "around"),
        ("min_version=1", "min_version"),
        ("min_version=1.0-1%00", "min_version"),
        ("min_version=" + "9" * 7000, "min_version"),
        ("bord=month", "bord"),
        ("board=%ff", "query"),
        ("&".join(f"a{n}=1" for n in range(50)), "query"),
    ],
)
async def test_a_wrong_query_is_named(shop: Shop, query: str, field: str) -> None:
    assert fields_at_fault(await shop.ask("GET", f"/loyalty/17850?{query}", member="17850")) == [field]


@pytest.mark.parametrize("board", ["weekly", "month:2026-13", "month:26-01", "all-time%00", "..%2e", "%FF", "x" * 300])
async def test_an_unknown_board_is_a_404(shop: Shop, board: str) -> None:
    check_problem(await shop.ask("GET", f"/leaderboard/{board}"), 404, "not-found")
    if len(board) <= 64:
        check_problem(await shop.ask("GET", f"/loyalty/17850?board={board}".replace("FF", "41")), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/loyalty/17850", {}, "loyalty-points"),
        ("/loyalty/17850", {"loyalty-points": "25"}, "loyalty-points"),
        ("/loyalty/17850", {"loyalty-points": 2.5}, "loyalty-points"),
        ("/loyalty/17850", {"loyalty-points": 2**31}, "loyalty-points"),
        ("/loyalty/17850", {"loyalty-points": 10**30}, "loyalty-points"),
        ("/loyalty/17850", {"loyalty-points": True}, "loyalty-points"),
        ("/loyalty/17850", {"loyalty-points": 1, "points": 1}, "points"),
        ("/loyalty/17850", {"loyalty-points": 1, "reason": "x" * 501}, "reason"),
        ("/loyalty/17850", {"loyalty-points": 1, "reason": "a\x00b"}, "reason"),
        ("/loyalty/17850", {"loyalty-points": 1, "reason": f"paid with {CARD}"}, "reason"),
        ("/loyalty/17850", {"loyalty-points": 1, "actor": "the boss"}, "actor"),
        ("/loyalty/17850/redeem", {"redemption_id": "r1", "points": 0}, "points"),
        ("/loyalty/17850/redeem", {"redemption_id": "r1", "points": -5}, "points"),
        ("/loyalty/17850/redeem", {"redemption_id": "r 1", "points": 5}, "redemption_id"),
        ("/loyalty/17850/redeem", {"points": 5}, "redemption_id"),
        ("/loyalty/17850/redeem", {"redemption_id": "r1", "points": 5, "reason": CARD}, "reason"),
        ("/loyalty/17850/refund", {"refund_id": "r1", "currency": "GBP", "amount": "0.00"}, "amount"),
        ("/loyalty/17850/refund", {"refund_id": "r1", "currency": "GBP", "amount": 5}, "amount"),
        ("/loyalty/17850/refund", {"refund_id": "r1", "currency": "GBP", "amount": "5", "member_id": "1"}, "member_id"),
        ("/order/A1/refund", {"refund_id": "r1", "currency": "GBP", "amount": "5.00"}, "member_id"),
        ("/order/A1/refund", {"refund_id": "r/1", "member_id": "1", "currency": "GBP", "amount": "5"}, "refund_id"),
    ],
)
async def test_a_wrong_field_of_points_is_named(shop: Shop, path: str, body: dict[str, Any], field: str) -> None:
    assert fields_at_fault(await shop.ask("POST", path, json=body)) == [field]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=x", "after=-1", "after=" + "9" * 30])
async def test_a_wrong_cursor_is_named(shop: Shop, query: str) -> None:
    answer = await shop.ask("GET", f"/loyalty/17850/entries?{query}", member="17850")
    assert fields_at_fault(answer) == [query.partition("=")[0]]


async def test_a_wrong_idempotency_key_is_named(shop: Shop) -> None:
    for key in ("", "a b", "x" * 129):
        answer = await shop.ask("POST", "/loyalty/17850", json={"loyalty-points": 1}, headers={"Idempotency-Key": key})
        assert fields_at_fault(answer) == ["Idempotency-Key"]
