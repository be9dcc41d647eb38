"""The development key, and the tokens that it signs: for trying things out on one machine.

The key is made under `state` at first use, for its owner alone. A shop that is open to others names its identity
provider instead (`auth.mode`).
"""

from collections.abc import Sequence
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from laurels import clock
from laurels.errors import SettingsError
from laurels.http.admission.callers import read_services
from laurels.keyfile import read_secret, refusal, write_once
from laurels.settings import Settings

ALGORITHM = "EdDSA"
"""What the development key signs with (Ed25519)."""

SERVICE = ("laurels", "service")
"""The claim that makes a token of ours a service's."""

_TITLE = "development tokens"


def sign_token(settings: Settings, *, subject: str, scope: str | None, ttl_s: int, sources: Sequence[str] = ()) -> str:
    """A token for `ttl_s` seconds: a member's without `scope` (`subject` is the member's id), a service's with it,
    bound to `sources` where there are any.

    Makes the development key where there is none. Raises `SettingsError` where the key cannot be made or read, or where
    nothing would accept it.
    """
    if settings.auth.mode != "dev":
        raise SettingsError(
            f"auth.mode is {settings.auth.mode}: tokens are signed by your identity provider, not by `laurels token`."
        )
    now = clock.now() // clock.SECOND
    claims: dict[str, str | int | list[str]] = {"sub": subject, "iat": now, "exp": now + ttl_s}
    if scope is None:
        claims[settings.auth.member_claim] = subject
    else:
        claims |= _of_service(settings)
        claims[settings.auth.scope_claim] = " ".join(f"{settings.auth.scope_prefix}{each}" for each in scope.split())
        if sources:
            claims["sources"] = [*sources]
    if settings.auth.issuer is not None:
        claims["iss"] = settings.auth.issuer
    if settings.auth.audience is not None:
        claims["aud"] = settings.auth.audience.split()
    return jwt.encode(claims, development_key(settings.state), ALGORITHM)


def _of_service(settings: Settings) -> dict[str, str]:
    """What makes a token a service's: `laurels=service`, or what the settings have in its place."""
    if not settings.auth.services:
        raise SettingsError("auth.services is empty, so no token is a service's.")
    services = read_services(settings.auth.services)
    return dict([SERVICE if SERVICE in services else services[0]])


def development_key(state: Path) -> Ed25519PrivateKey:
    """The key under `state`, made at first use; processes that race for it end with the same one.

    Raises `SettingsError` where it cannot be made, or is not a key that only its owner can read.
    """
    return signing_key(state / "auth.key", _TITLE)


def signing_key(path: Path, title: str) -> Ed25519PrivateKey:
    """The private key in a file, made where there is none; `title` says in messages what it is for. Raises as above."""
    if not path.exists():
        _make(path, title)
    pem = read_secret(path, title)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):  # not kept as the cause: it may hold what was read
        raise refusal(path, title, "holds no private key. Remove it, and the next start makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise refusal(path, title, "holds no Ed25519 key. Remove it, and the next start makes one")
    return key


def _make(path: Path, title: str) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path, pem.decode("ascii"))
    except OSError as error:
        raise refusal(path, title, f"cannot be made: {error.strerror}. Check the state directory") from error
