"""Tills and gifts over HTTP: points set aside, taken, let go, given; what conflicts, exports and explanations tell of
them.
"""

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels import clock
from laurels.awarding.replaying import Replay
from laurels.clock import MINUTE
from laurels.model.times import format_instant, parse_instant
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

HOLD = {"hold_id": "H1", "points": 60, "minutes": 5}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with Ann, who has 100 points, and Bob."""
    async with open_shop(tmp_path) as shop:
        for member, points in (("ann", 100), ("bob", 1)):
            assert (await shop.ask("POST", f"/loyalty/{member}", json={"loyalty-points": points})).status_code == 201
        yield shop


async def say(shop: Shop, path: str, **body: Any) -> httpx.Response:
    return await shop.ask("POST", f"/loyalty/ann/{path}", json=body)


async def told(shop: Shop, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await say(shop, path, **body)
    return answer.status_code, answer.json()


async def test_a_till_holds_takes_a_part_and_gives_it_back(shop: Shop) -> None:
    status, held = await told(shop, "hold", **HOLD)
    assert (status, held["available"]) == (201, 40)
    assert await told(shop, "hold", **HOLD) == (200, held)
    check_problem(await say(shop, "redeem", redemption_id="V1", points=41), 409, "insufficient-points")
    check_problem(await say(shop, "hold/H1/capture", points=61), 409, "conflict")
    status, taken = await told(shop, "hold/H1/capture", points=25)
    assert (status, taken["balance"]) == (201, 75)
    assert await told(shop, "hold/H1/capture", points=25) == (200, taken)
    check_problem(await say(shop, "hold/H1/void"), 409, "conflict")
    status, back = await told(shop, "redeem/hold:H1/cancel", points=5)
    assert (status, back["balance"]) == (201, 80)
    check_problem(await say(shop, "redeem/hold:H1/cancel", points=21, cancel_id="c2"), 409, "conflict")


async def test_a_till_lets_go(shop: Shop) -> None:
    await told(shop, "hold", **HOLD)
    assert await told(shop, "hold/H1/void") == (201, {"available": 100})
    assert await told(shop, "hold/H1/void") == (200, {"available": 100})


async def test_a_member_holds_in_a_circle_of_its_own(shop: Shop) -> None:
    await told(shop, "hold", **HOLD)
    own = await shop.ask("POST", "/loyalty/ann/hold", json=HOLD | {"points": 30}, member="ann")
    assert (own.status_code, own.json()["available"]) == (201, 10)
    named = await shop.ask("POST", "/loyalty/ann/hold", json=HOLD | {"source": "shop"}, member="ann")
    check_problem(named, 422, "invalid-input")
    check_problem(await shop.ask("POST", "/loyalty/ann/hold", json=HOLD, member="bob"), 404, "not-found")


async def test_who_is_unknown_is_not_enrolled_by_any_of_these(shop: Shop) -> None:
    tier = {"grant_id": "G1", "tier": "gold", "until": "2027-01-01T00:00:00Z"}
    for path, body in (
        ("/loyalty/nobody/hold", HOLD),
        ("/loyalty/nobody/hold/H1/capture", {"points": 1}),
        ("/loyalty/nobody/hold/H1/void", {}),
        ("/loyalty/nobody/transfer", {"transfer_id": "T1", "to": "bob", "points": 1}),
        ("/members/nobody/tier", tier),
    ):
        check_problem(await shop.ask("POST", path, json=body), 404, "not-found")
    check_problem(await shop.ask("POST", "/members/ann/tier", json=tier), 422, "invalid-input")
    assert await shop.services.ledger.member("nobody") is None


async def test_what_is_given_arrives_once_and_moves_no_board(shop: Shop) -> None:
    status, given = await told(shop, "transfer", transfer_id="T1", to="bob", points=30)
    assert (status, given["balance"]) == (201, 70)
    assert await told(shop, "transfer", transfer_id="T1", to="bob", points=30) == (200, given)
    await shop.settle()
    assert (await shop.ask("GET", "/loyalty/bob/balance")).json()["balance"] == 31
    assert [(await shop.ask("GET", f"/loyalty/{who}")).json()["me"]["points"] for who in ("ann", "bob")] == [100, 1]
    check_problem(await say(shop, "transfer", transfer_id="T2", to="ann", points=1), 409, "conflict")
    check_problem(await say(shop, "transfer", transfer_id="T2", to="nobody", points=1), 404, "not-found")
    check_problem(await say(shop, "transfer", transfer_id="T2", to="bob", points=71), 409, "insufficient-points")


async def test_their_conflicts_say_which_fields_differ(shop: Shop) -> None:
    await told(shop, "hold", **HOLD)
    await told(shop, "hold/H1/capture", points=25)
    await told(shop, "transfer", transfer_id="T1", to="bob", points=5)
    for path, body in (
        ("hold", HOLD | {"points": 61}),
        ("hold/H1/capture", {"points": 26}),
        ("transfer", {"transfer_id": "T1", "to": "bob", "points": 6}),
    ):
        problem = check_problem(await say(shop, path, **body), 409, "conflict")
        assert [one["field"] for one in problem["errors"]] == ["points"]
    other = await shop.ask("POST", "/loyalty/bob/hold", json=HOLD)
    assert [one["field"] for one in check_problem(other, 409, "conflict")["errors"]] == ["member_id"]


async def test_an_export_has_what_the_shop_said_and_nothing_of_the_other_member(shop: Shop) -> None:
    said = {"birthday": "02-29", "segments": ["student"]}
    assert (await shop.ask("PUT", "/members/bob/attributes", json=said)).status_code == 200
    await told(shop, "transfer", transfer_id="T1", to="bob", points=5)
    before = (await shop.ask("GET", "/members/bob/export", member="bob")).json()
    assert [(one["kind"], "content" in one) for one in before["documents"]] == [("given", False)]
    await shop.settle()
    for who, points in (("bob", 5), ("ann", -5)):
        kept = (await shop.ask("GET", f"/members/{who}/export", member=who)).json()
        assert {"points": points, "content": None} in [
            {"points": one["points"], "content": one.get("content")}
            for one in kept["entries"]
            if one["kind"] == "transfer"
        ]
    own = (await shop.ask("GET", "/members/bob/export", member="bob")).json()
    assert {name: own[name] for name in said} == said
    await shop.ask("POST", "/members/bob/merge", json={"into": "ann"})
    assert {name: (await shop.ask("GET", "/members/ann/export")).json()[name] for name in said} == said
    await shop.ask("DELETE", "/members/ann")
    check_problem(await shop.ask("GET", "/members/bob/export"), 404, "not-found")


async def test_what_a_member_bought_is_explained_to_it_alone(shop: Shop) -> None:
    basket = {"itemIds": ["85123A", "71053"], "paymentDetails": {"method": "card", "token": "tok_ok"}}
    bought = await shop.ask("POST", "/order/C1", json=basket, member="ann")
    assert bought.status_code == 201, bought.text
    await shop.settle()
    path = "/order/C1/explain?source=checkout"
    explained = (await shop.ask("GET", path, member="ann")).json()
    assert (explained["order_id"], explained["source"]) == ("C1", "checkout")
    assert "member:" not in json.dumps(explained)
    check_problem(await shop.ask("GET", path, member="bob"), 404, "not-found")


async def test_a_change_that_came_before_the_award_is_replayed_as_it_was(shop: Shop) -> None:
    order = {"member_id": "ann", "currency": "GBP", "total": "25.00"}
    assert (await shop.ask("POST", "/order/A1", json=order)).status_code == 202
    for revision, total in enumerate(("55.00", "45.00"), 1):
        change = order | {"total": total, "revision": revision}
        assert (await shop.ask("POST", "/order/A1/amend", json=change)).status_code == 202
    await shop.settle()
    assert (await shop.ask("POST", "/order/A1/amend", json=order | {"revision": 3})).status_code == 202
    await shop.settle()
    replay = Replay(shop.services.programs)
    points = [
        (document.entry.points, replay.take_as_it_was(document)[0].postings[0].points)
        async for chunk in shop.services.ledger.awarded()
        for document in chunk
    ]
    assert [(was, again) for was, again in points if was != again] == []
    assert (5, 5) in points
    balances = sorted(member.totals.balance for member in replay.members.values())
    assert balances == [1, 103]


async def test_a_member_cannot_try_coupon_codes(shop: Shop) -> None:
    """A quote would tell which code is one; the shop's own till may ask."""
    body = {"member_id": "ann", "currency": "GBP", "total": "25.00", "coupons": ["SPRING10"]}
    refused = await shop.ask("POST", "/loyalty/ann/quote", member="ann", json=body)
    assert check_problem(refused, 422, "invalid-input")["errors"][0]["field"] == "coupons"
    assert (await say(shop, "quote", **body)).status_code == 200
    without = {name: value for name, value in body.items() if name != "coupons"}
    assert (await shop.ask("POST", "/loyalty/ann/quote", member="ann", json=without)).status_code == 200


