"""People's tokens: the console signs them for five minutes, and the API knows its keys.

A token names its signer (`iss`) and whom it is for (`aud`), so that what an identity provider signs is never a
person's, whatever it says, and what the console signs is nothing else.
"""

import hashlib
import secrets
from collections.abc import Sequence

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from laurels import clock
from laurels.clock import Clock
from laurels.http.admission.callers import KIND, OF_PERSON
from laurels.http.admission.keys import FixedKeys, VerificationKey, read_keys
from laurels.http.admission.tokens import ALGORITHM, signing_key
from laurels.model.people import scopes_of
from laurels.settings import Settings

KID = "laurels-console"
"""What people's tokens call their key; it says which keys they are checked with."""

ISSUER, AUDIENCE = "laurels-console", "laurels"
LIFETIME_S = 300
TITLE = "people's tokens"


class PersonTokens:
    """Signs people's tokens. Costs some 50 us each."""

    def __init__(self, key: Ed25519PrivateKey, now: Clock = clock.now) -> None:
        self._key = key
        self._now = now

    def sign(self, sub: str, name: str, roles: Sequence[str]) -> str:
        """A token for one page, or one thing that is done: what it asks for is one look in the audit log."""
        now = self._now() // clock.SECOND
        claims = {
            KIND: OF_PERSON,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": sub,
            "name": name,
            "roles": [*roles],
            "scope": " ".join(sorted(scopes_of(roles))),
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": KID})


def console_key(settings: Settings) -> Ed25519PrivateKey:
    """The key that the console signs with, made at first use. Raises `SettingsError`."""
    return signing_key(settings.console_key_path, TITLE)


def cookie_secret(key: Ed25519PrivateKey) -> bytes:
    """32 bytes that close the console's cookies. They follow from its key, so that a restart, or a second process with
    the same key, reads them too.
    """
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return hashlib.blake2b(private, digest_size=32, person=b"laurels-cookie").digest()


def trusted_keys(settings: Settings, own: Ed25519PrivateKey | None = None) -> FixedKeys:
    """The keys whose tokens are people's: those of `auth.console_keys`, in `dev` mode the one under `state`, and the
    console's `own`, where it answers the API itself. Raises `SettingsError`.
    """
    keys: list[VerificationKey] = []
    if settings.auth.console_keys is not None:
        keys = read_keys(settings.auth.console_keys, "auth.console_keys")
    elif settings.auth.mode == "dev" and own is None:
        own = signing_key(settings.state / "console.key", TITLE)
    if own is not None:
        keys.append(VerificationKey(own.public_key(), (ALGORITHM,)))
    return FixedKeys(keys)
