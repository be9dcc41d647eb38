"""The one road: whatever is asked, it is answered by the status that the documentation has for it.

Requests are put to the application without a server in between, so that nothing is tidied up on the way.
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
from tests.settings import settings_with

from laurels import clock
from laurels.errors import BoardNotReady
from laurels.http import create_app, open_auth
from laurels.http.admission.tokens import sign_token
from laurels.http.asgi import ASGIApp
from laurels.intake.forms import OrderForm
from laurels.model import Version
from laurels.testing.ledger_contract.base import TurnedClock
from laurels.wiring import Services, build

pytestmark = pytest.mark.anyio

Pairs = list[tuple[bytes, bytes]]
Reply = tuple[int, Pairs, bytes]

OWN = "m1"
ODD_ID = "ann+1@example.com"
MEMBERS = (OWN, ODD_ID, "m3", "m4")
"""With 50, 40, 30 and 0 points."""


TTL_S = 10 * 24 * 3600


@dataclass(frozen=True)
class System:
    """A system, and tokens by name."""

    services: Services
    app: ASGIApp
    tokens: Mapping[str, str]
    clock: TurnedClock

    async def ask(self, method: str, target: str, headers: Pairs, body: bytes = b"", passing_s: int = 2) -> Reply:
        """The answer to a request. The time that passes before gives back what was used of each quota."""
        self.clock.at += passing_s * clock.SECOND
        return await ask(self.app, method, target, headers, body)

    def headers(self, token: str, **more: str) -> Pairs:
        """What a client sends with a token by name."""
        pairs = [(b"host", b"127.0.0.1:8000"), (b"x-request-id", b"r1")]
        if token in self.tokens:
            pairs.append((b"authorization", f"Bearer {self.tokens[token]}".encode()))
        return pairs + [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in more.items()]


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    chosen = settings_with(state=tmp_path_factory.mktemp("state"), leaderboard_stale_after_ms=TTL_S * 1000)
    standing = TurnedClock(clock.now())
    async with build(chosen, now=standing) as services:
        for n, (member, total) in enumerate(zip(MEMBERS, ("500.00", "400.00", "300.00", "1.00"), strict=True)):
            form = OrderForm(member_id=member, currency="GBP", total=total)
            await services.intake.accept(form.order(f"A{n}", clock.now()), b"{}")
        await services.awarder.drain()
        await services.projector.catch_up()
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
        yield System(services, create_app(services, open_auth(chosen, standing)), tokens, standing)


@pytest.mark.parametrize(
    ("token", "member", "status"),
    [
        ("own", "m1", 200),
        ("own", "m4", 404),
        ("own", "nobody", 404),
        ("odd", "ann+1@example.com", 200),
        ("odd", "ann%2B1%40example.com", 200),
        ("new", "never-ordered", 200),
        ("reader", "m4", 200),
        ("reader", "nobody", 404),
        ("till", "m1", 403),
        ("expired", "m1", 401),
        ("forged", "m1", 401),
        ("garbage", "m1", 401),
        ("empty", "m1", 401),
        ("none", "m1", 401),
    ],
)
async def test_whoever_asks_for_whomever(system: System, token: str, member: str, status: int) -> None:
    assert (await system.ask("GET", f"/loyalty/{member}", system.headers(token)))[0] == status


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
        ("/loyalty/m1/", 404),
        ("//loyalty//m1", 404),
        ("//loyalty/m1", 404),
        ("/loyalty//m1", 404),
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
async def test_whatever_is_asked(system: System, target: str, status: int) -> None:
    def sealed(position: re.Match[str]) -> str:
        return system.services.dashboards.versions.seal.token(Version(1, {0: int(position[1])}))

    target = re.sub(r"SEALED-(\d+)", sealed, target)
    assert (await system.ask("GET", target, system.headers("own")))[0] == status


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "get", "TRACE"])
async def test_by_another_method(system: System, method: str) -> None:
    status, headers, _ = await system.ask(method, "/loyalty/m1", system.headers("own"))
    assert (status, dict(headers)[b"allow"]) == (405, b"GET, POST, OPTIONS")


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/loyalty/m1", b"GET, POST, OPTIONS"),
        ("/order/A1", b"POST, GET, OPTIONS"),
        ("/healthz", b"GET, HEAD, OPTIONS"),
        ("/", b"GET, HEAD, OPTIONS"),
        ("/members/number", b"GET, DELETE, OPTIONS"),
        ("/members/number/contact", b"GET, PUT, OPTIONS"),
    ],
)
async def test_what_an_address_takes(system: System, target: str, allow: bytes) -> None:
    status, headers, body = await system.ask("OPTIONS", target, system.headers("none"))
    assert (status, dict(headers)[b"allow"], body) == (204, allow, b"")


@pytest.mark.parametrize("target", ["/healthz", "/metrics", "/openapi.json"])
async def test_what_is_open_to_all_has_one_spelling(system: System, target: str) -> None:
    for spelt, status in (
        (target, 200),
        (f"{target}/", 404),
        (f"/{target}", 404),
        (f"/%{ord(target[1]):x}{target[2:]}", 404),
    ):
        assert (await system.ask("GET", spelt, system.headers("none")))[0] == status


async def test_a_server_that_speaks_more_is_told_so(system: System) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await system.app({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close"}]
    with pytest.raises(ValueError, match="lifespan"):
        await system.app({"type": "lifespan"}, receive, send)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("", 200),
        ("shop.example", 200),
        ("shop_api:8000", 200),
        ("[::1]:8000", 200),
        ("a" * 300, 200),
        ("a b", 400),
        ("a/b", 400),
        ("a@b", 400),
        ("127.0.0.1:x", 400),
        ("[::1", 400),
        ("\xe9", 400),
    ],
)
async def test_under_whatever_host(system: System, host: str, status: int) -> None:
    pairs = [pair for pair in system.headers("own") if pair[0] != b"host"]
    sent = host.encode("latin-1")
    assert (await system.ask("GET", "/loyalty/m1", [*pairs, (b"host", sent)]))[0] == status
    assert (await system.ask("GET", "/loyalty/m1", [*pairs, (b"host", b"a"), (b"host", sent)]))[0] == 400
    assert (await system.ask("GET", "/loyalty/m1", pairs))[0] == 400


async def test_what_did_not_change(system: System) -> None:
    _, headers, _ = await system.ask("GET", "/loyalty/m1", system.headers("own"))
    tag = dict(headers)[b"etag"].decode()
    for known, status in ((tag, 304), (f"W/{tag}", 304), ("*", 304), (f'"x",{tag}', 304), ("", 200), (tag[:-1], 200)):
        reply = await system.ask("GET", "/loyalty/m1", system.headers("own", if_none_match=known))
        assert reply[0] == status
    assert (await system.ask("GET", "/loyalty/m1?top=1", system.headers("own", if_none_match=tag)))[0] == 200


async def test_two_tokens_at_once_are_none(system: System) -> None:
    twice = [*system.headers("own"), *system.headers("reader")[-1:]]
    assert (await system.ask("GET", "/loyalty/m1", twice))[0] == 401


async def test_when_one_asks_too_often(system: System) -> None:
    system.clock.at += clock.MINUTE
    statuses = [(await system.ask("GET", "/loyalty/m1", system.headers("own"), passing_s=0))[0] for _ in range(601)]
    assert statuses[-1] == 429
    system.clock.at += clock.MINUTE


async def test_what_goes_wrong_inside(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Exception] = [BoardNotReady(), RuntimeError("not to be told"), KeyError("m1"), RecursionError()]
    for error in raised:

        async def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(system.services.dashboards, "member", fail)
        monkeypatch.setattr(system.services.dashboards, "try_read", lambda *_, **__: None)
        status, _, body = await system.ask("GET", "/loyalty/m1", system.headers("own"))
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
async def test_orders(system: System, body: bytes, headers: dict[str, str], status: int) -> None:
    first = await ask(system.app, "POST", "/order/B1", system.headers("till"), ORDER)
    assert first[0] in {200, 202}
    assert (await system.ask("POST", "/order/B1", system.headers("till", **headers), body))[0] == status


@pytest.mark.parametrize(
    ("token", "target", "status"),
    [
        ("till", "/order/B2", 202),
        ("till", "/order/B%2F1", 202),
        ("till", "/order/B2/", 404),
        ("till", "//order/B2", 404),
        ("till", "/order/%00", 422),
        ("till", "/order/", 404),
        ("till", "/order/B1?x=1", 422),
        ("own", "/order/B1", 422),
        ("reader", "/order/B1", 403),
        ("expired", "/order/B1", 401),
        ("none", "/order/B1", 401),
    ],
)
async def test_whoever_sends_an_order_wherever(system: System, token: str, target: str, status: int) -> None:
    await system.ask("POST", "/order/B1", system.headers("till"), ORDER)
    assert (await system.ask("POST", target, system.headers(token), ORDER))[0] == status


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
@settings(max_examples=150, deadline=None, print_blob=True)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=10))
async def test_any_request_at_all(system: System, requests: list[dict[str, Any]]) -> None:
    """Nothing is unforeseen, every answer carries what every answer has to, and the same request is answered alike."""
    for request in requests:
        known = request["if_none_match"]
        headers = system.headers(request["token"], **({} if known is None else {"if_none_match": known}))
        replies = [await system.ask(request["method"], request["path"] + request["query"], headers) for _ in range(2)]
        assert replies[0] == replies[1]
        status, told, body = replies[0]
        names = [name for name, _ in told]
        assert status < 500
        assert {b"x-request-id", b"content-security-policy"} <= {*names}
        assert len(names) == len({*names}), "each header once"
        assert (b"content-length" in names) == (status not in {204, 304})
        assert dict(told).get(b"content-length", b"0") == b"%d" % len(body)


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
    async with asyncio.timeout(60):
        await app(scope, receive, send)
    start, *bodies = sent
    return start["status"], list(start["headers"]), b"".join(message.get("body", b"") for message in bodies)
