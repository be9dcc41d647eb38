"""Refused: JWT with `none`, HS256 signed with the public key, a wrong `iss` or `aud`, expired, by another key; and
every other forgery that is known. Tried by a corpus of forged tokens.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.integration.http_shop import ALL_SCOPES, Shop, check_problem, open_shop
from tests.settings import settings_with

from laurels.clock import SECOND
from laurels.errors import NotSignedIn
from laurels.http import open_auth
from laurels.http.admission import limits
from laurels.http.admission.shared_tokens import shared_tokens
from laurels.http.admission.tokens import development_key
from laurels.http.native import IS_INSTALLED
from laurels.signed_tokens import LAST_S

pytestmark = pytest.mark.anyio

MEMBER, OTHER = "17850", "12346"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """One shop with a known member; it names the issuer and the audience that tokens have to name."""
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "FAILURES_PER_MINUTE", 60_000)  # or the last of them would be told to wait
        async with open_shop(state, auth_issuer="https://id.example", auth_audience="laurels") as shop:
            assert (await shop.order("A1", OTHER, "25.00")).status_code == 202
            await shop.settle()
            yield shop


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good member's token, changed; None takes one out."""
    good = {"sub": MEMBER, "iss": "https://id.example", "aud": "laurels", "exp": int(time.time()) + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


Forge = Callable[[Ed25519PrivateKey], str]


def signed(**changes: Any) -> Forge:
    return lambda key: jwt.encode(claims(**changes), key, "EdDSA")


def by_public_key(form: PublicFormat, encoding: Encoding) -> Forge:
    """HS256 with the public key as the shared secret, put together by hand since libraries refuse to."""

    def forge(key: Ed25519PrivateKey) -> str:
        secret = key.public_key().public_bytes(encoding, form)
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims())]
        text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = hmac.new(secret, text, hashlib.sha256).digest()
        return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    return forge


def header(text: str) -> Forge:
    encoded = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return lambda key: ".".join([encoded, *jwt.encode(claims(), key, "EdDSA").split(".")[1:]])


def put_together(head: str, payload: str) -> Forge:
    """Parts as they are given, well signed."""

    def forge(key: Ed25519PrivateKey) -> str:
        text = b".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (head, payload))
        return (text + b"." + base64.urlsafe_b64encode(key.sign(text)).rstrip(b"=")).decode()

    return forge


HEAD = '{"alg": "EdDSA", "typ": "JWT"}'


def said_more(name: str, value: str) -> str:
    """The claims of a good token and one more, whether it is there already or not."""
    return f'{json.dumps(claims())[:-1]}, "{name}": {value}}}'


