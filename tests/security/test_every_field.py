"""Each field of each example in the API's description, in turn lacking, doubled, misnamed, and of every wrong value:
never a 5xx; what is refused names the field, has changed nothing, and is refused in the same words again.
"""

import asyncio
import copy
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from tests.integration.http_shop import ALL_SCOPES, Shop, open_shop

from laurels.http.app import ROUTES
from laurels.http.openapi.examples import REQUESTS
from laurels.http.routes import Route

pytestmark = pytest.mark.anyio

MEMBER = "17850"
MEMBERS_OWN = {route.for_members.handle.__name__ for route in ROUTES if route.for_members is not None}
SENT = [
    pytest.param(route, name, id=f"{route.handle.__name__}: {name}")
    for one in ROUTES
    for route in (one, one.for_members)
    if route is not None
    for name in REQUESTS.get(route.handle.__name__, {})
]

FEW = ["null", "1.5", '""', r'"\u0000"']
"""Values as they stand in JSON."""

MANY = [
    *FEW, "-1", "1" + "0" * 30, "[]", "{}", "01", "true", "0", "1e2", "-0.0", "-0", "1e400", '" "', r'"a\nb"',
    f'"{"x" * 300}"', r'"\ud800"', r'"\ud83d"',
    r'"e\u0301"', "[[]]", "[null]", '{"a":1}', '"NaN"', '"1e2"', '"-0"', '"+1"', r'"\u0663"', '"0"', "2147483648",
    "9223372036854775808", "-9223372036854775809", "18446744073709551616", "NaN", "Infinity",
    '"0000-01-01T00:00:00Z"', '"9999-12-31T23:59:59-12:00"', '"2016-12-31T23:59:60Z"', '"2026-01-01T00:00:00+14:00"',
    '"2026-01-01T00:00:00+24:00"', '"2026-02-30T00:00:00Z"', '"2026-01-01"',
]  # fmt: skip

ALSO = {"lines": {"total", "amount", "payments"}, "loyalty-points": {"expires_at"}}
"""Fields that are told where another one does not fit to them. Tiers are told of all: the default program has none."""


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop with the order and the member of the examples."""
    async with open_shop(tmp_path_factory.mktemp("state"), http_rate_limit_per_minute=60_000_000) as shop:
        await shop.order("A1001", MEMBER, "25.00", email="ann@example.com")
        await shop.settle()
        await shop.ask("POST", f"/loyalty/{MEMBER}", json={"loyalty-points": 475})
        yield shop


def spots(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The ways to everything in a value; of a list to its first element, since the others are like it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from spots(each, (*path, key))


def within(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def named(path: tuple[str | int, ...]) -> str:
    """A way as errors write it: `lines[0].sku`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def spoiled(body: Any, path: tuple[str | int, ...], values: list[str]) -> Iterator[str]:
    """The body with other values at one place; and where that has a name, without it, with it twice and misspelt."""
    marked = copy.deepcopy(body)
    within(marked, path[:-1])[path[-1]] = "@@"
    text, key, own = json.dumps(marked), path[-1], json.dumps(within(body, path))
    yield from (text.replace('"@@"', value) for value in values)
    if isinstance(key, str):
        named_key = json.dumps(key)
        yield text.replace(f'{named_key}: "@@"', f"{named_key}: {own}, {named_key}: {own}")
        yield text.replace(f'{named_key}: "@@"', f'"zz{key}": {own}')
        without = copy.deepcopy(body)
        del within(without, path[:-1])[key]
        yield json.dumps(without)


async def example(shop: Shop, route: Route, name: str) -> tuple[str, Any]:
    """The address and the body of an example."""
    described = (await shop.client.get("/openapi.json")).json()["paths"][route.path][route.method.lower()]
    body = described["requestBody"]["content"]["application/json"]["examples"][name]["value"]
    url = route.path
    for parameter in described["parameters"]:
        if parameter["in"] == "path":
            url = url.replace("{" + parameter["name"] + "}", str(parameter["example"]))
    return url, body


async def send(shop: Shop, route: Route, url: str, text: str, **headers: str) -> httpx.Response:
    token = shop.person("lead") if re.match("/(corrections|proposals)", url) else None
    member = MEMBER if route.handle.__name__ in MEMBERS_OWN else None
    return await shop.ask(
        route.method,
        url,
        member=member,
        scope=ALL_SCOPES,
        token=token,
        content=text.encode(),
        headers={"Content-Type": "application/json", **headers},
    )


def check_fields(fields: list[str], path: tuple[str | int, ...], text: str) -> None:
    """The field at fault is told, or the whole body where it is not JSON."""
    try:
        json.loads(text, parse_constant=lambda _: json.loads("nothing"))
        text.encode().decode("unicode_escape").encode()
    except ValueError:  # a lone surrogate too
        assert fields == ["body"]
        return
    field, first = named(path), str(path[0])
    known = {*ALSO.get(first, ()), "tier"}
    assert any(
        told.startswith(field) or field.startswith(told) or told in known or f"zz{path[-1]}" in told for told in fields
    ), (field, fields, text)


async def check(shop: Shop, route: Route, name: str, values: list[str]) -> None:
    """Send every spoiled body of an example."""
    url, body = await example(shop, route, name)
    refused = 0
    for path in spots(body):
        for text in spoiled(body, path, values):
            before = (await shop.services.ledger.heads()).version
            answer = await send(shop, route, url, text)
            assert answer.status_code < 500, text
            if answer.is_success or answer.headers["content-type"] != "application/problem+json":
                assert answer.status_code < 300 or answer.status_code == 402, text  # a payment that was declined
                continue
            refused += 1
            problem = answer.json()
            assert (await shop.services.ledger.heads()).version == before, text
            assert (await send(shop, route, url, text)).json() == problem
            if answer.status_code == 422:
                check_fields([error["field"] for error in problem["errors"]], path, text)
    assert refused or route.bulk_of is not None or not body


@pytest.mark.parametrize(("route", "name"), SENT)
async def test_a_field_at_fault_is_told_and_nothing_changes(shop: Shop, route: Route, name: str) -> None:
    await check(shop, route, name, FEW)


@pytest.mark.long
@pytest.mark.parametrize(("route", "name"), SENT)
async def test_nor_with_anything_else(shop: Shop, route: Route, name: str) -> None:
    await check(shop, route, name, MANY)


@pytest.mark.parametrize(("route", "name"), [each for each in SENT if "erase" not in str(each.id)])
async def test_what_is_sent_six_times_at_once_counts_once(shop: Shop, route: Route, name: str) -> None:
    """With the same key, where a call asks for one: after the six answers a seventh moves the ledger no more, and no
    more than one of them was the first.
    """
    url, body = await example(shop, route, name)
    keyed = {"Idempotency-Key": name} if "Idempotency-Key" in route.headers else {}

    async def send_it() -> httpx.Response:
        return await send(shop, route, url, json.dumps(body), **keyed)

    answers = await asyncio.gather(*(send_it() for _ in range(6)))
    after = (await shop.services.ledger.heads()).version
    again = await send_it()
    assert (await shop.services.ledger.heads()).version == after
    assert all(answer.status_code < 500 for answer in (*answers, again))
    if route.path.startswith(("/order/", "/loyalty/")) and route.handle.__name__ not in MEMBERS_OWN:
        assert sum(answer.status_code in {201, 202} for answer in answers) <= 1
