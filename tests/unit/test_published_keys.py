"""What is read of an identity provider's published keys, and which addresses of them are taken."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.integration.identity_provider import jwk
from tests.settings import settings_with

from laurels.errors import SettingsError
from laurels.http import open_auth
from laurels.http.admission.jwks import parse_keys


def test_weak_private_and_foreign_keys_are_left_out() -> None:
    good = jwk("good", ec.generate_private_key(ec.SECP256R1()))
    private = {**jwk("private", rsa.generate_private_key(65537, 2048)), "d": "AQAB"}
    left_out = [
        jwk("weak", rsa.generate_private_key(65537, 1024)),
        jwk("p384", ec.generate_private_key(ec.SECP384R1())),
        {**good, "use": "enc"},
        private,
    ]
    keys = parse_keys(json.dumps({"keys": [*left_out, good]}).encode())
    assert [(key.kid, key.algorithms) for key in keys] == [("good", ("ES256",))]


ODD: list[object] = [
    None,
    True,
    5,
    -1,
    1e300,
    "",
    " ",
    "none",
    "HS256",
    "AA",
    "==",
    "\0",
    "\u0661",
    [],
    [5],
    {},
    {"a": []},
]
FIELDS = ("kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "d", "p", "k", "x5c", "x5u", "oth")


@pytest.mark.parametrize("kind", ["rsa", "ec", "okp"])
def test_whatever_stands_in_a_key_the_others_count(kind: str) -> None:
    """So that one odd key in a set keeps neither a new one out, nor one that was taken back in."""
    odd = {
        "rsa": lambda: jwk("odd", rsa.generate_private_key(65537, 2048)),
        "ec": lambda: jwk("odd", ec.generate_private_key(ec.SECP256R1())),
        "okp": lambda: jwk("odd", Ed25519PrivateKey.generate()),
    }[kind]()
    good = jwk("good", Ed25519PrivateKey.generate())
    for field in FIELDS:
        for value in ODD:
            keys = parse_keys(json.dumps({"keys": [{**odd, field: value}, good]}).encode())
            assert keys[-1].kid == "good", (field, value)


@pytest.mark.parametrize(("operations", "counts"), [(["verify"], True), (["encrypt"], False), ([], False)])
def test_a_key_that_is_for_something_else_is_left_out(operations: list[str], *, counts: bool) -> None:
    published = {**jwk("rsa", rsa.generate_private_key(65537, 2048)), "key_ops": operations}
    assert bool(parse_keys(json.dumps({"keys": [published]}).encode())) is counts


def test_a_key_checks_no_more_than_it_says() -> None:
    published = {**jwk("rsa", rsa.generate_private_key(65537, 2048)), "alg": "PS256"}
    [key] = parse_keys(json.dumps({"keys": [published]}).encode())
    assert key.algorithms == ("PS256",)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/jwks",
        "http://192.0.2.1/",
        "http://127.0.0.1.evil.example/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "id.example",
        "",
        "https://",
        "https://[/",
        "https://user:password@id.example/",
        "https://id.example:port/",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="jwks_url"):
        open_auth(settings_with(auth_mode="jwks", auth_jwks_url=url))


@pytest.mark.parametrize("url", ["https://id.example/jwks.json", "http://localhost:8080/", "http://[::1]/keys"])
def test_addresses_that_are_taken(url: str) -> None:
    open_auth(settings_with(auth_mode="jwks", auth_jwks_url=url))
