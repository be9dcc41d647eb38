"""The fast lane answers exactly as the documented route does: status, headers in their order, body, byte for byte.

Both applications use the same services, and every request is put to both without a server in between, so that nothing
is tidied up on the way. The one thing that differs by design, a new request id, is given by the client here. Each has
quotas of its own, so they count alike; the clock stands still while both answer.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.types import ASGIApp
from tests.settings import settings_with

from laurels import clock
from laurels.errors import BoardNotReady
from laurels.http import create_app, open_auth
from laurels.http.admission.tokens import sign_token
from laurels.http.middleware import Middleware
from laurels.http.serving.hot_routes import HotRoutes
from laurels.intake.forms import OrderForm
from laurels.model import Version
from laurels.wiring import Services, build

pytestmark = pytest.mark.anyio

Pairs = list[tuple[bytes, bytes]]
Reply = tuple[int, Pairs, bytes]

OWN = "m1"
ODD_ID = "ann+1@example.com"
MEMBERS = (OWN, ODD_ID, "m3", "m4")
"""With 50, 40, 30 and 0 points."""


TTL_S = 10 * 24 * 3600


class Clock:
    """A clock that stands still until it is moved on."""

    def __init__(self) -> None:
        self.instant = clock.now()

    def __call__(self) -> int:
        return self.instant


@dataclass(frozen=True)
class Lanes:
    """One system behind both lanes, and tokens by name."""

    services: Services
    fast: ASGIApp
    documented: ASGIApp
    tokens: Mapping[str, str]
    clock: Clock

    async def same(self, method: str, target: str, headers: Pairs, body: bytes = b"", passing_s: int = 2) -> Reply:
        """The answer to a request, after making sure that both lanes give it. The time that passes before gives back
        what was used of each quota.
        """
        self.clock.instant += passing_s * clock.SECOND
        fast = await ask(self.fast, method, target, headers, body)
        documented = await ask(self.documented, method, target, headers, body)
        assert fast == documented
        return fast

    def headers(self, token: str, **more: str) -> Pairs:
        """What a client sends with a token by name."""
        pairs = [(b"host", b"127.0.0.1:8000"), (b"x-request-id", b"r1")]
        if token in self.tokens:
            pairs.append((b"authorization", f"Bearer {self.tokens[token]}".encode()))
        return pairs + [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in more.items()]


@pytest.fixture(scope="module")
async def lanes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lanes]:
    chosen = settings_with(state=tmp_path_factory.mktemp("state"), leaderboard_stale_after_ms=TTL_S * 1000)
    standing = Clock()
    async with build(chosen, now=standing) as services:
        for n, (member, total) in enumerate(zip(MEMBERS, ("500.00", "400.00", "300.00", "1.00"), strict=True)):
            form = OrderForm(member_id=member, currency="GBP", total=total)
            await services.intake.accept(form.order(f"A{n}", clock.now()), b"{}")
        await services.awarder.drain()
        await services.projector.catch_up()
        fast, documented = (create_app(services, open_auth(chosen, standing)) for _ in range(2))
        assert isinstance(documented, Middleware)
        assert isinstance(documented._app, HotRoutes)
        documented._app = documented._app._app
        tokens = {
            "own": sign_token(chosen, subject=OWN, scope=None, ttl_s=TTL_S),
            "odd": sign_token(chosen, subject=ODD_ID, scope=None, ttl_s=TTL_S),
            "new": sign_token(chosen, subject="never-ordered", scope=None, ttl_s=TTL_S),
            "reader": sign_token(chosen, subject="till", scope="members:read", ttl_s=TTL_S),
            "till": sign_token(chosen, subject="till", scope="orders:write", ttl_s=TTL_S),
            "expired": sign_token(chosen, subject=OWN, scope=None, ttl_s=-1),
            "forged": sign_token(chosen, subject=OWN, scope=None, ttl_s=TTL_S)[:-8] + "AAAAAAAA",
            "garbage": "a.b.c",
            "empty": "",
        }
        yield Lanes(services, fast, documented, tokens, standing)


@pytest.mark.parametrize(
    "token", ["own", "odd", "new", "reader", "till", "expired", "forged", "garbage", "empty", "no"]
)
@pytest.mark.parametrize(
    "member", ["m1", "ann+1@example.com", "ann%2B1%40example.com", "m4", "never-ordered", "nobody"]
)
async def test_whoever_asks_for_whomever(lanes: Lanes, token: str, member: str) -> None:
    await lanes.same("GET", f"/loyalty/{member}", lanes.headers(token))


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/loyalty/m1", 200),
        ("/loyalty/m1?", 200),
        ("/loyalty/m1?board=month&top=0&around=0", 200),
        ("/loyalty/m1?board=month:2020-01", 200),
        ("/loyalty/m1?top=100&around=50", 200),
        ("/loyalty/m1?min_version=SEALED-1", 200),
        ("/loyalty/m1?min_version=SEALED-999", 409),
        ("/loyalty/m1?min_version=SEALED-1x", 422),
        ("/loyalty/m1?min_version=1", 422),
        ("/loyalty/m1?board=week", 404),
        ("/loyalty/m1?top=101", 422),
        ("/loyalty/m1?top=-1&around=51", 422),
        ("/loyalty/m1?top=10&top=10", 422),
        ("/loyalty/m1?topp=10", 422),
        ("/loyalty/m1?top=%C3", 422),
        ("/loyalty/m1?board=%61ll-time", 200),
        ("/loyalty/%6D1", 200),
        ("/loyalty/m1/", 200),
        ("//loyalty//m1", 200),
        ("/loyalty/m1%0A", 404),
        ("/loyalty/m1%00", 404),
        ("/loyalty/%E2%82%AC", 404),
        ("/loyalty/-m1", 404),
        ("/loyalty/" + "m" * 129, 404),
        ("/loyalty/..%2Floyalty%2Fm1", 404),
        ("/loyalty/", 404),
        ("/loyalty", 404),
        ("/Loyalty/m1", 404),
        ("/loyalty/m1/nothing", 404),
    ],
)
async def test_whatever_is_asked(lanes: Lanes, target: str, status: int) -> None:
    def sealed(position: re.Match[str]) -> str:
        return lanes.services.dashboards.versions.seal.token(Version(1, {0: int(position[1])}))

    target = re.sub(r"SEALED-(\d+)", sealed, target)
    assert (await lanes.same("GET", target, lanes.headers("own")))[0] == status


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "get", "TRACE"])
async def test_by_whatever_method(lanes: Lanes, method: str) -> None:
    await lanes.same(method, "/loyalty/m1", lanes.headers("own"))


@pytest.mark.parametrize("host", ["", "a b", "127.0.0.1:x", "[::1]:8000", "shop.example", "a" * 300, "a/b", "\xe9"])
async def test_under_whatever_host(lanes: Lanes, host: str) -> None:
    pairs = [pair for pair in lanes.headers("own") if pair[0] != b"host"]
    await lanes.same("GET", "/loyalty/m1", [*pairs, (b"host", host.encode("latin-1"))])
    await lanes.same("GET", "/loyalty/m1", [*pairs, (b"host", b"a"), (b"host", host.encode("latin-1"))])
    await lanes.same("GET", "/loyalty/m1", pairs)


async def test_what_did_not_change(lanes: Lanes) -> None:
    _, headers, _ = await lanes.same("GET", "/loyalty/m1", lanes.headers("own"))
    tag = dict(headers)[b"etag"].decode()
    for known, status in ((tag, 304), (f"W/{tag}", 304), ("*", 304), (f'"x",{tag}', 304), ("", 200), (tag[:-1], 200)):
        reply = await lanes.same("GET", "/loyalty/m1", lanes.headers("own", if_none_match=known))
        assert reply[0] == status
    assert (await lanes.same("GET", "/loyalty/m1?top=1", lanes.headers("own", if_none_match=tag)))[0] == 200


async def test_two_tokens_at_once_are_none(lanes: Lanes) -> None:
    twice = [*lanes.headers("own"), *lanes.headers("reader")[-1:]]
    assert (await lanes.same("GET", "/loyalty/m1", twice))[0] == 401


async def test_a_plain_request_needs_no_framework(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(lanes.fast, Middleware)
    monkeypatch.setattr(lanes.fast._app, "_app", None)
    assert (await ask(lanes.fast, "GET", "/loyalty/m1?top=3", lanes.headers("own")))[0] == 200


async def test_when_one_asks_too_often(lanes: Lanes) -> None:
    lanes.clock.instant += clock.MINUTE
    statuses = [(await lanes.same("GET", "/loyalty/m1", lanes.headers("own"), passing_s=0))[0] for _ in range(601)]
    assert statuses[-1] == 429
    lanes.clock.instant += clock.MINUTE


async def test_what_goes_wrong_inside(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Exception] = [BoardNotReady(), RuntimeError("not to be told"), KeyError("m1"), RecursionError()]
    for error in raised:

        async def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(lanes.services.dashboards, "member", fail)
        status, _, body = await lanes.same("GET", "/loyalty/m1", lanes.headers("own"))
        assert status == (503 if isinstance(error, BoardNotReady) else 500)
        assert b"not to be told" not in body


ORDER = b'{"member_id":"m1","currency":"GBP","total":"25.00"}'


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (ORDER, {}, 200),
        (ORDER, {"content_type": "Application/JSON; charset=utf-8"}, 200),
        (ORDER.replace(b"25", b"26"), {}, 409),
        (ORDER.replace(b'"25.00"', b"25.00"), {}, 422),
        (ORDER[:-1], {}, 422),
        (b"\xff", {}, 422),
        (b"", {}, 422),
        (b" \n", {}, 422),
        (b"[" * 100_000, {}, 422),
        (ORDER, {"content_type": "text/plain"}, 415),
        (ORDER, {"content_encoding": "gzip"}, 415),
        (ORDER, {"content_length": "1048577"}, 413),
        (ORDER + b" " * 1_048_576, {}, 413),
    ],
)
async def test_orders(lanes: Lanes, body: bytes, headers: dict[str, str], status: int) -> None:
    first = await ask(lanes.documented, "POST", "/order/B1", lanes.headers("till"), ORDER)
    assert first[0] in {200, 202}
    assert (await lanes.same("POST", "/order/B1", lanes.headers("till", **headers), body))[0] == status


@pytest.mark.parametrize("token", ["own", "reader", "expired", "empty", "no"])
@pytest.mark.parametrize(
    "target", ["/order/B1", "/order/-B1", "/order/B%2F1", "/order/B1/", "/order/", "/order/B1?x=1"]
)
async def test_whoever_sends_an_order_wherever(lanes: Lanes, token: str, target: str) -> None:
    await lanes.same("POST", target, lanes.headers(token), ORDER)


async def test_an_order_needs_no_framework(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(lanes.fast, Middleware)
    monkeypatch.setattr(lanes.fast._app, "_app", None)
    assert (await ask(lanes.fast, "POST", "/order/B2", lanes.headers("till"), ORDER))[0] == 202


REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE"]),
        "path": st.one_of(
            st.sampled_from([f"/loyalty/{member}" for member in (*MEMBERS, "never-ordered", "nobody")]),
            st.text("mM1%/.+@-_:;=0aF \n\x00\u20ac", max_size=12).map(lambda text: f"/loyalty/{text}"),
            st.text("mM1%/.+@#?é \u20ac", max_size=12).map(lambda text: f"/loyalty/{quote(text, safe='')}"),
            st.text("/loyatm1%", max_size=14),
        ).filter(lambda path: not unquote(path).endswith("/live")),
        "query": st.one_of(
            st.just(""),
            st.lists(
                st.tuples(
                    st.sampled_from(["board", "top", "around", "min_version", "x", "", "%74op"]),
                    st.one_of(
                        st.integers(-2, 102).map(str),
                        st.sampled_from(
                            ["all-time", "month", "month:2026-10", "month:2026-13", "1.0-1", "2.", "%", "+"]
                        ),
                        st.text("0123456789%.-+&=;\u0663", max_size=8),
                    ),
                ),
                max_size=4,
            ).map(lambda pairs: "?" + "&".join(f"{name}={value}" for name, value in pairs)),
        ),
        "token": st.sampled_from(["own", "own", "odd", "new", "reader", "reader", "till", "expired", "forged", "none"]),
        "if_none_match": st.one_of(st.none(), st.sampled_from(["*", "", '"a"', 'W/"a", "b"', '"1.0-9-00000000"'])),
    }
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, print_blob=True)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=10))
async def test_any_request_at_all(lanes: Lanes, requests: list[dict[str, Any]]) -> None:
    for request in requests:
        known = request["if_none_match"]
        headers = lanes.headers(request["token"], **({} if known is None else {"if_none_match": known}))
        await lanes.same(request["method"], request["path"] + request["query"], headers)


async def ask(app: ASGIApp, method: str, target: str, headers: Pairs, body: bytes = b"") -> Reply:
    """One request, as a server hands it over, and the whole answer. The body comes in two pieces."""
    path, _, query = target.partition("?")
    sent: list[Any] = []
    half = len(body) // 2
    pieces = [{"body": body[:half], "more_body": True}, {"body": body[half:], "more_body": False}]

    async def receive() -> Any:
        return {"type": "http.request", **pieces.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1234),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    async with asyncio.timeout(10):
        await app(scope, receive, send)
    start, *bodies = sent
    return start["status"], list(start["headers"]), b"".join(message.get("body", b"") for message in bodies)
