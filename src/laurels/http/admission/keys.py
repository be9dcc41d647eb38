"""The public keys that tokens are checked with: which are strong enough, and what each may check.

They come from a PEM file (`auth.keys_file`) or from the identity provider's address (`jwks.py`).
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from msgspec import Struct

from laurels.errors import SettingsError

LEAST_RSA_BITS = 2048
MOST_BYTES = 256 * 1024
"""A longer file is not a set of keys."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class VerificationKey(Struct, frozen=True):
    """A public key, and the algorithms that it may check. `kid` is the name that tokens call it by."""

    public: PublicKey
    algorithms: tuple[str, ...]
    kid: str | None = None


class Keys(Protocol):
    """Where keys come from."""

    known: Sequence[VerificationKey]
    """Those that count now, as far as that is known without asking."""

    on_change: Callable[[], None]
    """Called when `known` may be another."""

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        """The keys that may have signed a token with this `kid`; none where no key has that name."""

    def trusted_until(self) -> int:
        """The instant from which what is known now no longer counts."""


def identity(key: VerificationKey) -> tuple[object, ...]:
    """What makes a key the same one: a name can be given to another, and what a key may check can change."""
    return key.kid, key.algorithms, key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def algorithms_of(public: object) -> tuple[str, ...]:
    """The algorithms that a key may check. Raises `ValueError`, saying why, for a weak key or one of another kind."""
    match public:
        case RSAPublicKey():
            if public.key_size < LEAST_RSA_BITS:
                raise ValueError(f"an RSA key of {public.key_size} bits is weak: {LEAST_RSA_BITS} or more are needed")
            return ("RS256", "PS256")
        case EllipticCurvePublicKey():
            if public.curve.name != SECP256R1.name:
                raise ValueError(f"an elliptic curve key on {public.curve.name}: only P-256 is taken")
            return ("ES256",)
        case Ed25519PublicKey():
            return ("EdDSA",)
    raise ValueError("a key of another kind: RSA, P-256 and Ed25519 are taken")


class FixedKeys:
    """Keys that stay: those of a file have no names, so each is tried for every token."""

    def __init__(self, keys: Sequence[VerificationKey]) -> None:
        self.known = keys
        self.on_change: Callable[[], None] = lambda: None

    async def find(self, _: str | None) -> Sequence[VerificationKey]:
        """All of them."""
        return self.known

    def trusted_until(self) -> int:
        """For ever."""
        return sys.maxsize


def read_keys(path: Path, setting: str = "auth.keys_file") -> list[VerificationKey]:
    """The public keys in a PEM file, one or several, which this setting names.

    Raises `SettingsError`, saying what to do, for a file that cannot be read or that others may write, for a private or
    weak key, and where there is none.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES)
        writable = path.stat().st_mode & 0o022
    except OSError as error:
        raise _refusal(setting, path, f"cannot be read: {error.strerror}") from error
    if writable:
        raise _refusal(setting, path, f"can be written by others, who could let anybody in. Run: chmod go-w '{path}'")
    if b"PRIVATE KEY" in text:
        raise _refusal(
            setting,
            path,
            "holds a private key. Only the public one belongs here, and whoever read this file could sign tokens. "
            "Make it with: openssl pkey -in PRIVATE.pem -pubout",
        )
    keys = [_read(setting, path, number, block[0], block[1]) for number, block in enumerate(_BLOCK.finditer(text), 1)]
    if not keys:
        raise _refusal(setting, path, "holds no public key: a block that begins with -----BEGIN PUBLIC KEY-----")
    return keys


def _read(setting: str, path: Path, number: int, pem: bytes, label: bytes) -> VerificationKey:
    if label not in {b"PUBLIC KEY", b"RSA PUBLIC KEY"}:
        raise _refusal(
            setting, path, f"holds a {label.decode().lower()} as block {number}, and only public keys are taken"
        )
    try:
        public = load_pem_public_key(pem)
        algorithms = algorithms_of(public)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _refusal(setting, path, f"holds a key (block {number}) that cannot be taken: {error}") from error
    assert isinstance(public, PublicKey)
    return VerificationKey(public, algorithms)


def _refusal(setting: str, path: Path, reason: str) -> SettingsError:
    return SettingsError(f"{setting}, {path}, {reason}.")
