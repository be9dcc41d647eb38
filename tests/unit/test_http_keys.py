"""Settings of signing in: key files, and what must not be open to others."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.settings import settings_with

from laurels.dashboard.names import PUBLISHED_KEY
from laurels.errors import NotSignedIn, SettingsError
from laurels.http import open_auth
from laurels.http.admission.keys import MOST_BYTES, read_keys
from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings

pytestmark = pytest.mark.anyio

Signer = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = Ed25519PrivateKey.generate()
WEAK = rsa.generate_private_key(65537, 1024)


def public(key: Any, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, form)
    return pem


def private(key: Any, form: PrivateFormat) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return pem


@pytest.fixture
def keys_file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "keys.pem"
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    return write


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "PS256"), (P256, "ES256"), (ED25519, "EdDSA")],
    ids=lambda each: str(each)[:5],
)
async def test_a_key_of_a_file_checks_its_tokens(
    keys_file: Callable[[bytes], Path], key: Signer, algorithm: str
) -> None:
    """Whatever stands around the blocks, and whichever of several keys signed."""
    path = keys_file(
        b"# ours\n" + public(P256) + b"\r\n\r\n" + public(RSA, PublicFormat.PKCS1) + public(ED25519) + b"end"
    )
    auth = open_auth(settings_with(auth_mode="keys", auth_keys_file=path))
    token = jwt.encode({"sub": "17850", "exp": int(time.time()) + 60}, key, algorithm, {"kid": "any"})
    assert (await auth.caller([f"Bearer {token}".encode()])).member_id == "17850"


async def test_another_key_does_not(keys_file: Callable[[bytes], Path]) -> None:
    auth = open_auth(settings_with(auth_mode="keys", auth_keys_file=keys_file(public(ED25519) + public(P256))))
    for other, algorithm in ((Ed25519PrivateKey.generate(), "EdDSA"), (RSA, "RS256")):
        token = jwt.encode({"sub": "17850", "exp": int(time.time()) + 60}, other, algorithm)
        with pytest.raises(NotSignedIn):
            await auth.caller([f"Bearer {token}".encode()])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no public key"),
        (b"\xff" * 100, "holds no public key"),
        (public(P256)[:-10], "holds no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "block 1"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "holds a certificate as block 1"),
        (public(P256) + public(WEAK), r"block 2.*1024 bits is weak: 2048"),
        (public(ec.generate_private_key(ec.SECP384R1())), "secp384r1: only P-256"),
        (public(ed448.Ed448PrivateKey.generate()), "another kind"),
        (private(ED25519, PrivateFormat.PKCS8), "holds a private key.*openssl pkey"),
        (public(P256) + private(P256, PrivateFormat.TraditionalOpenSSL), "holds a private key"),
        (private(RSA, PrivateFormat.TraditionalOpenSSL)[:60], "holds a private key"),
        (b"x" * MOST_BYTES + public(P256), "holds no public key"),
    ],
    ids=lambda each: repr(each)[:30],
)
def test_files_that_are_refused(keys_file: Callable[[bytes], Path], content: bytes, reason: str) -> None:
    path = keys_file(content)
    with pytest.raises(SettingsError, match=reason) as refusal:
        read_keys(path)
    assert str(path) in refusal.value.message
    assert "AAAA" not in refusal.value.message, "what was read is not told"


def test_a_file_that_others_write_lets_anybody_in(keys_file: Callable[[bytes], Path]) -> None:
    path = keys_file(public(P256))
    path.chmod(0o664)
    with pytest.raises(SettingsError, match="chmod go-w"):
        read_keys(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_keys(path)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"auth_mode": "jwks"}, "auth.jwks_url has to say where"),
        ({"auth_console_keys": Path("none.pem")}, r"^auth\.console_keys, none\.pem, cannot be read"),
        ({"auth_mode": "keys"}, "auth.keys_file has to name"),
        ({"auth_mode": "dev", "auth_jwks_url": "https://id.example"}, "Set auth.mode to jwks"),
        ({"auth_mode": "dev", "auth_keys_file": Path("keys.pem")}, "Set auth.mode to keys"),
        ({"auth_mode": "jwks", "auth_keys_file": Path("keys.pem")}, "Set auth.mode to keys"),
        ({"auth_mode": "jwks", "auth_jwks_url": "https://id.example", "auth_algorithms": ()}, "algorithms is empty"),
    ],
)
def test_settings_that_contradict_each_other(tmp_path: Path, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        open_auth(settings_with(state=tmp_path, **settings))


def for_others(tmp_path: Path, key: bytes = bytes(range(1, 33)), **changes: Any) -> Settings:
    """Settings that are good for an address which others can reach, changed."""
    path = tmp_path / "names.key"
    path.write_text(key.hex())
    path.chmod(0o600)
    good: dict[str, Any] = {
        "state": tmp_path,
        "http_host": "0.0.0.0",
        "auth_mode": "jwks",
        "auth_jwks_url": "https://id.example/jwks.json",
        "auth_issuer": "https://id.example",
        "auth_audience": "laurels",
    }
    return settings_with(**(good | changes))


def test_an_address_that_others_reach(tmp_path: Path) -> None:
    open_auth(for_others(tmp_path))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"auth_mode": "dev", "auth_jwks_url": None}, "one machine alone"),
        ({"auth_issuer": None}, "auth.issuer has to be set.*another application"),
        ({"auth_audience": None}, "auth.audience has to be set"),
    ],
)
def test_what_must_not_be_open_to_others(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        open_auth(for_others(tmp_path, **changes))
    open_auth(for_others(tmp_path, **changes, http_host="127.0.0.1"))


def test_the_published_key_of_the_proxy_names_is_for_trying_out(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"published test vectors.*openssl rand"):
        open_auth(for_others(tmp_path, PUBLISHED_KEY))
    open_auth(for_others(tmp_path, PUBLISHED_KEY, http_host="::1"))


def test_development_tokens_are_not_signed_for_nobody(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="identity provider"):
        sign_token(for_others(tmp_path), subject="17850", scope=None, ttl_s=60)
    assert not (tmp_path / "auth.key").exists()