async def test_a_birthday_is_a_day_of_some_year(shop: Shop) -> None:
    """Every pair of figures is taken where a leap year has that day, and no other."""
    for month in range(14):
        for day in range(33):
            text = f"{month:02}-{day:02}"
            try:
                date(2024, month, day)
                expected = 200
            except ValueError:
                expected = 422
            answer = await shop.ask("PUT", "/members/ann/attributes", json={"birthday": text})
            assert answer.status_code == expected, text


async def test_what_was_answered_is_answered_again_whoever_became_whom_since(shop: Shop) -> None:
    async def given(giver: str, id: str, to: str) -> tuple[int, dict[str, Any]]:
        answer = await shop.ask("POST", f"/loyalty/{giver}/transfer", json={"transfer_id": id, "to": to, "points": 10})
        return answer.status_code, answer.json()

    assert (await shop.ask("POST", "/loyalty/cy", json={"loyalty-points": 7})).status_code == 201
    status, gift = await given("ann", "T1", "bob")
    await told(shop, "hold", hold_id="H1", points=60)
    await told(shop, "hold/H1/capture", points=20)
    await shop.settle()
    for gone, into in (("bob", "cy"), ("cy", "ann")):
        assert status == 201
        assert (await shop.ask("POST", f"/members/{gone}/merge", json={"into": into})).status_code == 200
        left = 88 if into == "ann" else 70
        assert await given("ann", "T1", "bob") == (200, {**gift, "balance": left})
        assert (await given("ann", "T1", gone))[0] == 200
        assert (await given("ann", "T1", "ann"))[0] == (200 if into == "ann" else 409), "another one"
    assert (await shop.ask("POST", "/loyalty/dee", json={"loyalty-points": 1})).status_code == 201
    assert (await shop.ask("POST", "/members/ann/merge", json={"into": "dee"})).status_code == 200
    assert (await told(shop, "hold/H1/capture", points=20))[1]["balance"] == 89
    assert (await given("ann", "T1", "bob"))[0] == 200
    assert (await given("ann", "T1", "zoe"))[0] == 404


