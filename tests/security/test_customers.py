"""Refused: points, amounts, rules or times set by a customer. Tried by fuzzing every field of every form that a member
may send; unknown fields are a 422.
"""

import copy
import os
import random
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.http_shop import Shop, check_problem, fields_at_fault, open_shop, path_of

from laurels.http.app import ROUTES
from laurels.http.openapi.examples import REQUESTS
from laurels.http.routes import Route
from laurels.intake import OrderForm
from laurels.model import EntryKind

pytestmark = pytest.mark.anyio

MEMBER = "17850"
POINTS = 500
SEED = int(os.environ.get("LAURELS_TEST_SEED", "20261101"))

SENT = [route for one in ROUTES for route in (one, one.for_members) if route is not None and route.form is not None]
BY_MEMBERS = [route for route in SENT if route.access and route.access.members != "none"]
"""The forms that members may send. A new one is fuzzed here without being asked for."""

FOR_SERVICES = [
    one for one in ROUTES if one.takes_body and one.for_members is None and one.access and one.access.members == "none"
]

WORDS = sorted(
    {field.encode_name for route in SENT for field in msgspec.structs.fields(route.form)}
    | {"price", "unitPrice", "discount", "rank", "score", "balance", "earned", "member", "actor", "scope", "status"}
    | {"quiet", "board_at", "recorded_at", "program", "program_version", "rules", "rate", "multiplier", "__proto__"}
)
"""Every name that a form of the API has, and what else somebody would try."""

QUOTED = {field.encode_name for field in msgspec.structs.fields(OrderForm)}
"""What may be said of an order; of members only where they ask for a quote."""

NUMBERS: list[Any] = [0, 1, -1, 10**9, 2**31, 2**63, 10**30, 2.5, 1e308]
VALUES = [*NUMBERS, True, None, "", "1", "1e400", "NaN", "-0.00", "\x00", [], {}]


def name_of(route: Route) -> str:
    return route.handle.__name__


def good(route: Route) -> Any:
    return copy.deepcopy(next(iter(REQUESTS[name_of(route)].values())))


def address(route: Route, order_id: str = "A1") -> str:
    return path_of(route, member_id=MEMBER, order_id=order_id)


