"""What is asked too often, too large or too slowly, over real connections."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.http.admission import limits
from laurels.http.admission.auth import Auth
from laurels.http.admission.callers import Caller
from laurels.http.admission.keys import VerificationKey
from laurels.http.admission.limits import FAILURES_PER_MINUTE, RENAMES_PER_DAY
from laurels.http.app import ROUTES
from laurels.http.serving import connections, server
from laurels.http.serving.connections import MAX_HEAD_BYTES, MAX_PATH_BYTES

pytestmark = pytest.mark.anyio

PER_MINUTE = 5


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, http_rate_limit_per_minute=PER_MINUTE) as shop:
        yield shop


@pytest.fixture
async def in_python(tmp_path: Path) -> AsyncIterator[Shop]:
    """Without the edge, which has the same limits (`test_http_edge_hand_over.py`)."""
    async with open_shop(tmp_path, http_edge="off") as shop:
        yield shop


async def test_a_member_has_a_quota(shop: Shop) -> None:
    tokens = [shop.token(member="ann"), shop.token(member="ann")]
    for n in range(PER_MINUTE):
        answer = await shop.ask("GET", "/loyalty/ann", token=tokens[n % 2])
        assert answer.status_code == 200
        assert re.fullmatch(rf'"member";r={PER_MINUTE - 1 - n};t=\d+', answer.headers["ratelimit"])
        assert "retry-after" not in answer.headers
    answer = await shop.ask("GET", "/loyalty/ann", token=tokens[0])
    check_problem(answer, 429, "too-many-requests")
    assert re.fullmatch(r'"member";r=0;t=\d+', answer.headers["ratelimit"])
    assert 1 <= int(answer.headers["retry-after"]) <= 60 // PER_MINUTE
    assert (await shop.ask("GET", "/loyalty/bob", member="bob")).status_code == 200


async def test_what_fails_counts_too(shop: Shop) -> None:
    for _ in range(PER_MINUTE):
        check_problem(await shop.ask("GET", "/loyalty/bob", member="ann"), 404, "not-found")
    check_problem(await shop.ask("GET", "/loyalty/ann", member="ann"), 429, "too-many-requests")


async def test_services_have_none(shop: Shop) -> None:
    for _ in range(3 * PER_MINUTE):
        answer = await shop.ask("GET", "/leaderboard/all-time")
        assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)


async def test_an_address_without_a_valid_token_is_told_to_wait(shop: Shop) -> None:
    told = 0
    while (answer := await shop.ask("GET", "/loyalty/ann", token=f"forged {told}")).status_code == 401:
        told += 1
        assert answer.headers["ratelimit"].startswith('"address";')
        assert told < 2 * FAILURES_PER_MINUTE
    assert told >= FAILURES_PER_MINUTE
    check_problem(answer, 429, "too-many-requests")
    assert int(answer.headers["retry-after"]) == 1
    assert (await shop.ask("GET", "/loyalty/ann", member="ann")).status_code == 200, "a valid token gets in"
    assert (await shop.client.get("/healthz")).status_code == 200


async def test_forged_tokens_are_counted_before_they_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the quota nothing of a token is read, and a valid one that is known gets in all the same."""
    monkeypatch.setattr(limits, "CHECKS_PER_MINUTE", 20)
    checked: list[bytes] = []
    check = Auth._check

    async def counted(auth: Auth, token: bytes) -> tuple[Caller, int, VerificationKey]:
        checked.append(token)
        return await check(auth, token)

    monkeypatch.setattr(Auth, "_check", counted)
    async with open_shop(tmp_path) as shop:
        known = shop.token(member="ann")
        assert (await shop.ask("GET", "/loyalty/ann", token=known)).status_code == 200
        began = time.monotonic()
        for n in range(200):
            await shop.ask("GET", "/loyalty/ann", token=f"{known}{n}")
        assert len(checked) <= 1 + 20 + (time.monotonic() - began) * 20 / 60 + 1
        assert (await shop.ask("GET", "/loyalty/ann", token=known)).status_code == 200


