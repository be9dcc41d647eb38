"""Who is asking: bearer tokens, checked once and remembered by digest until they expire.

A token without the claim `scope` is a member's own; one with it is a service's. Only asymmetric signatures are
accepted, by a list that no token can change, so neither `none` nor a public key used as a shared secret gets in.
"""

import hashlib
import ipaddress
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from laurels import clock
from laurels.clock import Clock
from laurels.errors import InvalidInput, NotSignedIn, SettingsError
from laurels.http.house import HttpSettings
from laurels.http.tokens import ALGORITHM, development_key
from laurels.model.ids import check_id

MAX_TOKEN_BYTES = 8192
"""Longer tokens are refused unread: no identity provider's is as long."""

MAX_SUBJECT = 255
REMEMBERED = 200_000
"""Checked tokens that are remembered: some 60 MB, one for each member who is online."""

_SCHEME = b"bearer "


class Caller(Struct, frozen=True):
    """Who is asking. `member_id` is None for a service; a member has no scopes. The token holds until `expires`."""

    subject: str
    member_id: str | None = None
    scopes: frozenset[str] = frozenset()
    expires: int = 0

    @property
    def actor(self) -> str:
        """What is kept with what the caller does. Of a member it is the id, which the ledger can erase."""
        return self.subject if self.member_id is None else self.member_id


class Auth:
    """Tells who sent a request. One for each process; a fresh check costs some 100 us, a remembered token 1 us."""

    def __init__(
        self,
        key: Ed25519PublicKey,
        algorithms: Sequence[str],
        *,
        issuer: str | None = None,
        audience: str | None = None,
        member_claim: str = "sub",
        now: Clock = clock.now,
    ) -> None:
        """`issuer` and `audience`: where given, a token has to name them."""
        self._key = key
        self._algorithms = tuple(algorithms)
        self._issuer = issuer
        self._audience = audience
        self._member_claim = member_claim
        self._now = now
        self._remembered: dict[bytes, tuple[Caller, int]] = {}

    def caller(self, authorization: Collection[bytes]) -> Caller:
        """Who sent these `Authorization` headers. Raises `NotSignedIn` unless it is one, with a valid token."""
        if len(authorization) != 1:
            raise NotSignedIn
        [header] = authorization
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise NotSignedIn
        token = header[len(_SCHEME) :].strip()
        if len(token) > MAX_TOKEN_BYTES:
            raise NotSignedIn(f"The token is not valid: it is longer than {MAX_TOKEN_BYTES} bytes.")
        # The digest, not the token: what is remembered lets nobody in.
        digest = hashlib.blake2b(token, digest_size=32).digest()
        caller, expires = self._remembered.get(digest, (None, 0))
        if caller is None or expires <= self._now():
            caller, expires = self._check(token)
            self._remember(digest, caller, expires)
        return caller

    def _remember(self, digest: bytes, caller: Caller, expires: int) -> None:
        self._remembered.pop(digest, None)
        if len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = caller, expires

    def _check(self, token: bytes) -> tuple[Caller, int]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=self._algorithms,
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp"], "verify_aud": self._audience is not None},
            )
            expires = int(claims["exp"]) * clock.SECOND
        except jwt.ExpiredSignatureError as error:
            raise NotSignedIn("The token has expired. Sign in again.") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            # Beside PyJWT's own errors there are those of reading what a forger wrote into the token's header.
            raise NotSignedIn("The token is not valid.") from error
        return self._caller(claims, expires), expires

    def _caller(self, claims: Mapping[str, Any], expires: int) -> Caller:
        subject, scope = claims.get("sub"), claims.get("scope")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
            raise NotSignedIn(f"The token is not valid: `sub` has to be a text of 1 to {MAX_SUBJECT} characters.")
        if "scope" not in claims:
            return Caller(subject, member_id=self._member(claims), expires=expires)
        if not isinstance(scope, str):
            raise NotSignedIn("The token is not valid: `scope` has to be a text, its scopes separated by spaces.")
        return Caller(subject, scopes=frozenset(scope.split()), expires=expires)

    def _member(self, claims: Mapping[str, Any]) -> str:
        member_id = claims.get(self._member_claim)
        try:
            return check_id(member_id if isinstance(member_id, str) else "", self._member_claim)
        except InvalidInput as error:
            raise NotSignedIn(f"The token is not valid: {error.message}.") from error


def open_auth(settings: HttpSettings, now: Clock = clock.now) -> Auth:
    """The check that the settings describe.

    Raises `SettingsError` for development tokens on an address that others can reach.
    """
    if settings.auth_mode != "dev":
        raise SettingsError(f"auth.mode is {settings.auth_mode}: this version has `dev` alone.")
    if not is_loopback(settings.http_host):
        raise SettingsError(
            f"http.host is {settings.http_host}: auth.mode `dev` is for one machine alone, so this has to be "
            "a loopback address such as 127.0.0.1."
        )
    return Auth(
        development_key(settings.state).public_key(),
        [ALGORITHM],
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        member_claim=settings.auth_member_claim,
        now=now,
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
