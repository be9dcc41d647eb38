"""Points that a household spends together, over HTTP: what lapses first, all or none, whoever calls again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.model.spending import Capture, Hold, Void

pytestmark = pytest.mark.anyio

PROGRAM = """
version = 1
[earn]
points = 1
per = { GBP = "1.00" }
rounding = "floor"
[expiry]
kind = "after-months"
months = 12
round = "end-of-month"
"""
FAMILY = ["ann", "bob", "eve"]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """Ann's points lapse after Bob's, and Eve's last; she has most."""
    (tmp_path / "program.toml").write_text(PROGRAM)
    async with open_shop(tmp_path / "state", program_file=tmp_path / "program.toml") as shop:
        for member, total, months in (("ann", "30.00", "05"), ("bob", "20.00", "04"), ("eve", "50.00", "06")):
            at = f"2026-{months}-10T12:00:00Z"
            assert (await shop.order(f"of-{member}", member, total, occurred_at=at)).status_code == 202
        await shop.settle()
        yield shop


async def ask(shop: Shop, **body: Any) -> Any:
    return await shop.ask("POST", "/pools/redeem", json={"redemption_id": "P1", "members": FAMILY, **body})


async def left(shop: Shop) -> list[int]:
    balances = [(await shop.ask("GET", f"/loyalty/{member}/balance")).json() for member in FAMILY]
    assert all(balance["held"] == 0 for balance in balances)
    return [balance["available"] for balance in balances]


def shares(answer: Any) -> list[int]:
    return [share["points"] for share in answer.json()["shares"]]


async def test_what_lapses_first_goes_first_whoever_has_it(shop: Shop) -> None:
    answer = await ask(shop, points=60)
    assert (answer.status_code, shares(answer)) == (201, [30, 20, 10])
    assert await left(shop) == [0, 0, 40]
    again = await ask(shop, points=60)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert await left(shop) == [0, 0, 40]
    check_problem(await ask(shop, points=50), 409, "conflict")
    back = await shop.ask("POST", "/loyalty/eve/redeem/hold:pool:P1:2/cancel", json={"points": 4})
    assert (back.status_code, back.json()["balance"]) == (201, 44)


async def test_who_has_nothing_to_give_is_left_alone(shop: Shop) -> None:
    assert shares(await ask(shop, points=15)) == [0, 15, 0]
    assert shares(await ask(shop, points=15)) == [0, 15, 0]
    assert await left(shop) == [30, 5, 50]


async def test_all_or_none(shop: Shop) -> None:
    check_problem(await ask(shop, points=101), 409, "insufficient-points")
    assert await left(shop) == [30, 20, 50]
    assert shares(await ask(shop, points=100)) == [30, 20, 50]
    check_problem(await ask(shop, redemption_id="P2", points=1), 409, "insufficient-points")


async def test_one_that_broke_off_is_finished_by_who_calls_again(shop: Shop) -> None:
    hold = Hold(source="shop", hold_id="pool:P1:0", points=30, member_id="ann")
    await shop.services.points.hold(hold, "till")
    answer = await ask(shop, points=60)
    assert (answer.status_code, shares(answer)) == (201, [30, 20, 10])


async def test_one_that_was_given_up_takes_nothing_any_more_and_what_was_taken_is_back(shop: Shop) -> None:
    points = shop.services.points
    for place, n in ((0, 5), (1, 20)):
        await points.hold(Hold(source="shop", hold_id=f"pool:P1:{place}", points=n, member_id=FAMILY[place]), "till")
    await points.capture(Capture(source="shop", hold_id="pool:P1:0", points=5, member_id="ann"), "till")
    await points.void(Void(source="shop", hold_id="pool:P1:1", member_id="bob"), "till")
    for _ in range(2):
        check_problem(await ask(shop, points=25), 409, "conflict")
        assert await left(shop) == [30, 20, 50]


async def test_a_household_of_nobody_of_one_twice_and_of_too_many(shop: Shop) -> None:
    check_problem(await ask(shop, points=5, members=["ann", "ann"]), 422, "invalid-input")
    check_problem(await ask(shop, points=5, members=[]), 422, "invalid-input")
    check_problem(await ask(shop, points=5, members=[f"m{n}" for n in range(9)]), 422, "invalid-input")
    check_problem(await ask(shop, points=5, members=["ann", "nobody"]), 404, "not-found")
    check_problem(await shop.ask("POST", "/pools/redeem", json={}, member="ann"), 403, "not-allowed")
    assert await left(shop) == [30, 20, 50]