async def test_a_transfer_that_is_sent_again_counts_as_one_that_is_repeated(shop: Shop) -> None:
    """Whoever became whom since: nobody is told of a conflict that was none."""
    told_of: list[tuple[bool, bool]] = []
    shop.services.points.on_receipts = lambda _, receipts: told_of.extend(
        (receipt.repeated, receipt.conflict) for receipt in receipts
    )
    await told(shop, "transfer", transfer_id="T1", to="bob", points=10)
    await shop.settle()
    assert (await shop.ask("POST", "/loyalty/cy", json={"loyalty-points": 7})).status_code == 201
    assert (await shop.ask("POST", "/members/bob/merge", json={"into": "cy"})).status_code == 200
    told_of.clear()
    for to in ("bob", "cy"):
        assert (await told(shop, "transfer", transfer_id="T1", to=to, points=10))[0] == 200
    assert told_of == [(True, False)] * 2
    check_problem(await say(shop, "transfer", transfer_id="T1", to="cy", points=11), 409, "conflict")
    assert told_of[2:] == [(False, True)]


async def test_a_tier_that_would_be_gone_already_is_refused(tmp_path: Path) -> None:
    """What was given in time is answered again for ever."""
    tiers = '\n[tiers]\nlevels = [{ name = "blue", reach = 0 }, { name = "gold", reach = 500 }]\n'
    (tmp_path / "program.toml").write_text(DEFAULT_PROGRAM + tiers)
    later = 0
    async with open_shop(
        tmp_path / "state", program_file=tmp_path / "program.toml", now=lambda: clock.now() + later
    ) as shop:
        await shop.services.ledger.enrol([("ann", None)], actor="clerk")
        past = {"grant_id": "G1", "tier": "gold", "until": format_instant(shop.services.now())}
        refused = check_problem(await shop.ask("POST", "/members/ann/tier", json=past), 422, "invalid-input")
        assert refused["errors"][0]["field"] == "until"
        ahead = past | {"until": format_instant(shop.services.now() + MINUTE)}
        assert (await shop.ask("POST", "/members/ann/tier", json=ahead)).status_code == 201
        later = 2 * MINUTE
        assert (await shop.ask("POST", "/members/ann/tier", json=ahead)).status_code == 200


