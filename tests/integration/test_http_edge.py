"""The edge answers exactly as the full pipeline does, byte for byte, and passes connections to and fro.

A request with an empty body is never answered by the edge, and is otherwise the same.
"""

import random
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_lines import NO_EDGE, ODD_ID, Connect, connect, request, tokens
from tests.integration.http_shop import Shop, open_shop

from laurels.http.serving.edge import Edge, HandedConnection

__all__ = ["connect"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")

NATIVE: dict[str, Any] = {"http_edge": "auto", "leaderboard_engine": "native", "leaderboard_stale_after_ms": 60_000}


class Seen:
    """How many connections were handed over, and came back; the edges themselves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.handed = self.returned = 0
        self.edges: list[Edge] = []
        take, give_back, start = HandedConnection.take, Edge.give_back, Edge.start

        def taken(connection: HandedConnection, *arguments: Any) -> None:
            self.handed += 1
            take(connection, *arguments)

        def given_back(edge: Edge, descriptor: int) -> None:
            self.returned += 1
            give_back(edge, descriptor)

        def started(edge: Edge, *arguments: Any) -> None:
            self.edges.append(edge)
            start(edge, *arguments)

        monkeypatch.setattr(HandedConnection, "take", taken)
        monkeypatch.setattr(Edge, "give_back", given_back)
        monkeypatch.setattr(Edge, "start", started)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    return Seen(monkeypatch)


@pytest.fixture
async def shop(tmp_path: Path, seen: Seen) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, http_rate_limit_per_minute=600_000, **NATIVE) as shop:
        for n, (member, total) in enumerate((("m1", "500.00"), (ODD_ID, "400.00"), ("m3", "300.00"), ("m4", "1.00"))):
            await shop.order(f"A{n}", member, total)
        await shop.settle()
        for member in ("m1", "m4", ODD_ID, "never-ordered"):  # so that their tokens are remembered
            await shop.ask("GET", f"/loyalty/{member.replace('@', '%40')}", token=tokens(shop, member))
        seen.handed = seen.returned = 0
        yield shop


def made_up(rng: random.Random) -> tuple[str, str, dict[str, str]]:
    """A target, its member, and headers: some that the edge answers, some that it has to hand over."""
    member = rng.choice(("m1", "m1", "m4", ODD_ID, "never-ordered"))
    part = "".join(rng.choice((c, f"%{ord(c):02X}", f"%{ord(c):02x}")) if rng.random() < 0.1 else c for c in member)
    path = rng.choice(
        (f"/loyalty/{part}",) * 5 + ("/leaderboard/all-time", "/leaderboard/month", "/leaderboard/x", "/loyalty/m3")
    )
    query = rng.sample(("top", "around", "board", "top", "min_version", "x"), rng.choice((0, 0, 1, 1, 2, 3)))
    values: dict[str, Callable[[], str]] = {
        "top": lambda: rng.choice(("0", "1", "10", "100", "101", "-1", "05", "", "x", "1" * 20, "%31")),
        "around": lambda: rng.choice(("0", "2", "50", "51", "00", "+1")),
        "board": lambda: rng.choice(("all-time", "month", "month:2020-01", "week", "all%2Dtime", "")),
        "min_version": lambda: "no-token",
        "x": lambda: "1",
    }
    asked = rng.choice(("", "?")) if not query else "?" + "&".join(f"{name}={values[name]()}" for name in query)
    headers = {
        "If_None_Match": rng.choice(('"x"', "*", 'W/"a", *', "x,y")),
        "Origin": rng.choice(("null", "https://shop.example")),
        "X_Request_Id": rng.choice(("r2", "a" * 128, "a/b=c+d")),
        "Accept": rng.choice(("*/*", "a,b;q=1", "caf\u00e9", " x", "x ")),
        "Connection": rng.choice(("keep-alive", "Keep-Alive")),
        "Host": rng.choice(("a", "a.b:80", "a b", "[::1]")),
    }
    return path + asked, member, {name: headers[name] for name in rng.sample([*headers], rng.choice((0, 1, 1, 2, 3)))}


@pytest.mark.parametrize("shared", [(), ("*",), ("https://shop.example", "https://other.example")])
async def test_the_same_answers_byte_for_byte(
    tmp_path: Path, connect: Connect, seen: Seen, shared: tuple[str, ...], rng: random.Random
) -> None:
    statuses: set[bytes] = set()
    by_edge = 0
    async with open_shop(tmp_path, http_cors_origins=shared, http_rate_limit_per_minute=600_000, **NATIVE) as shop:
        await shop.order("A1", "m1", "500.00")
        await shop.order("A2", ODD_ID, "400.00")
        await shop.settle()
        python = await connect(shop)
        for _ in range(400):
            target, member, headers = made_up(rng)
            documented = await python.ask(request(shop, target, member, **headers, **NO_EDGE))
            handed, line = seen.handed, await connect(shop)
            answer = await line.ask(request(shop, target, member, **headers))
            assert answer == documented, (target, headers)
            statuses.add(answer[9:12])
            by_edge += seen.handed == handed
            line.writer.close()
            if b"connection: close" in documented:
                python = await connect(shop)
    assert {b"200", b"304", b"404", b"422"} <= statuses
    assert by_edge > 40, "else little was compared"


async def test_a_young_board_shows_as_little(tmp_path: Path, connect: Connect, seen: Seen) -> None:
    async with open_shop(tmp_path, boards_smallest=20, **NATIVE) as shop:
        for n in range(15):
            await shop.order(f"A{n}", f"m{n}", f"{500 + n}.00")
        await shop.settle()
        python = await connect(shop)
        for target in ("/loyalty/m1?board=month&top=100", "/loyalty/m1?board=month&top=3", "/leaderboard/month?top=50"):
            documented = await python.ask(request(shop, target, **NO_EDGE))
            handed, line = seen.handed, await connect(shop)
            assert await line.ask(request(shop, target)) == documented
            assert seen.handed == handed, "the edge answered"


async def test_what_is_stale_says_so(tmp_path: Path, connect: Connect, seen: Seen) -> None:
    async with open_shop(tmp_path, **{**NATIVE, "leaderboard_stale_after_ms": 1}) as shop:
        await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
        handed = seen.handed
        assert b'"stale":true' in await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
        assert seen.handed == handed, "the edge answered"


async def test_a_key_that_is_taken_back_ends_its_tokens(shop: Shop, connect: Connect, seen: Seen) -> None:
    line = await connect(shop)
    await line.ask(request(shop, "/loyalty/m1"))
    assert seen.handed == 0
    seen.edges[0]._table.clear()
    await line.ask(request(shop, "/loyalty/m1"))
    assert seen.handed == 1


async def test_one_quota_for_both_roads(tmp_path: Path, connect: Connect, seen: Seen) -> None:
    async with open_shop(tmp_path, http_rate_limit_per_minute=6, **NATIVE) as shop:
        python, statuses = await connect(shop), []
        for n in range(8):
            line, more = (await connect(shop), {}) if n % 2 else (python, NO_EDGE)
            statuses.append((await line.ask(request(shop, "/loyalty/m1", **more)))[9:12])
        assert statuses == [b"200"] * 6 + [b"429"] * 2
        assert seen.handed == 2, "the first one, and the last that the edge had no quota for"


async def test_metrics_of_both_roads_are_one(shop: Shop, connect: Connect) -> None:
    before = (await shop.client.get("/metrics")).text
    for _ in range(7):
        await (await connect(shop)).ask(request(shop, "/loyalty/m1"))
    after = (await shop.client.get("/metrics")).text

    def figure(text: str, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    for name in (
        'laurels_http_requests_total{method="GET",route="/loyalty/{member_id}",status="200"}',
        "laurels_dashboard_seconds_count",
        'laurels_dashboard_seconds_bucket{le="+Inf"}',
    ):
        assert figure(after, name) - figure(before, name) == 7, name
    assert figure(after, "laurels_connections") == figure(before, "laurels_connections") + 7
    assert figure(after, "laurels_dashboard_seconds_sum") > figure(before, "laurels_dashboard_seconds_sum")
