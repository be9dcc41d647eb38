"""Refused: another member's data. A foreign member and an unknown one look identical: status, headers, body, time.

Tried by two members x every route. The routes come from the table that the server is built from, so that a new one
cannot be forgotten: where members may call it for any path, it has to be named here.
"""

import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.http_shop import ALL_SCOPES, Shop, check_problem, open_shop, path_of

from laurels.http.admission import limits
from laurels.http.api import service
from laurels.http.app import ROUTES
from laurels.http.routes import Route

pytestmark = pytest.mark.anyio

MEMBER, OTHER = "17850", "12346"
SEED = int(os.environ.get("LAURELS_TEST_SEED", "20261101"))

OWN = [one for one in ROUTES if one.access and one.access.members == "own"]
SERVICES_ONLY = [one for one in ROUTES if one.access and one.access.members == "none" and one.for_members is None]
OPEN_TO_MEMBERS = {
    "POST /order/{order_id}",  # their own checkout
    "GET /order/{order_id}",  # looked up, and shown to its member alone
    "GET /order/{order_id}/refund/{refund_id}",  # the same
    "GET /leaderboard/{board}",  # nothing but proxy names
    "GET /leaderboard/{board}/live",
    "GET /order/{order_id}/explain",  # as the order itself
}

PAIRS = 400
UNLIKELY = 4.5
"""Standard deviations: with nothing to tell apart, one run in 150,000 goes beyond."""


def name_of(one: Route) -> str:
    return f"{one.method} {one.path}"


