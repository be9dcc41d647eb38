"""Reads over HTTP: dashboards, boards, tags, versions; and what machines and browsers ask for."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.integration.http_shop import Shop, check_problem, open_shop
from tests.ports import free_port
from tests.settings import settings_with

import laurels
from laurels.errors import SettingsError
from laurels.http.app import ROUTES
from laurels.http.middleware import SECURITY_HEADERS
from laurels.http.serving.server import serve
from laurels.model import Version
from laurels.wiring import build

pytestmark = pytest.mark.anyio

POINTS = [50, 40, 40, 30, 20, 10]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop with six members on the board, m0 to m5, and one below it."""
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        for n, points in enumerate(POINTS):
            await shop.order(f"A{n}", f"m{n}", f"{points}0.00")
        await shop.order("B1", "below", "1.00")
        await shop.settle()
        yield shop


async def dashboard(shop: Shop, member: str, **query: Any) -> dict[str, Any]:
    answer = await shop.ask("GET", f"/loyalty/{member}", member=member, params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_dashboard_says_the_top_the_place_and_the_neighbours(shop: Shop) -> None:
    shown = await dashboard(shop, "m2")
    names = [row["name"] for row in shown["top"]]
    assert shown.keys() == {"board", "as_of", "stale", "ranked", "me", "top", "around"}
    assert (shown["board"], shown["ranked"], len(set(names))) == ("all-time", 6, 6)
    assert shown["me"] == {"rank": 2, "position": 3, "tied": 2, "points": 40, "name": names[2], "hidden": False}
    assert [(row["rank"], row["points"]) for row in shown["top"]] == [
        (1, 50),
        (2, 40),
        (2, 40),
        (4, 30),
        (5, 20),
        (6, 10),
    ]
    assert [row["name"] for row in shown["around"]] == names[:5]
    assert [row.get("me") for row in shown["around"]] == [None, None, True, None, None]


async def test_as_much_as_is_asked_for(shop: Shop) -> None:
    shown = await dashboard(shop, "m5", top=0, around=1)
    assert (shown["top"], [row["points"] for row in shown["around"]]) == ([], [20, 10])
    assert len((await dashboard(shop, "m5", top=100, around=50))["around"]) == 6
    month = await dashboard(shop, "m5", board="month")
    assert re.fullmatch(r"month:\d{4}-\d\d", month["board"])
    assert (await dashboard(shop, "m5", board="month:2001-01"))["ranked"] == 0


async def test_the_unranked_have_a_place_without_a_rank(shop: Shop) -> None:
    below = await dashboard(shop, "below")
    assert {**below["me"], "name": ""} == {
        "rank": None,
        "position": None,
        "tied": 0,
        "points": 0,
        "name": "",
        "hidden": False,
    }
    assert below["me"]["name"]
    never = await dashboard(shop, "never-ordered")
    assert (never["me"]["points"], never["me"]["name"], never["around"]) == (0, None, [])
    assert len(never["top"]) == 6


async def test_a_board_is_shown_to_everyone_signed_in(shop: Shop) -> None:
    for token in (shop.token(member="m1"), shop.token(scope="")):
        answer = await shop.ask("GET", "/leaderboard/all-time?top=2", token=token)
        assert answer.json().keys() == {"board", "as_of", "stale", "ranked", "top"}
        assert [row["points"] for row in answer.json()["top"]] == [50, 40]
    check_problem(await shop.ask("GET", "/leaderboard/all-time", scope=None), 401, "not-signed-in")


async def test_an_answer_that_did_not_change_is_not_sent_again(tmp_path: Path) -> None:
    async with open_shop(tmp_path, leaderboard_stale_after_ms=3_600_000) as shop:
        await shop.order("A1", "m1", "25.00")
        await shop.settle()

        async def ask(known: str = "", query: str = "") -> Any:
            return await shop.ask("GET", f"/loyalty/m1{query}", member="m1", headers={"If-None-Match": known})

        first = await ask()
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await ask(known)
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await ask('"other"')).status_code == 200
        assert (await ask(tag, "?around=3")).headers["etag"] != tag
        await shop.order("A2", "m2", "25.00")
        await shop.settle()
        assert (await ask(tag)).status_code == 200


async def test_a_reader_asks_for_the_version_that_it_knows(shop: Shop) -> None:
    shown = await dashboard(shop, "m1")
    assert (await dashboard(shop, "m1", min_version=shown["as_of"]))["as_of"] == shown["as_of"]
    seal = shop.services.dashboards.versions.seal
    now = seal.open(shown["as_of"], "as_of")
    ahead = seal.token(Version(now.epoch, {0: now.positions[0] + 1}))
    answer = await shop.ask("GET", "/loyalty/m1", member="m1", params={"min_version": ahead})
    problem = check_problem(answer, 409, "version-not-reached")
    assert (problem["requested"], problem["current"]) == (ahead, shown["as_of"])


async def test_every_answer_has_a_request_id_and_keeps_browsers_safe(shop: Shop) -> None:
    for path in ("/", "/healthz", "/nothing", "/loyalty/m1", "/web/page.css", "/web/nothing"):
        answer = await shop.client.get(path, headers={"X-Request-Id": "till-1.42"})
        assert answer.headers.get_list("x-request-id") == ["till-1.42"]
        for name, value in SECURITY_HEADERS:
            assert answer.headers[name.decode()] == value.decode()
    ids = {
        (await shop.client.get("/healthz", headers={"X-Request-Id": bad})).headers["x-request-id"]
        for bad in ("a b", "x" * 200, "")
    }
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


async def test_alive_and_ready(shop: Shop) -> None:
    assert (await shop.client.get("/healthz")).json() == {"alive": True}
    answer = await shop.client.get("/readyz")
    assert answer.status_code == 200
    engine = shop.services.leaderboard.name
    assert answer.json() == {"ready": True, "ledger": "sqlite", "leaderboard": engine, "version": laurels.__version__}


