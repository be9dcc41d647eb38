"""Who is asking: bearer tokens, checked once and remembered by digest for ten minutes, or until they expire.

Only asymmetric signatures are accepted, by a list that no token can change. `exp` holds to the second here.
"""

from collections.abc import Collection, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laurels import clock
from laurels.clock import MINUTE, Clock
from laurels.errors import NotSignedIn, SettingsError
from laurels.http.admission.callers import Caller, Callers, person_of, read_services, read_sources
from laurels.http.admission.jwks import PublishedKeys
from laurels.http.admission.keys import FixedKeys, Keys, VerificationKey, read_keys
from laurels.http.admission.person_tokens import AUDIENCE, ISSUER, KID, trusted_keys
from laurels.http.admission.shared_tokens import name_of
from laurels.http.admission.startup_checks import check_exposure
from laurels.http.admission.token_table import new_token_table
from laurels.http.admission.tokens import ALGORITHM, development_key
from laurels.settings import Settings
from laurels.signed_tokens import ExpiredToken, InvalidToken, expiry_s, header_of, verified

MAX_TOKEN_BYTES = 8192
"""Longer tokens are refused unread: no identity provider's is as long."""

REMEMBERED = 200_000
"""Checked tokens that are remembered: some 90 MB, one for each member who is online."""

REMEMBERED_FOR = 10 * MINUTE
"""Then a token is checked anew: a signing key that was taken back counts no more."""

_SCHEME = b"bearer "
_EXPIRED = "The token has expired. Sign in again."


class Auth:
    """Tells who sent a request. One for each process; a fresh check costs some 100 us, a remembered token 1 us."""

    def __init__(
        self,
        keys: Keys,
        algorithms: Sequence[str],
        *,
        callers: Callers,
        issuer: str | None = None,
        audience: Sequence[str] | None = None,
        people: Keys | None = None,
        now: Clock = clock.now,
    ) -> None:
        """`issuer` and one `audience`: where given, a token has to name them. `people`: the consoles' keys."""
        self._people = FixedKeys([]) if people is None else people
        self._keys = keys
        keys.on_change = self._follow_keys
        self._algorithms = frozenset(algorithms)
        self._callers = callers
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._settings = repr((issuer, audience, sorted(self._algorithms), callers))
        self.table = new_token_table(REMEMBERED)
        self._trusted: set[int] = set()
        self._follow_keys()

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
        caller, expires, key = await self._check(token)
        until = min(expires, self._now() + REMEMBERED_FOR, self._keys.trusted_until())
        self.table.put(header, caller, caller.member_id, until)
        if caller.member_id is not None:
            self.table.share(header, caller.member_id, until, expires, name_of(key, self._settings))
        return caller

    def remembered(self, header: bytes) -> Caller | None:
        """Who sent this `Authorization` header, where its token was checked lately, here or by another worker; None
        where it has to be checked.
        """
        now = self._now()
        caller = self.table.get(header, now)
        if caller is None and (known := self.table.known(header, now)) is not None:
            member_id, expires, until = known
            caller = Caller(member_id, member_id=member_id, expires=expires)
            self.table.put(header, caller, member_id, until)
        return caller

    def _follow_keys(self) -> None:
        """Trust the keys that count now. Where one was taken back, every token is checked anew: what that one signed
        counts no more.
        """
        before, self._trusted = self._trusted, {name_of(key, self._settings) for key in self._keys.known}
        self.table.trust([*self._trusted])
        if before - self._trusted:
            self.table.clear()

    async def _check(self, token: bytes) -> tuple[Caller, int, VerificationKey]:
        """The caller whom a token names, when it expires, and the key that signed it. A check of the signature costs
        some 100 us.
        """
        try:
            algorithm, kid = header_of(token)
            if kid == KID:
                found = await self._people.find(kid)
                claims, key = verified(token, algorithm, found, issuer=ISSUER, audience=[AUDIENCE])
            else:
                found = [key for key in await self._keys.find(kid) if algorithm in self._algorithms]
                claims, key = verified(token, algorithm, found, issuer=self._issuer, audience=self._audience)
        except ExpiredToken as error:
            raise NotSignedIn(_EXPIRED) from error
        except InvalidToken as error:
            raise NotSignedIn("The token is not valid.") from error
        expires = expiry_s(claims) * clock.SECOND
        if expires <= self._now():  # the leeway let it in
            raise NotSignedIn(_EXPIRED)
        return person_of(claims, expires) if kid == KID else self._callers.caller(claims, expires), expires, key


def open_auth(settings: Settings, now: Clock = clock.now, console: Ed25519PrivateKey | None = None) -> Auth:
    """The check that the settings describe; the key of a `console` that answers the API itself counts too.

    Raises `SettingsError` for settings that contradict each other, for keys that cannot be taken, and for what must not
    be open to others.
    """
    check_exposure(settings)
    keys, algorithms = _keys(settings, now)
    return Auth(
        keys,
        algorithms,
        callers=Callers(
            read_services(settings.auth.services),
            read_sources(settings.auth.sources),
            settings.auth.member_claim,
            settings.auth.scope_claim,
            settings.auth.scope_prefix,
        ),
        issuer=settings.auth.issuer,
        audience=None if settings.auth.audience is None else settings.auth.audience.split(),
        people=trusted_keys(settings, console),
        now=now,
    )


def nobodys() -> Auth:
    """A check by which no token is anybody's, for what asks for none."""
    return Auth(FixedKeys([]), (), callers=Callers((), {}))


def _keys(settings: Settings, now: Clock) -> tuple[Keys, Sequence[str]]:
    """Where the keys come from, and the algorithms that are accepted."""
    mode, url, file = settings.auth.mode, settings.auth.jwks_url, settings.auth.keys_file
    for setting, value, its_mode in (("auth.jwks_url", url, "jwks"), ("auth.keys_file", file, "keys")):
        if value is not None and mode != its_mode:
            raise SettingsError(
                f"{setting} is set, but auth.mode is {mode}. Set auth.mode to {its_mode}, or take it out."
            )
    if mode == "dev":
        public = development_key(settings.state).public_key()
        return FixedKeys([VerificationKey(public, (ALGORITHM,))]), [ALGORITHM]
    if not settings.auth.algorithms:
        raise SettingsError("auth.algorithms is empty, so no token could be valid. Leave it out for the usual ones.")
    if url is not None:
        return PublishedKeys(url, now, max_age_h=settings.auth.keys_max_age_h), settings.auth.algorithms
    if file is not None:
        return FixedKeys(read_keys(file)), settings.auth.algorithms
    if mode == "jwks":
        raise SettingsError("auth.mode is jwks: auth.jwks_url has to say where the signing keys are published.")
    raise SettingsError("auth.mode is keys: auth.keys_file has to name a PEM file of the public keys that sign tokens.")
