"""Who is asking: bearer tokens, checked once and remembered by digest for ten minutes, or until they expire.

A token without the claim `scope`, or with OpenID Connect's own scopes alone, is a member's; any other is a
service's. Only asymmetric signatures are accepted, by a list that no token can change, so neither `none` nor a
public key used as a shared secret gets in.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jwt
from msgspec import Struct

from laurels import clock
from laurels.clock import MINUTE, Clock
from laurels.errors import InvalidInput, NotSignedIn, SettingsError
from laurels.http.exposure import check_exposure
from laurels.http.jwks import PublishedKeys
from laurels.http.keys import FindKeys, Key, fixed, read_keys
from laurels.http.tokens import ALGORITHM, development_key
from laurels.model.ids import check_id, is_printable
from laurels.settings import Settings

MAX_TOKEN_BYTES = 8192
"""Longer tokens are refused unread: no identity provider's is as long."""

MAX_SUBJECT = 255
REMEMBERED = 200_000
"""Checked tokens that are remembered: some 90 MB, one for each member who is online."""

REMEMBERED_FOR = 10 * MINUTE
"""Then a token is checked anew, so that a signing key that was taken back stops to count."""

SIGN_IN_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})
"""OpenID Connect's own (Core 1.0, 5.4 and 11): a token with these alone is that of a person who signed in."""

_SCHEME = b"bearer "
_NOBODY = None, 0


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
        find_keys: FindKeys,
        algorithms: Sequence[str],
        *,
        issuer: str | None = None,
        audience: str | None = None,
        member_claim: str = "sub",
        now: Clock = clock.now,
    ) -> None:
        """`issuer` and `audience`: where given, a token has to name them."""
        self._find_keys = find_keys
        self._algorithms = frozenset(algorithms)
        self._issuer = issuer
        self._audience = audience
        self._member_claim = member_claim
        self._now = now
        self._remembered: OrderedDict[bytes, tuple[Caller, int]] = OrderedDict()

    async def caller(self, authorization: Collection[bytes]) -> Caller:
        """Who sent these `Authorization` headers.

        Raises `NotSignedIn` unless it is one, with a valid token; `IssuerUnavailable` where that cannot be told now.
        """
        if len(authorization) != 1:
            raise NotSignedIn
        [header] = authorization
        caller = self.remembered(header)
        if caller is not None:
            return caller
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise NotSignedIn
        token = header[len(_SCHEME) :].strip()
        if len(token) > MAX_TOKEN_BYTES:
            raise NotSignedIn(f"The token is not valid: it is longer than {MAX_TOKEN_BYTES} bytes.")
        caller, expires = await self._check(token)
        self._remember(_digest(header), caller, min(expires, self._now() + REMEMBERED_FOR))
        return caller

    def remembered(self, header: bytes) -> Caller | None:
        """Who sent this `Authorization` header, where its token was checked lately; None where it has to be checked."""
        caller, until = self._remembered.get(_digest(header), _NOBODY)
        return caller if until > self._now() else None

    def _remember(self, digest: bytes, caller: Caller, until: int) -> None:
        self._remembered[digest] = caller, until
        self._remembered.move_to_end(digest)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def _check(self, token: bytes) -> tuple[Caller, int]:
        """The caller whom a token names, and when it expires. A check of the signature costs some 100 us."""
        try:
            algorithm, kid = _named(token)
            keys = [key for key in await self._find_keys(kid) if algorithm in self._algorithms & {*key.algorithms}]
            claims = self._verified(token, algorithm, keys)
            expires = int(claims["exp"]) * clock.SECOND
        except jwt.ExpiredSignatureError as error:
            raise NotSignedIn("The token has expired. Sign in again.") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            # Beside PyJWT's own errors there are those of reading what a forger wrote into the token's header.
            raise NotSignedIn("The token is not valid.") from error
        return self._caller(claims, expires), expires

    def _verified(self, token: bytes, algorithm: str, keys: Sequence[Key]) -> Mapping[str, Any]:
        """The claims under the first key that fits. The algorithm is the token's, which each of the keys may check."""
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key.public,
                    algorithms=[algorithm],
                    issuer=self._issuer,
                    audience=self._audience,
                    options={"require": ["exp"], "verify_aud": self._audience is not None},
                )
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError

    def _caller(self, claims: Mapping[str, Any], expires: int) -> Caller:
        subject, scope = claims.get("sub"), claims.get("scope")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not is_printable(subject):
            raise NotSignedIn(
                f"The token is not valid: `sub` has to be a text of 1 to {MAX_SUBJECT} printable characters."
            )
        if "scope" not in claims:
            return Caller(subject, member_id=self._member(claims), expires=expires)
        if not isinstance(scope, str):
            raise NotSignedIn("The token is not valid: `scope` has to be a text, its scopes separated by spaces.")
        scopes = frozenset(scope.split())
        if scopes and scopes <= SIGN_IN_SCOPES:
            return Caller(subject, member_id=self._member(claims), expires=expires)
        return Caller(subject, scopes=scopes, expires=expires)

    def _member(self, claims: Mapping[str, Any]) -> str:
        member_id = claims.get(self._member_claim)
        try:
            return check_id(member_id if isinstance(member_id, str) else "", self._member_claim)
        except InvalidInput as error:
            raise NotSignedIn(f"The token is not valid: {error.message}.") from error


def open_auth(settings: Settings, now: Clock = clock.now) -> Auth:
    """The check that the settings describe.

    Raises `SettingsError` for settings that contradict each other, for keys that cannot be taken, and for what must not
    be open to others.
    """
    check_exposure(settings)
    find_keys, algorithms = _keys(settings, now)
    return Auth(
        find_keys,
        algorithms,
        issuer=settings.auth.issuer,
        audience=settings.auth.audience,
        member_claim=settings.auth.member_claim,
        now=now,
    )


def _keys(settings: Settings, now: Clock) -> tuple[FindKeys, Sequence[str]]:
    """Where the keys come from, and the algorithms that are accepted."""
    mode, url, file = settings.auth.mode, settings.auth.jwks_url, settings.auth.keys_file
    for setting, value, its_mode in (("auth.jwks_url", url, "jwks"), ("auth.keys_file", file, "keys")):
        if value is not None and mode != its_mode:
            raise SettingsError(
                f"{setting} is set, but auth.mode is {mode}. Set auth.mode to {its_mode}, or take it out."
            )
    if mode == "dev":
        public = development_key(settings.state).public_key()
        return fixed([Key(public, (ALGORITHM,))]), [ALGORITHM]
    if not settings.auth.algorithms:
        raise SettingsError("auth.algorithms is empty, so no token could be valid. Leave it out for the usual ones.")
    if url is not None:
        return PublishedKeys(url, now).find, settings.auth.algorithms
    if file is not None:
        return fixed(read_keys(file)), settings.auth.algorithms
    if mode == "jwks":
        raise SettingsError("auth.mode is jwks: auth.jwks_url has to say where the signing keys are published.")
    raise SettingsError("auth.mode is keys: auth.keys_file has to name a PEM file of the public keys that sign tokens.")


def _digest(header: bytes) -> bytes:
    """What a header is remembered by. Not the header: what is remembered lets nobody in."""
    return hashlib.blake2b(header, digest_size=32).digest()


def _named(token: bytes) -> tuple[str, str | None]:
    """The algorithm and the key that a token names. Raises `PyJWTError` and what reading a forged header raises."""
    header = jwt.get_unverified_header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise jwt.InvalidAlgorithmError
    return algorithm, kid if isinstance(kid, str) else None