async def test_a_member_changes_its_name_a_few_times_a_day(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await shop.order("A1", "ann", "25.00")
        for _ in range(RENAMES_PER_DAY):
            assert (await shop.ask("POST", "/members/ann/rename", member="ann")).status_code == 200
        answer = await shop.ask("POST", "/members/ann/rename", member="ann")
        assert "3 times a day" in check_problem(answer, 429, "too-many-requests")["detail"]
        assert int(answer.headers["retry-after"]) > 3600
        assert (await shop.ask("POST", "/members/ann/rename")).status_code == 200, "the shop may"
        assert (await shop.ask("POST", "/members/ann/hide", member="ann")).status_code == 200


WRITES_NOTHING = {"/loyalty/{member_id}/quote"}
BODIES = {
    "/order/{order_id}": {"itemIds": ["85123A"], "paymentDetails": {"method": "card", "token": "tok_declined"}},
    "/loyalty/{member_id}/redeem": {"redemption_id": "R1", "points": 1},
    "/loyalty/{member_id}/redeem/{redemption_id}/cancel": {},
    "/loyalty/{member_id}/hold": {"hold_id": "H1", "points": 1, "minutes": 5},
    "/loyalty/{member_id}/hold/{hold_id}/capture": {"points": 1},
    "/loyalty/{member_id}/hold/{hold_id}/void": {},
}


async def test_what_a_member_writes_for_ever_is_counted_by_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call that a member's own token may write by, whatever comes of it; services may go on."""
    for quota in ("RENAMES_PER_DAY", "APPEARANCES_PER_DAY", "MOVES_PER_DAY", "PURCHASES_PER_DAY"):
        monkeypatch.setattr(limits, quota, 3)
    paths = [
        route.path
        for route in ROUTES
        if route.method != "GET" and route.path not in WRITES_NOTHING
        if route.for_members or (route.access is not None and route.access.members != "none")
    ]
    assert len(paths) >= 9
    async with open_shop(tmp_path) as shop:
        for n, path in enumerate(paths):
            member = f"m{n}"
            await shop.order(f"A{n}", member, "2500.00")
            await shop.settle()
            named = path.format(member_id=member, order_id="B", redemption_id="R1", hold_id="H1")
            asked = [await shop.ask("POST", named, member=member, json=BODIES.get(path)) for _ in range(4)]
            assert [answer.status_code == 429 for answer in asked] == [False, False, False, True], path
            assert "3 times a day" in check_problem(asked[3], 429, "too-many-requests")["detail"]
            assert (await shop.ask("POST", named, json=BODIES.get(path))).status_code != 429


async def speak(shop: Shop, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send pieces as they are, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 60)
    except ConnectionError:
        answer = await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def check_refusal(answer: tuple[int, dict[str, str], bytes], status: int) -> None:
    told, headers, body = answer
    assert told == status
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert headers["x-request-id"]
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize("size", [MAX_HEAD_BYTES + 1000, 1_000_000])
async def test_heads_have_a_size(shop: Shop, size: int) -> None:
    large = b"x" * size
    check_refusal(await speak(shop, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + large + b"\r\n\r\n"), 431)
    check_refusal(await speak(shop, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * (size // 3) + b"\r\n"), 431)
    check_refusal(await speak(shop, b"GET /" + large + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 414)
    check_refusal(await speak(shop, b"GET / HTTP/1.1\r\nX: ", *[b"y" * 1000] * (size // 1000)), 431)


@pytest.mark.parametrize("piece", [b"%", b"%25", b"%ff", b"%F0%9F%98%80", b"a/", b"/", b"x"])
async def test_a_path_has_a_size_of_its_own(shop: Shop, piece: bytes) -> None:
    """Before its percent signs are resolved, which would cost more than all else; what is behind a `?` has none."""
    for sent, status in ((b"/nothing/", 404), (b"/loyalty/", 401), (b"/order/a/refund/", 401)):
        long = (sent + piece * MAX_PATH_BYTES)[: MAX_PATH_BYTES + 1]
        check_refusal(await speak(shop, b"GET " + long + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 414)
        about = b"?" + piece * 3000
        line = b"GET " + sent + b"b" + about[:9000] + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert (await speak(shop, line))[0] == status
    member = "\u20ac" * 85
    path = f"/order/{quote(member)}/refund/{quote(member)}"
    assert len(path) > 1500
    assert (await shop.ask("GET", path)).status_code == 404


async def test_a_head_within_the_size_is_read(shop: Shop) -> None:
    token = shop.token(member="ann").encode()
    padding = b"X: " + b"x" * (MAX_HEAD_BYTES - 2000)
    head = b"GET /loyalty/ann HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " + token + b"\r\n"
    assert (await speak(shop, head + padding + b"\r\n\r\n"))[0] == 200
    assert (await speak(shop, head, padding, b"\r\n\r\n"))[0] == 200


async def test_a_large_body_is_not_a_large_head(shop: Shop) -> None:
    body = json.dumps(
        [{"order_id": f"A{n}", "member_id": "ann", "currency": "GBP", "total": "1.00"} for n in range(2000)]
    )
    assert len(body) > 2 * MAX_HEAD_BYTES
    head = (
        f"POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {shop.token()}\r\nContent-Length: {len(body)}\r\n"
    )
    request = (head + "\r\n" + body).encode()
    last = request.replace(b"Host: a", b"Host: a\r\nConnection: close")
    status, _, answers = await speak(shop, request + last)
    assert status == 200
    assert answers.count(b'"http":202') == 2000
    assert answers.count(b'"http":200') == 2000, "the second of two on one connection"


@pytest.mark.parametrize("request_", [b"\x16\x03\x01\x02", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA b: c\r\n\r\n"])
async def test_what_is_not_http_is_a_400(shop: Shop, request_: bytes) -> None:
    check_refusal(await speak(shop, request_), 400)


@pytest.mark.parametrize("coding", ["identity", "gzip, identity", "chunked, gzip"])
async def test_a_body_without_an_end_is_refused_alone(
    shop: Shop, coding: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The parser finds out once the request was handed on: whoever is at work on it is let off."""
    token = shop.token(member="ann")
    head = (
        f"GET /loyalty/ann HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: {coding}\r\n\r\n"
    )
    check_refusal(await speak(shop, head.encode()), 400)
    assert (await shop.ask("GET", "/loyalty/ann", member="ann")).status_code == 200
    assert "unhandled" not in capsys.readouterr().out
    assert "without completing" not in caplog.text


async def test_nobody_waits_for_the_rest_of_a_request(in_python: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_python
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.1)
    monkeypatch.setattr(connections, "REQUEST_WITHIN_S", 0.2)
    head = f"POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {shop.token()}\r\nContent-Length: 100\r\n\r\n"
    for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n", head.encode() + b"[{"):
        check_refusal(await speak(shop, begun), 408)


async def test_an_answer_may_take_longer_than_a_request(in_python: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_python
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.05)
    monkeypatch.setattr(connections, "REQUEST_WITHIN_S", 0.05)
    monkeypatch.setattr(server, "LOOK_EVERY_S", 0.01)
    looked = asyncio.Event()
    board = shop.services.dashboards.board

    async def slow(*args: object, **more: object) -> object:
        await asyncio.wait_for(looked.wait(), 60)
        return await board("all-time")

    monkeypatch.setattr(shop.services.dashboards, "board", slow)
    asking = asyncio.create_task(shop.ask("GET", "/leaderboard/all-time"))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
        assert b" 408 " in await asyncio.wait_for(reader.read(), 60), "so connections were looked at meanwhile"
        writer.close()
    finally:
        looked.set()
    assert (await asking).status_code == 200


@pytest.mark.parametrize("path", ["/order/A1", "/orders", "/members"])
async def test_deep_json_is_refused_at_once(shop: Shop, path: str) -> None:
    for body in (b"[" * 500_000, b'[{"a":' * 100_000, b'{"a":' * 150_000):
        answer = await shop.ask("POST", path, content=body)
        assert answer.status_code in {200, 422}
        assert answer.status_code == 422 or {each["http"] for each in answer.json()} == {422}