def of(route: Route, member: str, order: str = "A1") -> str:
    return path_of(route, member_id=member, order_id=order)


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop that knows both members, and an order of each, refunded in part."""
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        # Every call is tried without a token, too: more than an address may.
        patch.setattr(limits, "FAILURES_PER_MINUTE", 60_000)
        async with open_shop(state, http_rate_limit_per_minute=60_000_000) as shop:
            for order_id, member in (("A1", OTHER), ("B1", MEMBER)):
                assert (await shop.order(order_id, member, "25.00")).status_code == 202
                refund = {"refund_id": f"R-{order_id}", "member_id": member, "currency": "GBP", "amount": "1.00"}
                assert (await shop.ask("POST", f"/order/{order_id}/refund", json=refund)).status_code == 202
            await shop.settle()
            yield shop


def check_alike(answers: Sequence[httpx.Response], *, same_path: bool = True) -> None:
    """All that a client sees is the same, but for what differs from one second to the next, and the path."""
    moving = {"date", "ratelimit"} if same_path else {"date", "ratelimit", "content-length"}
    headers = [{name: value for name, value in answer.headers.items() if name not in moving} for answer in answers]
    bodies: list[Any] = [answer.content if same_path else {**answer.json(), "instance": ""} for answer in answers]
    assert all(one == headers[0] for one in headers)
    assert all(one == bodies[0] for one in bodies)


def test_every_route_says_what_members_may() -> None:
    assert {name_of(one) for one in ROUTES} == {
        *map(name_of, OWN),
        *map(name_of, SERVICES_ONLY),
        *OPEN_TO_MEMBERS,
    }
    assert all("{member_id}" in one.path for one in OWN)
    assert not [one for one in ROUTES if one.access is None]
    assert not [one for one in service.ROUTES if one.access is not None or "_id}" in one.path]


@pytest.mark.parametrize("one", OWN, ids=name_of)
async def test_a_foreign_and_an_unknown_member_are_the_same_404(shop: Shop, one: Route) -> None:
    for body in ({}, {"json": {"redemption_id": "r1", "points": 1}}, {"content": b"\xff"}):
        answers = [
            await shop.ask(one.method, of(one, member), member=MEMBER, headers={"X-Request-Id": "same"}, **body)
            for member in (OTHER, "nobody", "no%20id", "x" * 500, "%ff", "%00")
        ]
        for answer in answers:
            check_problem(answer, 404, "not-found")
        check_alike(answers)


@pytest.mark.parametrize("one", SERVICES_ONLY, ids=name_of)
async def test_a_member_may_not_do_what_services_do(shop: Shop, one: Route) -> None:
    answers = [
        await shop.ask(one.method, of(one, whose), member=who, json={"anything": 1}, headers={"X-Request-Id": "same"})
        for who in (MEMBER, OTHER)
        for whose in (MEMBER, OTHER, "nobody")
    ]
    for answer in answers:
        check_problem(answer, 403, "not-allowed")
    check_alike(answers)


@pytest.mark.parametrize(
    ("foreign", "unknown"),
    [
        ("/order/A1", ["/order/A2"]),
        (
            "/order/A1/refund/R-A1",  # nor does it tell whose the order is, and whether there is one
            [f"/order/{order}/refund/{refund}" for order in ("A1", "A2", "B1") for refund in ("R-A1", "R-A2")],
        ),
    ],
)
async def test_a_foreign_document_and_an_unknown_one_are_the_same_404(
    shop: Shop, foreign: str, unknown: list[str]
) -> None:
    for source in ("", "?source=shop", "?source=checkout"):
        answers = [
            await shop.ask("GET", path + source, member=MEMBER, headers={"X-Request-Id": "same"})
            for path in (foreign, *unknown)
        ]
        for answer in answers:
            check_problem(answer, 404, "not-found")
        check_alike(answers, same_path=False)
    assert (await shop.ask("GET", foreign, member=OTHER)).status_code == 200


async def test_a_foreign_order_and_an_unknown_one_are_not_explained_alike(shop: Shop) -> None:
    for source in ("", "?source=shop", "?source=checkout"):
        paths = [f"/order/{order}/explain{source}" for order in ("A1", "A2")]
        answers = [await shop.ask("GET", path, member=MEMBER, headers={"X-Request-Id": "same"}) for path in paths]
        for answer in answers:
            check_problem(answer, 404, "not-found")
        check_alike(answers, same_path=False)
    assert (await shop.ask("GET", "/order/A1/explain", member=OTHER)).status_code == 200


@pytest.mark.parametrize("one", [one for one in ROUTES if one.access and one.access.scopes], ids=name_of)
async def test_a_service_needs_the_scope(shop: Shop, one: Route) -> None:
    assert one.access is not None
    lacking = " ".join(set(ALL_SCOPES.split()) - set(one.access.scopes))
    answer = await shop.ask(one.method, of(one, MEMBER), scope=lacking)
    check_problem(answer, 403, "not-allowed")
    assert one.access.scopes[0] in answer.headers["www-authenticate"]
    check_problem(await shop.ask(one.method, of(one, MEMBER), scope=""), 403, "not-allowed")
    check_problem(await shop.ask(one.method, of(one, MEMBER), scope=None), 401, "not-signed-in")


async def test_a_foreign_member_is_refused_before_any_look_up(tmp_path: Path) -> None:
    """Why the time is the same: with the ledger closed, whatever looks something up is a 503."""
    async with open_shop(tmp_path) as closed:
        await closed.services.ledger.close()
        for one in OWN:
            check_problem(await closed.ask(one.method, of(one, OTHER), member=MEMBER), 404, "not-found")


async def slower(shop: Shop, method: str, first: str, second: str, chance: random.Random) -> float:
    """By how many standard deviations `first` is the slower one of a pair more often than half the time.

    Which of a pair is asked first is tossed, so whatever else the machine does falls on both alike; and only which was
    slower counts, so a pause here and there does not matter.
    """
    token, often = shop.token(member=MEMBER), 0
    for _ in range(PAIRS):
        pair = [first, second]
        chance.shuffle(pair)
        took: dict[str, int] = {}
        for path in pair:
            began = time.perf_counter_ns()
            await shop.ask(method, path, token=token)
            took[path] = time.perf_counter_ns() - began
        often += took[first] > took[second]
    return (often - PAIRS / 2) / (sqrt(PAIRS) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("one", OWN, ids=name_of)
async def test_a_foreign_and_an_unknown_member_take_the_same_time(shop: Shop, one: Route) -> None:
    print(f"LAURELS_TEST_SEED={SEED}")
    told = await slower(shop, one.method, of(one, OTHER), of(one, "99999"), random.Random(SEED))
    assert abs(told) < UNLIKELY


@pytest.mark.slow
@pytest.mark.parametrize(
    ("foreign", "unknown"), [("/order/A1", "/order/A2"), ("/order/A1/refund/R-A1", "/order/A1/refund/R-A2")]
)
async def test_a_foreign_and_an_unknown_document_take_the_same_time(shop: Shop, foreign: str, unknown: str) -> None:
    """Also once it is awarded, when an own one is answered with its entry."""
    print(f"LAURELS_TEST_SEED={SEED}")
    told = await slower(shop, "GET", foreign, unknown, random.Random(SEED))
    assert abs(told) < UNLIKELY


@pytest.mark.slow
async def test_a_difference_in_time_would_be_noticed(shop: Shop) -> None:
    """The measure above tells an answer with a look-up from one without."""
    print(f"LAURELS_TEST_SEED={SEED}")
    path = "/loyalty/{}/entries"
    told = await slower(shop, "GET", path.format(MEMBER), path.format(OTHER), random.Random(SEED))
    assert told > UNLIKELY
