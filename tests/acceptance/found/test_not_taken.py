"""What a call does not take is refused by it, and nothing is done: never ignored."""

from collections.abc import AsyncIterator

import pytest
from tests.integration.http_shop import Shop, fields_at_fault, open_shop, path_of

from laurels.http.app import ROUTES
from laurels.http.openapi.examples import REQUESTS
from laurels.http.routes import Route

pytestmark = pytest.mark.anyio

CHANGING = [route for route in ROUTES if route.method != "GET"]
ORDER = {"member_id": "ann", "currency": "GBP", "total": "25.00"}


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        await shop.order("A1", "ann", "250.00")
        await shop.order("B1", "bob", "250.00")
        await shop.settle()
        yield shop


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.handle.__name__)
async def test_a_call_that_changes_takes_no_parameter_that_it_does_not_know(shop: Shop, route: Route) -> None:
    before = await shop.services.ledger.heads()
    path, bodies = path_of(route, member_id="ann"), REQUESTS.get(route.handle.__name__, {})
    body = next(iter(bodies.values()), None)
    for query in ("dry_run=1", "1001", "preview"):
        sent = {} if body is None else {"json": body}
        assert fields_at_fault(await shop.ask(route.method, f"{path}?{query}", **sent)) == [query.partition("=")[0]]
    if not route.takes_body:
        for content in (b'{"dry_run": true}', b"dry_run=1", b"x" * 5000, b"[]"):
            assert fields_at_fault(await shop.ask(route.method, path, content=content)) == ["body"]
    assert (await shop.services.ledger.heads(), await shop.services.ledger.inbox_depth()) == (before, 0)


async def test_an_id_whose_question_mark_is_not_encoded_is_never_cut_short(shop: Shop) -> None:
    for path in ("/order/Web?1001", "/order/A1/refund?source=till-7", "/members/ann/merge?check=1"):
        assert fields_at_fault(await shop.ask("POST", path, json=ORDER))
    assert fields_at_fault(await shop.ask("DELETE", "/members/ann?dry_run=1")) == ["dry_run"]
    assert (await shop.ask("POST", "/order/Web%3F1001", json=ORDER)).status_code == 202
    await shop.settle()


@pytest.mark.parametrize("content", [b"", b"{}", b" {}\n", b"null"])
async def test_a_body_that_says_nothing_is_as_good_as_none(shop: Shop, content: bytes) -> None:
    assert (await shop.ask("POST", "/members/bob/hide", content=content)).status_code == 200
    assert (await shop.ask("POST", "/members/bob/show?", content=content)).status_code == 200