async def test_what_lapses_where_nothing_happens_is_shown(tmp_path: Path) -> None:
    """By inactivity too, where all points lapse on one day: the last one of the month, by the clock of the program."""
    expiry = '\n[expiry]\nkind = "inactivity"\nmonths = 1\n'
    (tmp_path / "program.toml").write_text(DEFAULT_PROGRAM + expiry)
    at = parse_instant("2026-06-10T12:00:00Z", "now")
    async with open_shop(tmp_path / "state", program_file=tmp_path / "program.toml", now=lambda: at) as shop:
        for points in (7, 5):
            assert (await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": points})).status_code == 201
        order = {"member_id": "ann", "currency": "GBP", "total": "100.00"}
        assert (await shop.ask("POST", "/order/A1", json=order)).status_code == 202
        await shop.settle()
        found = (await shop.ask("GET", "/loyalty/ann/balance")).json()
        assert found["expiring"] == [{"points": 22, "at": "2026-07-31T23:00:00Z"}]


async def test_tiers_are_counted_from_the_lowest_up(tmp_path: Path) -> None:
    reached = (("wood", 0), ("ivy", 5), ("bay", 9))
    levels = ", ".join(f'{{ name = "{name}", reach = {reach} }}' for name, reach in reached)
    (tmp_path / "program.toml").write_text(f"{DEFAULT_PROGRAM}\n[tiers]\nlevels = [{levels}]\n")
    async with open_shop(tmp_path / "state", program_file=tmp_path / "program.toml") as shop:
        for member, total in (("ann", "90.00"), ("bob", "50.00"), ("cy", "10.00")):
            order = {"member_id": member, "currency": "GBP", "total": total}
            assert (await shop.ask("POST", f"/order/{member}", json=order)).status_code == 202
        await shop.settle()
        await RollingUp(shop.services.ledger, shop.services.programs.current.zone).reach()
        found = (await shop.ask("GET", "/reports/tiers?from=2020-01-01&to=2100-01-01")).json()
        assert [each["tier"] for each in found["tiers"]] == ["", "wood", "ivy", "bay"]
        assert [each["after"] for each in found["moves"]] == ["wood", "ivy", "bay"]
