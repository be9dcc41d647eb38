"""Points and members over HTTP: adjust, redeem, entries, balance; enrol, hide, show, rename, erase."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.model.entries import MAX_POINTS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def adjust(shop: Shop, member: str, points: int, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await shop.ask("POST", f"/loyalty/{member}", json={"loyalty-points": points, **more}, headers=headers)


async def redeem(shop: Shop, whose: str, points: int, redemption_id: str, **more: Any) -> httpx.Response:
    body = {"redemption_id": redemption_id, "points": points}
    return await shop.ask("POST", f"/loyalty/{whose}/redeem", json=body, **more)


async def test_an_adjustment_is_done_once_for_each_key_and_keeps_who_did_it(shop: Shop) -> None:
    first = await adjust(shop, "17850", 25, "k1", reason="goodwill")
    assert first.status_code == 201
    assert first.json().keys() == {"loyaltyId"}
    again = await adjust(shop, "17850", 25, "k1", reason="goodwill")
    assert (again.status_code, again.json()) == (200, first.json())
    check_problem(await adjust(shop, "17850", 26, "k1", reason="goodwill"), 409, "conflict")
    check_problem(await adjust(shop, "12346", 25, "k1", reason="goodwill"), 409, "conflict")
    assert await shop.balance("17850") == 25
    assert [(await adjust(shop, "17850", -10)).status_code for _ in range(2)] == [201, 201]
    assert await shop.balance("17850") == 5
    [entry, *_] = await shop.services.ledger.entries("17850")
    assert entry.actor == "till"


async def test_points_stay_in_range(shop: Shop) -> None:
    assert (await adjust(shop, "17850", MAX_POINTS)).status_code == 201
    check_problem(await adjust(shop, "17850", 1), 409, "points-out-of-range")
    assert await shop.balance("17850") == MAX_POINTS


async def test_redeeming_never_overspends(shop: Shop) -> None:
    await adjust(shop, "17850", 100)
    first = await redeem(shop, "17850", 30, "r1", member="17850")
    assert (first.status_code, first.json()["balance"]) == (201, 70)
    again = await redeem(shop, "17850", 30, "r1", member="17850")
    assert (again.status_code, again.json()) == (200, first.json())
    check_problem(await redeem(shop, "17850", 31, "r1", member="17850"), 409, "conflict")
    check_problem(await redeem(shop, "17850", 71, "r2"), 409, "insufficient-points")
    answers = await asyncio.gather(*[redeem(shop, "17850", 7, f"many-{n}") for n in range(30)])
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 20
    assert await shop.balance("17850") == 0


async def test_a_member_cannot_use_up_the_redemption_ids_of_the_shop_or_of_others(shop: Shop) -> None:
    for member in ("17850", "12346"):
        await adjust(shop, member, 10)
        assert (await redeem(shop, member, 1, "r1", member=member)).status_code == 201
        assert (await redeem(shop, member, 1, "r1", member=member)).status_code == 200
    assert (await redeem(shop, "17850", 1, "r1")).status_code == 201


async def test_redeeming_enrols_nobody(shop: Shop) -> None:
    for member in (None, "nobody"):
        check_problem(await redeem(shop, "nobody", 1, "r1", member=member), 409, "insufficient-points")
    assert await shop.services.ledger.member("nobody") is None


async def test_entries_are_listed_newest_first_page_by_page(shop: Shop) -> None:
    await shop.order("A1", "17850", "25.00", occurred_at="2026-11-01T10:00:00+01:00")
    await shop.settle()
    for points in range(1, 5):
        await adjust(shop, "17850", points, reason=f"number {points}")
    pages: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = (await shop.ask("GET", "/loyalty/17850/entries", member="17850", params={"limit": 2, **after})).json()
        pages.append(page["entries"])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [[entry["points"] for entry in page] for page in pages] == [[4, 3], [2, 1], [3]]
    [order] = pages[-1]
    assert order.pop("recorded_at").endswith("Z")
    assert order.pop("loyaltyId")
    assert order == {
        "kind": "earn",
        "points": 3,
        "order_id": "A1",
        "reason": "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)",
        "occurred_at": "2026-11-01T09:00:00Z",
    }
    assert "order_id" not in pages[0][0]
    assert pages[0][0]["reason"] == "", "a reason is for colleagues"
    [newest] = (await shop.ask("GET", "/loyalty/17850/entries", params={"limit": 1})).json()["entries"]
    assert newest["reason"] == "number 4"


async def test_who_never_ordered_has_nothing_and_is_unknown_to_services(shop: Shop) -> None:
    own = await shop.ask("GET", "/loyalty/17850/balance", member="17850")
    assert (own.status_code, own.json()["balance"], own.json()["earned"]) == (200, 0, 0)
    assert (await shop.ask("GET", "/loyalty/17850/entries", member="17850")).json() == {"entries": [], "next": None}
    for path in ("/loyalty/17850", "/loyalty/17850/balance", "/loyalty/17850/entries"):
        check_problem(await shop.ask("GET", path), 404, "not-found")


async def test_members_are_enrolled_in_bulk(shop: Shop) -> None:
    members = [
        {"member_id": "17850", "email": "ann@example.com"},
        {"member_id": "12346"},
        {"member_id": "17850"},
        {"member_id": "a/b "},
        {"member_id": "12347", "points": 5},
    ]
    answer = await shop.ask("POST", "/members", json=members)
    assert answer.status_code == 200
    assert [(one["member_id"], one["status"], one["http"]) for one in answer.json()] == [
        ("17850", "enrolled", 201),
        ("12346", "enrolled", 201),
        ("17850", "known", 200),
        ("a/b ", "invalid", 422),
        ("12347", "invalid", 422),
    ]
    assert (await shop.ask("GET", "/loyalty/12346/balance")).status_code == 200
    assert await shop.services.ledger.member("12347") is None


async def test_a_member_leaves_the_boards_and_comes_back_under_another_name(shop: Shop) -> None:
    await shop.order("A1", "17850", "25.00")
    await shop.settle()

    async def change(what: str) -> dict[str, Any]:
        answer = await shop.ask("POST", f"/members/17850/{what}", member="17850")
        assert answer.status_code == 200
        await shop.settle()
        params = {"min_version": answer.json()["as_of"]}
        shown: dict[str, Any] = (await shop.ask("GET", "/loyalty/17850", member="17850", params=params)).json()
        return shown

    before = (await shop.ask("GET", "/loyalty/17850", member="17850")).json()
    hidden = await change("hide")
    assert (hidden["me"]["hidden"], hidden["me"]["rank"], hidden["top"]) == (True, None, [])
    assert (await change("show"))["top"] == before["top"]
    renamed = await change("rename")
    assert renamed["top"][0]["name"] != before["top"][0]["name"]
    check_problem(await shop.ask("POST", "/members/nobody/hide"), 404, "not-found")


async def test_an_erased_member_is_gone(shop: Shop) -> None:
    await shop.order("A1", "17850", "25.00", email="ann@example.com")
    await shop.settle()
    assert (await shop.ask("DELETE", "/members/17850")).status_code == 200
    await shop.settle()
    for path in ("/loyalty/17850", "/loyalty/17850/balance", "/loyalty/17850/entries"):
        check_problem(await shop.ask("GET", path), 404, "not-found")
    check_problem(await shop.ask("GET", "/order/A1", member="17850"), 404, "not-found")
    assert (await shop.ask("GET", "/leaderboard/all-time")).json()["top"] == []


async def test_no_public_answer_tells_who_a_member_is(shop: Shop) -> None:
    members = [f"ann-{n}@example.com" for n in range(5)]
    for n, member in enumerate(members):
        await shop.order(f"A{n}", member, f"{10 + n}0.00", email=f"mail-{n}@example.org")
    await shop.settle()
    for path in ("/loyalty/ann-2@example.com", "/leaderboard/all-time", "/leaderboard/month"):
        answer = await shop.ask("GET", path, member="ann-2@example.com")
        assert answer.status_code == 200
        assert b"example" not in answer.content
        assert not {"member_id", "member", "number"} & _keys(msgspec.json.decode(answer.content))


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for one in value.values() for key in _keys(one)}
    return {key for one in value for key in _keys(one)} if isinstance(value, list) else set()
