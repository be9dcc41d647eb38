"""Signing in with an identity provider's published keys: a real provider on loopback, with all that can go wrong."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.integration.http_shop import check_problem, open_shop
from tests.integration.identity_provider import Answer, IdentityProvider, identity_provider, jwk, send
from tests.ports import free_port
from tests.settings import settings_with

from laurels.clock import HOUR, MINUTE, SECOND
from laurels.errors import IssuerUnavailable, NotSignedIn
from laurels.http import open_auth
from laurels.http.admission import jwks
from laurels.http.admission.auth import Auth
from laurels.http.admission.fetching import MOST_BYTES
from laurels.http.admission.jwks import OLD_AFTER
from laurels.testing.ledger_contract.base import TurnedClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def now() -> TurnedClock:
    return TurnedClock(time.time_ns() // 1000)


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def auth(provider: IdentityProvider, now: TurnedClock) -> Auth:
    return open_auth(settings_with(auth_mode="jwks", auth_jwks_url=provider.url), now)


async def let_in(auth: Auth, token: str) -> str | None:
    return (await auth.caller([f"Bearer {token}".encode()])).member_id


async def refused(auth: Auth, token: str) -> None:
    with pytest.raises(NotSignedIn, match="not valid"):
        await let_in(auth, token)


async def test_over_http(provider: IdentityProvider, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"auth_mode": "jwks", "auth_jwks_url": provider.url, "auth_member_claim": "customer"}
    async with open_shop(tmp_path, **settings) as shop:
        token = provider.token("first", sub="idp|1", customer="ann")
        answer = await shop.ask("GET", "/loyalty/ann", token=token)
        assert (answer.status_code, answer.json()["me"]["points"]) == (200, 0)
        check_problem(await shop.ask("GET", "/loyalty/idp%7C1", token=token), 404, "not-found")
        provider.answer = lambda request: send(request, b"", 500)
        provider.add("second")
        check_problem(await shop.ask("GET", "/loyalty/ann", token=provider.token("second")), 401, "not-signed-in")
    assert provider.fetched == 1, "an unknown key is not asked for again within ten seconds"


async def test_without_any_key_it_is_a_503(tmp_path: Path, provider: IdentityProvider) -> None:
    provider.answer = lambda request: send(request, b"", 500)
    async with open_shop(tmp_path, auth_mode="jwks", auth_jwks_url=provider.url) as shop:
        answer = await shop.ask("GET", "/loyalty/17850", token=provider.token("first"))
        check_problem(answer, 503, "issuer-unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 11
        assert (await shop.client.get("/healthz")).status_code == 200


async def test_keys_of_each_kind_check_their_own_algorithms(provider: IdentityProvider, auth: Auth) -> None:
    provider.add("rsa", rsa.generate_private_key(65537, 2048))
    provider.add("p256", ec.generate_private_key(ec.SECP256R1()))
    for kid in ("rsa", "p256", "first"):
        assert await let_in(auth, provider.token(kid)) == "17850"
    provider.keys["swapped"] = provider.keys["p256"]
    await refused(auth, provider.token("swapped"))
    assert provider.fetched == 1


async def test_an_algorithm_that_is_not_listed_is_refused(provider: IdentityProvider, now: TurnedClock) -> None:
    settings = settings_with(auth_mode="jwks", auth_jwks_url=provider.url, auth_algorithms=("RS256",))
    await refused(open_auth(settings, now), provider.token("first"))


async def test_a_new_key_is_fetched_once_it_is_used(provider: IdentityProvider, auth: Auth, now: TurnedClock) -> None:
    await let_in(auth, provider.token("first"))
    provider.add("second")
    now.at += 11 * SECOND
    await let_in(auth, provider.token("second"))
    await let_in(auth, provider.token("first"))
    assert provider.fetched == 2


async def test_unknown_keys_cause_one_fetch_in_ten_seconds(
    provider: IdentityProvider, auth: Auth, now: TurnedClock
) -> None:
    forged = IdentityProvider(0)
    for n in range(50):
        forged.add(f"k{n}")
    await asyncio.gather(*(refused(auth, forged.token(f"k{n}")) for n in range(25)))
    assert provider.fetched == 1
    now.at += 9 * SECOND
    await asyncio.gather(*(refused(auth, forged.token(f"k{n}")) for n in range(25, 50)))
    assert provider.fetched == 1
    now.at += 2 * SECOND
    await refused(auth, forged.token("k0"))
    assert provider.fetched == 2


async def test_a_clock_that_is_set_back_does_not_stop_the_fetching(
    provider: IdentityProvider, auth: Auth, now: TurnedClock
) -> None:
    await let_in(auth, provider.token("first"))
    now.at -= 3 * MINUTE
    provider.add("second")
    assert await let_in(auth, provider.token("second")) == "17850"


async def test_known_keys_go_on_while_the_provider_is_away(
    provider: IdentityProvider, auth: Auth, now: TurnedClock
) -> None:
    await let_in(auth, provider.token("first"))
    provider.answer = lambda request: send(request, b"", 503)
    now.at += 30 * MINUTE
    later = now.at // SECOND + 600
    assert await let_in(auth, provider.token("first", exp=later)) == "17850"
    provider.add("second")
    with pytest.raises(IssuerUnavailable):
        await let_in(auth, provider.token("second", exp=later))
    provider.answer = None
    now.at += 11 * SECOND
    assert await let_in(auth, provider.token("second", exp=later)) == "17850"


EMPTY: dict[str, bytes] = {
    "empty": b'{"keys": []}',
    "of other kinds": b'{"keys": [null, 1, {}, {"kty": "RSA"}, {"kty": "RSA", "n": 5, "e": 3}, {"kty": "OKP"}]}',
    "shared": b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}',
    "weak": json.dumps({"keys": [jwk("first", rsa.generate_private_key(65537, 1024))]}).encode(),
    "another of that name": json.dumps({"keys": [jwk("first", ec.generate_private_key(ec.SECP256R1()))]}).encode(),
}


@pytest.mark.parametrize("name", [*EMPTY, "without it"])
async def test_a_key_that_was_taken_back_ends_with_the_next_set(
    provider: IdentityProvider, auth: Auth, now: TurnedClock, name: str
) -> None:
    """Whatever else is in the set; and for a token that was checked before, at once."""
    token, another = provider.token("first"), provider.token("first", jti="another")
    await let_in(auth, token)
    if name == "without it":
        del provider.keys["first"]
        provider.add("second")
    else:
        provider.answer = garbage(EMPTY[name])
    assert await let_in(auth, token) == "17850", "nobody has asked since"
    now.at += OLD_AFTER + SECOND
    assert await let_in(auth, another) == "17850", "which begins a fetch in the background"
    assert isinstance(auth._keys, jwks.PublishedKeys)
    assert auth._keys._fetch is not None
    await auth._keys._fetch
    for each in (token, another):
        await refused(auth, each)


@pytest.mark.parametrize("status", [404, 410, 500])
async def test_keys_that_nobody_confirms_end_after_a_day(
    provider: IdentityProvider, auth: Auth, now: TurnedClock, status: int
) -> None:
    """No answer and a wrong one are no set of keys: they end nothing, but not for ever."""
    tokens = [provider.token("first", exp=now.at // SECOND + 200_000, jti=str(n)) for n in range(3)]
    await let_in(auth, tokens[0])
    provider.answer = lambda request: send(request, b"", status)
    now.at += 24 * HOUR - SECOND
    assert await let_in(auth, tokens[1]) == "17850"
    now.at += 2 * SECOND
    for token in tokens:
        with pytest.raises(IssuerUnavailable):
            await let_in(auth, token)
    provider.answer = None
    now.at += 11 * SECOND
    assert await let_in(auth, tokens[2]) == "17850"


async def test_the_greatest_age_is_a_setting(provider: IdentityProvider, now: TurnedClock) -> None:
    auth = open_auth(settings_with(auth_mode="jwks", auth_jwks_url=provider.url, auth_keys_max_age_h=1), now)
    token = provider.token("first", exp=now.at // SECOND + 20_000)
    await let_in(auth, token)
    provider.answer = lambda request: send(request, b"", 503)
    now.at += HOUR + SECOND
    with pytest.raises(IssuerUnavailable):
        await let_in(auth, token)


PATIENCE_S = 60.0
"""What is dripped has no end: whoever waits for it is not back by then."""

DRIPS: dict[str, bytes] = {
    "nothing": b"",
    "the status": b"HTTP/1.1 2",
    "a header": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: ",
    "the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "a body up to the end": b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n",
}


@pytest.mark.parametrize("name", DRIPS)
@pytest.mark.parametrize("drop", [b"x", None], ids=["drips", "is silent"])
async def test_nobody_waits_for_a_slow_provider_longer_than_a_fetch(
    provider: IdentityProvider, auth: Auth, monkeypatch: pytest.MonkeyPatch, name: str, drop: bytes | None
) -> None:
    """One byte now and then is no answer, wherever in it; the event loop goes on meanwhile."""
    monkeypatch.setattr(jwks, "FETCH_WITHIN_S", 0.5)
    leave = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(DRIPS[name])
        while not leave.wait(0.02):
            try:
                request.wfile.write(drop or b"")
            except OSError:
                return

    provider.answer = drip
    try:
        await waits_no_longer(auth, provider.token("first"))
    finally:
        leave.set()


async def test_nor_for_one_that_never_shakes_hands(now: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "FETCH_WITHIN_S", 0.5)
    elsewhere = IdentityProvider(0)
    elsewhere.add("first")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        await waits_no_longer(
            open_auth(settings_with(auth_mode="jwks", auth_jwks_url=url), now), elsewhere.token("first")
        )


async def waits_no_longer(auth: Auth, token: str) -> None:
    turns = 0
    asking = asyncio.create_task(let_in(auth, token))
    async with asyncio.timeout(PATIENCE_S):
        while not asking.done():
            await asyncio.sleep(0.001)
            turns += 1
    with pytest.raises(IssuerUnavailable):
        await asking
    assert turns > 3, "the event loop was blocked"


@pytest.mark.parametrize("sent", ["Content-Length", "chunked", "up to the end", "in pieces", "after hints"])
async def test_every_way_to_send_a_body_is_read(provider: IdentityProvider, auth: Auth, sent: str) -> None:
    body = json.dumps({"keys": [jwk(kid, key) for kid, key in provider.keys.items()]}).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        head = {
            "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
            % (len(body), body),
            "up to the end": b"HTTP/1.0 200 OK\r\n\r\n" + body,
            "after hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
            b"HTTP/1.1 200 OK\r\n\r\n" + body,
        }.get(sent, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        for n in range(0, len(head), 7 if sent == "in pieces" else len(head)):
            request.wfile.write(head[n : n + (7 if sent == "in pieces" else len(head))])
            request.wfile.flush()
        request.close_connection = True

    provider.answer = answer
    assert await let_in(auth, provider.token("first")) == "17850"


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nX",
        b"\x1b[2Jnot HTTP",
    ],
)
async def test_half_an_answer_is_none_and_none_of_it_is_logged(
    provider: IdentityProvider, auth: Auth, cut: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    def hang_up(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(cut)
        request.close_connection = True

    provider.answer = hang_up
    with pytest.raises(IssuerUnavailable):
        await let_in(auth, provider.token("first"))
    logged = capsys.readouterr().out
    assert "auth.keys_not_fetched" in logged
    assert "\x1b" not in logged
    assert "tenant" not in logged, "what is asked for may be a secret"


async def test_redirects_are_not_followed(provider: IdentityProvider, auth: Auth) -> None:
    with identity_provider() as evil:
        provider.answer = lambda request: send(request, b"", 302, Location=evil.url)
        with pytest.raises(IssuerUnavailable):
            await let_in(auth, evil.token("first"))
        assert evil.fetched == 0


def garbage(body: bytes, status: int = 200) -> Answer:
    return lambda request: send(request, body, status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": null}',
        b'{"keys": {}}',
        b"[" * 100_000,
        b'{"keys": "' + b"x" * MOST_BYTES + b'"}',
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_garbage_is_no_set_of_keys(provider: IdentityProvider, auth: Auth, body: bytes) -> None:
    provider.answer = garbage(body)
    with pytest.raises(IssuerUnavailable):
        await let_in(auth, provider.token("first"))


async def test_garbage_does_not_take_known_keys_away(provider: IdentityProvider, auth: Auth, now: TurnedClock) -> None:
    await let_in(auth, provider.token("first"))
    provider.answer = garbage(b'{"keys": {}}')
    now.at += 11 * SECOND
    provider.add("second")
    with pytest.raises(IssuerUnavailable):
        await let_in(auth, provider.token("second"))
    assert await let_in(auth, provider.token("first", jti="another")) == "17850"


async def test_nobody_listens(now: TurnedClock) -> None:
    auth = open_auth(settings_with(auth_mode="jwks", auth_jwks_url=f"http://127.0.0.1:{free_port()}/"), now)
    elsewhere = IdentityProvider(0)
    elsewhere.add("first")
    with pytest.raises(IssuerUnavailable):
        await let_in(auth, elsewhere.token("first"))