def objects(body: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a body, with the prefix of the fields in it."""
    yield "", body
    for name, value in body.items():
        if isinstance(value, dict):
            yield f"{name}.", value


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, http_rate_limit_per_minute=60_000_000) as shop:
        await shop.ask("POST", f"/loyalty/{MEMBER}", json={"loyalty-points": POINTS})
        yield shop


async def facts(shop: Shop) -> Any:
    """What a refused request may not change."""
    ledger = shop.services.ledger
    return (
        (await ledger.heads()).version,
        await ledger.inbox_depth(),
        await ledger.counts(),
        await ledger.entries(MEMBER),
    )


def test_members_may_send_few_forms() -> None:
    """The next one has to be thought about: what in it is for the customer to say? Of its own spending, how much of it
    was not; what of its points is set aside; and of a quote all, since nothing comes of it.
    """
    spending = {"redeem", "cancel_redemption", "hold_points", "capture_hold", "void_hold"}
    assert {name_of(route) for route in BY_MEMBERS} == {"check_out", "quote_order"} | spending


@pytest.mark.parametrize("route", BY_MEMBERS, ids=name_of)
async def test_an_unknown_field_is_named_and_nothing_is_done(shop: Shop, route: Route) -> None:
    before = await facts(shop)
    for at, (prefix, fields) in enumerate(objects(good(route))):
        for word in WORDS:
            if word in fields or (not prefix and word in QUOTED and route.form is OrderForm):
                continue
            for value in (1000, "1000.00", None):
                body = good(route)
                [*objects(body)][at][1][word] = value
                answer = await shop.ask("POST", address(route), member=MEMBER, json=body)
                assert fields_at_fault(answer) == [prefix + word]
    assert await facts(shop) == before


@pytest.mark.parametrize("route", BY_MEMBERS, ids=name_of)
async def test_a_known_field_of_another_kind_is_named_and_nothing_is_done(shop: Shop, route: Route) -> None:
    before = await facts(shop)
    for at, (prefix, fields) in enumerate(objects(good(route))):
        for word in fields:
            kind = type(fields[word])
            for value in [value for value in [*VALUES, [fields[word]]] if type(value) is not kind]:
                body = good(route)
                [*objects(body)][at][1][word] = value
                answer = await shop.ask("POST", address(route), member=MEMBER, json=body)
                assert fields_at_fault(answer)[0].startswith(prefix + word)
    assert await facts(shop) == before


async def test_a_customer_only_ever_spends_points(shop: Shop) -> None:
    print(f"LAURELS_TEST_SEED={SEED}")
    chance, left = random.Random(SEED), POINTS
    for n in range(300):
        points = chance.choice([*VALUES, *range(-5, 20), -POINTS, left + 1, 2**31 - 1])
        body = {"redemption_id": f"r{n}", "points": points}
        answer = await shop.ask("POST", f"/loyalty/{MEMBER}/redeem", member=MEMBER, json=body)
        spends = type(points) is int and 1 <= points <= left
        assert (answer.status_code == 201) is spends, (points, answer.text)
        assert spends or answer.status_code in {409, 422}
        left -= points if spends else 0
        if spends:
            assert answer.json()["balance"] == left
    assert left < POINTS
    entries = await shop.services.ledger.entries(MEMBER, limit=1000)
    assert sum(entry.points for entry in entries) == left
    assert {entry.kind for entry in entries if entry.points > 0} == {EntryKind.ADJUST}


async def test_a_customer_pays_the_price_of_the_catalogue(shop: Shop) -> None:
    print(f"LAURELS_TEST_SEED={SEED}")
    chance, catalogue = random.Random(SEED), shop.services.checkout.catalogue
    prices = {product.sku: Decimal(product.unit_price) / 1_000_000 for product in catalogue.products}
    unknown = ["nothing", "", "-1", "0", "85123A ", "85123a", "85123A\x00", "85123A;0.01"]
    bought = 0
    for n in range(150):
        basket = chance.choices([*prices, *unknown] if n % 2 else [*prices], k=chance.randrange(4))
        body = {"itemIds": basket, "paymentDetails": {"method": "card", "token": "tok_ok"}}
        answer = await shop.ask("POST", f"/order/C{n}", member=MEMBER, json=body)
        known = bool(basket) and prices.keys() >= set(basket)
        assert answer.status_code == (201 if known else 422), (basket, answer.text)
        if known:
            bought += 1
            assert Decimal(answer.json()["total"]) == sum(prices[sku] for sku in basket)
    assert bought > 50
    now = shop.services.now()
    await shop.settle()
    entries = [each for each in await shop.services.ledger.entries(MEMBER, limit=1000) if each.order_id is not None]
    assert len(entries) == bought
    for entry in entries:  # under ids that the customer chose, so in its own circle of them
        assert entry.source == f"member:{entry.member}"
        assert now - 120_000_000 < entry.occurred_at <= now


@pytest.mark.parametrize("route", FOR_SERVICES, ids=name_of)
async def test_what_services_send_is_not_even_read(shop: Shop, route: Route) -> None:
    before = await facts(shop)
    for body in (msgspec.json.encode(good(route)), b"\xff", b""):
        check_problem(await shop.ask(route.method, address(route), member=MEMBER, content=body), 403, "not-allowed")
    assert await facts(shop) == before


async def test_orders_of_the_shop_are_not_a_members_to_send(shop: Shop) -> None:
    before = await facts(shop)
    for body in REQUESTS["place_order"].values():
        assert fields_at_fault(await shop.ask("POST", "/order/A1", member=MEMBER, json=body))
    assert await facts(shop) == before