async def test_not_ready_until_the_board_serves(tmp_path: Path) -> None:
    async with open_shop(tmp_path, projected=False) as shop:
        answer = await shop.client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        answer = await shop.ask("GET", "/loyalty/m1", member="m1")
        check_problem(answer, 503, "board-not-ready")
        assert answer.headers["retry-after"] == "1"
        await shop.settle()
        assert (await shop.client.get("/readyz")).status_code == 200


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret internals")

    async with open_shop(tmp_path, projected=False) as shop:
        monkeypatch.setattr(shop.services.dashboards, "board", fail)
        with structlog.testing.capture_logs() as lines:
            answer = await shop.ask("GET", "/leaderboard/all-time", headers={"X-Request-Id": "find-me"})
    problem = check_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert problem["instance"] == "/leaderboard/all-time"
    logged = repr(lines)
    assert "find-me" in logged
    assert "RuntimeError" in logged
    assert "test_http_reads.py" in logged, "where it arose"
    assert "secret internals" not in logged, "what it says may hold a member's id"


async def test_pages_need_nothing_from_elsewhere(shop: Shop) -> None:
    seen = set()
    to_see = ["/", "/docs"]
    while to_see:
        path = to_see.pop()
        answer = await shop.client.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"(?:src|href|url|from|import)\W{1,3}(?:https?:)?//", answer.text), path
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", answer.text), path
        seen.add(path)
        to_see += [found for found in re.findall(r'(?:src|href)="(/[^"]*)"', answer.text) if found not in seen]
    assert {"/web/dashboard.js", "/web/docs.js", "/web/page.css", "/openapi.json"} <= seen


@pytest.mark.parametrize(
    "path", ["/web/../settings.py", "/web/%2e%2e/settings.py", "/web/..%2fsettings.py", "/web//etc/passwd"]
)
async def test_pages_lead_nowhere_else(shop: Shop, path: str) -> None:
    assert (await shop.client.get(path)).status_code == 404


async def test_the_api_describes_itself(shop: Shop) -> None:
    api = (await shop.client.get("/openapi.json")).json()
    assert api["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in api["paths"].items() for method in methods}
    for_machines = {("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/problems/{name}")}
    assert described == {(one.method, one.path) for one in ROUTES} | for_machines
    text = (await shop.client.get("/openapi.json")).text
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(api["components"]["schemas"])
    order = api["paths"]["/order/{order_id}"]["post"]
    forms = [{"$ref": f"#/components/schemas/{name}"} for name in ("OrderForm", "CheckoutForm")]
    assert order["requestBody"]["content"]["application/json"]["schema"] == {"oneOf": forms}
    assert set(order["responses"]) == {
        "200",
        "201",
        "202",
        "401",
        "402",
        "403",
        "409",
        "413",
        "415",
        "422",
        "429",
        "503",
    }
    assert r"\\Z" not in text


async def test_a_port_that_is_taken_is_said(shop: Shop, tmp_path: Path) -> None:
    async with build(settings_with(state=tmp_path, http_port=shop.port)) as services:
        with pytest.raises(SettingsError, match=f"port {shop.port}: Address already in use"):
            await serve(services, asyncio.Event())


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/", "/problems/conflict"]
)
async def test_whoever_looks_whether_it_is_there_may_use_head(shop: Shop, path: str) -> None:
    told, looked = await shop.client.get(path), await shop.client.head(path)
    assert (looked.status_code, looked.content) == (told.status_code, b"") == (200, b"")
    assert looked.headers["content-type"] == told.headers["content-type"]
    assert int(looked.headers["content-length"]) > 0
    if path not in {"/docs", "/"}:
        assert {*(await shop.client.put(path)).headers["allow"].split(", ")} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("name", ["metrics", "healthz", "readyz", "openapi.json", "problems/conflict"])
async def test_what_needs_no_token_has_one_spelling(shop: Shop, name: str) -> None:
    """A rule of a proxy in front, that keeps it from the public, has to know but that one."""
    assert (await shop.client.get(f"/{name}")).status_code == 200
    first = f"%{ord(name[0]):02x}{name[1:]}"
    for path in (
        f"/{name}/",
        f"//{name}",
        f"/{name}//",
        f"/{first}",
        f"/{first.upper()}",
        f"/./{name}%2f",
        f"/{name}%00",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 404"), path


@pytest.mark.parametrize("hosts", [[], ["a", "a"], ["a", "b"]])
async def test_a_request_names_one_host(shop: Shop, hosts: list[str]) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    token = shop.token(member="m1")
    for target in ("/healthz", "/loyalty/m1", "/nothing"):
        for _ in range(2):  # the second time the token is known
            reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
            writer.write(
                f"GET {target} HTTP/1.1\r\n{lines}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode()
            )
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 400"), answer
            assert b"/problems/bad-request" in answer


async def test_an_old_client_names_none(shop: Shop) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_metrics_may_have_a_port_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    async with open_shop(tmp_path, http_metrics_port=port) as shop:
        own = f"http://127.0.0.1:{port}"
        answer = await shop.client.get(f"{own}/metrics")
        assert (answer.status_code, "laurels_connections" in answer.text) == (200, True)
        assert (await shop.client.head(f"{own}/metrics")).status_code == 200
        for path in ("/", "/healthz", "/loyalty/m1", "/metrics/", "/orders"):
            check_problem(await shop.ask("GET", own + path, member="m1"), 404, "not-found")
        check_problem(await shop.client.get("/metrics"), 404, "not-found")
        assert "/metrics" not in (await shop.client.get("/openapi.json")).json()["paths"]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
