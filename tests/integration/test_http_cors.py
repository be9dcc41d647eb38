"""Pages of other origins: the ones that the settings name may call what a member may call, and read every answer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.errors import SettingsError
from laurels.http.admission.cors import sharing
from laurels.http.app import ROUTES
from laurels.settings import load

pytestmark = pytest.mark.anyio

SITE = "https://shop.example"
OTHER_SITE = "http://localhost:5173"
STRANGER = "https://elsewhere.example"

FOR_MEMBERS = {
    "/loyalty/m1": "GET",
    "/loyalty/m1/live": "GET",
    "/loyalty/m1/entries": "GET",
    "/loyalty/m1/balance": "GET",
    "/loyalty/m1/redeem": "POST",
    "/loyalty/m1/redeem/V1/cancel": "POST",
    "/leaderboard/all-time": "GET",
    "/leaderboard/all-time/live": "GET",
    "/order/A1": "POST, GET",
    "/order/A1/refund/R1": "GET",
    "/order/A1/explain": "GET",
    "/loyalty/m1/quote": "POST",
    "/loyalty/m1/hold": "POST",
    "/loyalty/m1/hold/H1/capture": "POST",
    "/loyalty/m1/hold/H1/void": "POST",
    "/members/m1/hide": "POST",
    "/members/m1/show": "POST",
    "/members/m1/rename": "POST",
    "/members/m1/export": "GET",
}
FOR_SERVICES = ["/orders", "/order/A1/refund", "/loyalty/m1/refund", "/members", "/members/m1"]
FOR_MACHINES = ["/healthz", "/metrics", "/openapi.json", "/", "/web/page.css", "/nothing"]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state"), http_cors_origins=(SITE, OTHER_SITE)) as shop:
        await shop.order("A1", "m1", "25.00")
        await shop.settle()
        yield shop


async def ask_before(shop: Shop, path: str, origin: str = SITE, method: str = "GET") -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,if-none-match",
    }
    return await shop.client.options(path, headers=headers)


def allowed(answer: httpx.Response) -> str | None:
    """The origin whose pages may read this answer."""
    assert "access-control-allow-credentials" not in answer.headers
    found: str | None = answer.headers.get("access-control-allow-origin")
    return found


@pytest.mark.parametrize(("path", "methods"), FOR_MEMBERS.items())
async def test_a_browser_that_asks_before_is_told_what_a_member_may_send(shop: Shop, path: str, methods: str) -> None:
    answer = await ask_before(shop, path)
    assert (answer.status_code, answer.content, allowed(answer)) == (204, b"", SITE)
    assert answer.headers["access-control-allow-methods"] == methods
    assert set(answer.headers["access-control-allow-headers"].split(", ")) == {
        "authorization", "content-type", "if-none-match", "last-event-id",
    }  # fmt: skip
    assert int(answer.headers["access-control-max-age"]) == 7200
    assert "Origin" in answer.headers.get_list("vary")


async def test_every_route_for_members_is_among_these(shop: Shop) -> None:
    shared = sharing([SITE], ROUTES)
    assert shared is not None
    assert len(shared.methods) == len(FOR_MEMBERS)


@pytest.mark.parametrize("path", [*FOR_SERVICES, *FOR_MACHINES])
async def test_what_members_may_not_call_is_not_shared(shop: Shop, path: str) -> None:
    for answer in (await ask_before(shop, path), await shop.ask("GET", path, headers={"Origin": SITE})):
        assert allowed(answer) is None
        assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize("path", ["/loyalty/m1", "/leaderboard/all-time"])
async def test_pages_may_read_the_answer_and_its_headers(shop: Shop, path: str) -> None:
    for site in (SITE, OTHER_SITE):
        answer = await shop.ask("GET", path, member="m1", headers={"Origin": site})
        assert (answer.status_code, allowed(answer)) == (200, site)
        told = answer.headers["access-control-expose-headers"].split(", ")
        assert told == ["ETag", "RateLimit", "Retry-After", "X-Request-Id"]
        assert {"Authorization", "Origin"} <= set(answer.headers.get_list("vary"))
        known = {"Origin": site, "If-None-Match": answer.headers["etag"]}
        again = await shop.ask("GET", path, member="m1", headers=known)
        assert (again.status_code, allowed(again)) == (304, site)


@pytest.mark.parametrize("origin", [STRANGER, "null", "https://shop.example.evil", "https://shop.example:8443", ""])
async def test_a_stranger_is_told_nothing_and_caches_know_why(shop: Shop, origin: str) -> None:
    for answer in (
        await ask_before(shop, "/loyalty/m1", origin),
        await shop.ask("GET", "/loyalty/m1", member="m1", headers={"Origin": origin}),
    ):
        assert allowed(answer) is None
        assert "access-control-allow-methods" not in answer.headers
        assert "Origin" in answer.headers.get_list("vary")
    assert "Origin" in (await shop.ask("GET", "/leaderboard/all-time", member="m1")).headers.get_list("vary")


async def test_pages_may_read_the_live_stream(shop: Shop) -> None:
    headers = {"Origin": SITE, "Authorization": f"Bearer {shop.token(member='m1')}"}
    async with shop.client.stream("GET", "/loyalty/m1/live", headers=headers) as answer:
        assert (answer.status_code, allowed(answer)) == (200, SITE)
        assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["/loyalty/m1", "/leaderboard/all-time", "/loyalty/m1/live"])
async def test_pages_may_read_what_went_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    from_page = {"Origin": SITE}
    limit = 3
    settings: dict[str, Any] = {"http_cors_origins": (SITE,), "http_rate_limit_per_minute": limit}
    async with open_shop(tmp_path, projected=False, **settings) as shop:
        answer = await shop.ask("GET", path, scope=None, headers=from_page)
        check_problem(answer, 401, "not-signed-in")
        assert allowed(answer) == SITE
        for _ in range(limit):
            answer = await shop.ask("GET", path, member="m1", headers=from_page)
            check_problem(answer, 503, "board-not-ready")
            assert allowed(answer) == SITE
        answer = await shop.ask("GET", path, member="m1", headers=from_page)
        check_problem(answer, 429, "too-many-requests")
        assert (allowed(answer), "retry-after" in answer.headers) == (SITE, True)

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(shop.services.leaderboard, "read", fail)
        answer = await shop.ask("GET", path, headers=from_page)
        check_problem(answer, 500, "internal-error")
        assert allowed(answer) == SITE


async def test_nothing_is_shared_unless_it_is_set(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        answers = [
            await ask_before(shop, "/loyalty/m1"),
            await shop.ask("GET", "/loyalty/m1", member="m1", headers={"Origin": SITE}),
        ]
        for answer in answers:
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert "Origin" not in answer.headers.get_list("vary")


async def test_with_a_star_any_page_may_call_and_caches_may_mix(tmp_path: Path) -> None:
    async with open_shop(tmp_path, http_cors_origins=("*",)) as shop:
        for origin in (SITE, STRANGER):
            answer = await ask_before(shop, "/loyalty/m1", origin)
            assert (answer.status_code, allowed(answer)) == (204, "*")
            answer = await shop.ask("GET", "/loyalty/m1", member="m1", headers={"Origin": origin})
            assert (answer.status_code, allowed(answer)) == (200, "*")
            assert "Origin" not in answer.headers.get_list("vary")


@pytest.mark.parametrize(
    "origin",
    [
        "shop.example",
        "https://shop.example/",
        "https://shop.example/points",
        "https://Shop.example",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://*.shop.example",
        "https://shop.example https://b.example",
        "https://käse.example",
        "ftp://shop.example",
        "null",
        "https://",
        "https://shop.example\r\nSet-Cookie: a=b",
    ],
)
async def test_what_no_browser_sends_is_refused_in_one_line(origin: str) -> None:
    with pytest.raises(SettingsError) as refused:
        sharing([SITE, origin], ROUTES)
    message = str(refused.value)
    assert "http.cors_origins" in message
    assert repr(origin) in message
    assert "https://shop.example" in message
    assert "\n" not in message


async def test_a_star_stands_alone() -> None:
    with pytest.raises(SettingsError, match=r"has \* and others beside it"):
        sharing(["*", SITE], ROUTES)


async def test_named_in_the_environment_by_commas_and_in_the_file_as_a_list(tmp_path: Path) -> None:
    by_commas = {"LAURELS_HTTP_CORS_ORIGINS": f"{SITE}, {OTHER_SITE}"}
    assert load(environment=by_commas, config=empty(tmp_path)).http.cors_origins == (SITE, OTHER_SITE)
    assert load(environment={"LAURELS_HTTP_CORS_ORIGINS": ""}, config=empty(tmp_path)).http.cors_origins == ()
    file = tmp_path / "shop.toml"
    file.write_text(f'[http]\ncors_origins = ["{SITE}", "http://[::1]:8080"]\n', "utf-8")
    assert load(environment={}, config=file).http.cors_origins == (SITE, "http://[::1]:8080")
    assert sharing([SITE, "http://[::1]:8080"], ROUTES) is not None


def empty(folder: Path) -> Path:
    """A settings file that says nothing."""
    file = folder / "empty.toml"
    file.write_text("", "utf-8")
    return file