FORGED: dict[str, Forge] = {
    "sub twice": put_together(HEAD, said_more("sub", f'"{MEMBER}"')),
    "aud twice": put_together(HEAD, said_more("aud", '"laurels"')),
    "exp twice, once hidden": put_together(HEAD, said_more("e\\u0078p", "4102444800")),
    "alg twice": put_together('{"alg": "none", "alg": "EdDSA"}', json.dumps(claims())),
    "more that has to be understood": put_together('{"alg": "EdDSA", "crit": ["x"], "x": 1}', json.dumps(claims())),
    "a payload that is not encoded": put_together('{"alg": "EdDSA", "b64": false}', json.dumps(claims())),
    "aud is an object": signed(aud={"laurels": 1}),
    "no aud of several": signed(aud=[]),
    "exp below zero": signed(exp=-5),
    "exp is true": signed(exp=True),
    "exp is NaN": signed(exp=float("nan")),
    "iss is a list": put_together(HEAD, json.dumps(claims() | {"iss": ["https://id.example"]})),
    "kid is a list": put_together('{"alg": "EdDSA", "kid": ["a"]}', json.dumps(claims())),
    "kid is the console's": put_together('{"alg": "EdDSA", "kid": "laurels-console"}', json.dumps(claims())),
    "alg in small letters": put_together('{"alg": "eddsa"}', json.dumps(claims())),
    "payload is a list": put_together(HEAD, "[]"),
    "deep payload": put_together(HEAD, said_more("x", "[" * 1500 + "]" * 1500)),
    "padded": lambda key: ".".join(f"{part}=" for part in jwt.encode(claims(), key, "EdDSA").split(".")),
    "four parts": lambda key: jwt.encode(claims(), key, "EdDSA") + ".x",
    "none": lambda key: jwt.encode(claims(), "", "none"),
    "none, signed": header('{"alg": "none"}'),
    "hs256 by the public key, raw": by_public_key(PublicFormat.Raw, Encoding.Raw),
    "hs256 by the public key, pem": by_public_key(PublicFormat.SubjectPublicKeyInfo, Encoding.PEM),
    "hs256 by the public key, der": by_public_key(PublicFormat.SubjectPublicKeyInfo, Encoding.DER),
    "hs512": lambda key: jwt.encode(claims(), "s" * 64, "HS512"),
    "another key": lambda key: jwt.encode(claims(), Ed25519PrivateKey.generate(), "EdDSA"),
    "wrong issuer": signed(iss="https://evil.example"),
    "no issuer": signed(iss=None),
    "wrong audience": signed(aud="another"),
    "no audience": signed(aud=None),
    "expired": signed(exp=int(time.time()) - 1),
    "no exp": signed(exp=None),
    "exp is no number": signed(exp="soon"),
    "exp beyond numbers": signed(exp=float("inf")),
    "exp is a text": signed(exp="4102444800"),
    "exp is a text with blanks": signed(exp=" 4_102_444_800 "),
    "exp is a text in other digits": signed(exp="\u0664\u0661\u0660\u0662\u0664\u0664\u0664\u0668\u0660\u0660"),
    "nbf is a text": signed(nbf="1"),
    "nbf beyond numbers": put_together(HEAD, said_more("nbf", "-1e400")),
    "nbf is null": put_together(HEAD, said_more("nbf", "null")),
    "iat is true": signed(iat=True),
    "not yet": signed(nbf=int(time.time()) + 86_400),
    "no sub": signed(sub=None),
    "sub is no text": signed(sub=17850),
    "sub is no id": signed(sub=".."),
    "sub has controls": signed(sub="a\x00", scope=ALL_SCOPES),
    "a service's scope is a number": signed(laurels="service", scope=5),
    "a service's scope is a list of more": signed(laurels="service", scope=["orders:write", {}]),
    "a service's scope is null": lambda key: jwt.encode(
        {**claims(), "laurels": "service", "scope": None}, key, "EdDSA"
    ),
    "a service's sources are an object": signed(laurels="service", scope="orders:write", sources={"shop": True}),
    "a service called member": signed(laurels="service", scope="orders:write", sub="member"),
    "issued tomorrow": signed(iat=int(time.time()) + 86_400),
    "cut": lambda key: jwt.encode(claims(), key, "EdDSA")[:-2],
    "two parts": lambda key: ".".join(jwt.encode(claims(), key, "EdDSA").split(".")[:2]),
    "another's signature": lambda key: ".".join(
        [
            jwt.encode(claims(), key, "EdDSA").rpartition(".")[0],
            jwt.encode(claims(sub=OTHER), key, "EdDSA").split(".")[2],
        ]
    ),
    "header is no object": header("[]"),
    "header names a list": header('{"alg": ["EdDSA"]}'),
    "deep header": header("[" * 5000),
    "garbage": lambda key: "garbage",
    "dots": lambda key: "...",
    "not ascii": lambda key: "\u00e9.\u00e9.\u00e9",
    "30 kB": lambda key: "e" * 30_000,
    "8 kB": lambda key: "e" * 8193,
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_a_401(shop: Shop, name: str) -> None:
    token = FORGED[name](development_key(shop.services.settings.state))
    headers = {b"Authorization": f"Bearer {token}".encode()}
    answer = await shop.client.get(f"/loyalty/{MEMBER}", headers=headers)
    check_problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_good_token_gets_in(shop: Shop) -> None:
    """So that the forged ones are refused for what is forged."""
    key = development_key(shop.services.settings.state)
    answer = await shop.ask("GET", f"/loyalty/{MEMBER}", token=jwt.encode(claims(), key, "EdDSA"))
    assert (answer.status_code, answer.json()["me"]["points"]) == (200, 0)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  x y", "Basic dDpw", "token"])
async def test_no_token_is_a_401(shop: Shop, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    check_problem(await shop.client.get(f"/loyalty/{MEMBER}", headers=headers), 401, "not-signed-in")


async def test_two_tokens_are_a_401(shop: Shop) -> None:
    good = f"Bearer {shop.token(member=MEMBER)}"
    answer = await shop.client.get(f"/loyalty/{MEMBER}", headers=[("Authorization", good), ("Authorization", good)])
    check_problem(answer, 401, "not-signed-in")


@pytest.mark.parametrize("exp", ["9223372036855", "1e19", "1e300", "9" * 400, "253402300800.5"])
async def test_a_token_that_holds_for_ever_is_only_a_token(tmp_path: Path, exp: str) -> None:
    """Beyond what the shared table, a clock or a stream can count; it is remembered here, and by the other workers."""
    header = b"Bearer " + put_together(HEAD, f'{{"sub": "{MEMBER}", "exp": {exp}}}')(development_key(tmp_path)).encode()
    with shared_tokens():
        first, caller = [await open_auth(settings_with(state=tmp_path)).caller([header]) for _ in range(2)]
        assert (caller.member_id, caller.expires) == (MEMBER, LAST_S * SECOND)
        assert caller == first
        assert not IS_INSTALLED or open_auth(settings_with(state=tmp_path)).remembered(header) == caller


async def test_a_remembered_token_expires(tmp_path: Path) -> None:
    state = settings_with(state=tmp_path)
    token = jwt.encode({"sub": MEMBER, "exp": int(time.time()) + 600}, development_key(tmp_path), "EdDSA").encode()
    instant = 0
    auth = open_auth(state, lambda: instant)
    caller = await auth.caller([b"Bearer " + token])
    assert await auth.caller([b"Bearer " + token]) is caller, "remembered"
    instant = (int(time.time()) + 601) * 1_000_000
    with pytest.raises(NotSignedIn, match="expired"):
        await auth.caller([b"Bearer " + token])


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_providers_clock_may_be_half_a_minute_ahead(shop: Shop, claim: str) -> None:
    key = development_key(shop.services.settings.state)
    for ahead, status in ((20, 200), (60, 401)):
        token = jwt.encode(claims(**{claim: int(time.time()) + ahead}), key, "EdDSA")
        assert (await shop.ask("GET", f"/loyalty/{MEMBER}", token=token)).status_code == status


async def test_one_of_several_audiences_is_enough(tmp_path: Path) -> None:
    settings = settings_with(state=tmp_path, auth_audience="web tills")
    key = development_key(tmp_path)
    for audience, is_let_in in (
        ("web", True),
        (["x", "tills"], True),
        ("web tills", False),
        ("x", False),
        (None, False),
    ):
        token = jwt.encode(claims(aud=audience, iss=None), key, "EdDSA").encode()
        if is_let_in:
            assert (await open_auth(settings).caller([b"Bearer " + token])).member_id == MEMBER
        else:
            with pytest.raises(NotSignedIn):
                await open_auth(settings).caller([b"Bearer " + token])
