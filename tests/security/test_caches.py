"""What a cache on the way, or in a browser that several people use, may keep: what says so, and nothing else. Some
caches keep for a day what says nothing, and do not look at who asks.
"""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.integration.http_shop import Shop, open_shop, path_of

from laurels.http.api import service
from laurels.http.api.dashboards import CACHED, show_board, show_dashboard
from laurels.http.app import ROUTES
from laurels.http.routes import Route

pytestmark = pytest.mark.anyio

MAY_BE_KEPT = (show_dashboard, show_board)
"""Asked for anew each time, by their tag."""


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state"), http_rate_limit_per_minute=60_000_000) as shop:
        await shop.order("A1", "ann", "25.00")
        await shop.settle()
        yield shop


def kept(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("cache-control")


@pytest.mark.parametrize("one", [*ROUTES, *service.ROUTES], ids=lambda one: f"{one.method} {one.path}")
async def test_nothing_is_kept_that_does_not_say_so(shop: Shop, one: Route) -> None:
    path = path_of(one, member_id="ann")
    if one.path.endswith(("/live", "/jobs/{number}/events")):
        path += "?top=-1"  # else it goes on
    for asked in (
        await shop.ask(one.method, path),
        await shop.ask(one.method, path, member="ann"),
        await shop.ask(one.method, path, member="bob"),
        await shop.ask(one.method, path, scope=None),
        await shop.ask("PATCH", path),
        await shop.ask(
            "OPTIONS", path, headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        ),
    ):
        may_be_kept = one in MAY_BE_KEPT and asked.status_code == 200
        assert kept(asked) == [CACHED["Cache-Control"] if may_be_kept else "no-store"], asked.request.method


async def test_nor_what_is_refused_before_a_route_is_asked(shop: Shop) -> None:
    for path, headers in (("/nothing", {}), ("/healthz", {"Host": "a b"})):
        assert kept(await shop.client.get(path, headers=headers)) == ["no-store"]
    for head in (b"GET /" + b"x" * 40_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000, b"\0"):
        reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
        writer.write(head + b"\r\n\r\n")
        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 4")
        assert answer.partition(b"\r\n\r\n")[0].count(b"\r\ncache-control: no-store") == 1


async def test_pages_are_asked_for_anew(shop: Shop) -> None:
    for path in ("/", "/docs", "/web/page.css"):
        assert kept(await shop.client.get(path)) == ["no-cache"]
