"""The signing keys that an identity provider publishes (JWKS, RFC 7517), fetched when they are needed.

PyJWT's own client fetches inside the request, reads answers of any size, and forgets its keys when they are old while
the provider is away. Here requests never wait for one another's fetches longer than one fetch may take. Keys once
known go on being used while the provider is away, until they are too old to be trusted unconfirmed; a set of keys that
it does publish is the whole truth, and ends those that are not in it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import jwt
import msgspec
import structlog

from laurels import clock
from laurels.clock import HOUR, SECOND, Clock
from laurels.errors import IssuerUnavailable, SettingsError
from laurels.http.admission.fetching import fetch
from laurels.http.admission.keys import PublicKey, VerificationKey, algorithms_of, identity
from laurels.http.admission.startup_checks import is_loopback

FETCH_WITHIN_S = 3.0
"""How long one fetch may take in all, and so the longest that a request waits for it."""

AGAIN_AFTER = 10 * SECOND
"""At most one fetch in this time, whatever tokens ask for: a forger's `kid` is always unknown."""

OLD_AFTER = 300 * SECOND
"""Keys that are older are fetched anew while they go on being used: a key taken back counts no more."""

MOST_KEYS = 20
"""Keys of one provider that are looked at; a token without a `kid` is tried with each."""

log = structlog.get_logger(__name__)


class PublishedKeys:
    """The keys behind one address. One for each process; one fetch at a time."""

    def __init__(self, url: str, now: Clock = clock.now, *, max_age_h: int = 24) -> None:
        """`max_age_h`: hours for which keys count that could not be confirmed. Raises `SettingsError` for an address
        that is neither https nor on this machine.
        """
        self._url = checked_url(url)
        self._now = now
        self._max_age = max_age_h * HOUR
        self.on_change: Callable[[], None] = lambda: None
        self.known: Sequence[VerificationKey] = ()
        self._fetch: asyncio.Task[None] | None = None
        self._tried_at = -AGAIN_AFTER
        self._fetched_at = -1

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        """The keys of this name, or all for a token that names none; none where the provider knows no such key.

        An unknown name is asked for at the provider, at most once in ten seconds. Raises `IssuerUnavailable` where that
        is not known because the last fetch failed, and where no fetch has succeeded for `max_age_h`.
        """
        found = self._named(kid)
        if not found or self._is_too_old():
            await self._fetched()
            found = self._named(kid)
            if self._is_too_old() or (not found and self._fetched_at != self._tried_at):
                raise IssuerUnavailable(retry_after_s=1 + max(0, self._tried_at + AGAIN_AFTER - self._now()) // SECOND)
        elif self._now() - self._fetched_at > OLD_AFTER:
            self._begin_fetch()
        return found

    def trusted_until(self) -> int:
        """The instant from which these keys no longer count, unless a fetch succeeds before."""
        return self._fetched_at + self._max_age

    def _is_too_old(self) -> bool:
        return self._now() >= self.trusted_until()

    def _named(self, kid: str | None) -> Sequence[VerificationKey]:
        return self.known if kid is None else [key for key in self.known if key.kid == kid]

    async def _fetched(self) -> None:
        """Wait for the fetch under way, or for a new one where the last is long enough ago."""
        self._begin_fetch()
        if self._fetch is not None:
            await asyncio.shield(self._fetch)

    def _begin_fetch(self) -> None:
        if self._fetch is None and not 0 <= self._now() - self._tried_at < AGAIN_AFTER:
            self._tried_at = self._now()
            self._fetch = asyncio.create_task(self._refresh(self._tried_at))

    async def _refresh(self, tried_at: int) -> None:
        try:
            keys = parse_keys(await fetch(self._url, FETCH_WITHIN_S))
        except (OSError, ValueError) as error:
            # The text is ours or the system's; what the provider answered may be anything.
            log.warning("auth.keys_not_fetched", host=self._url.hostname, error=type(error).__name__, why=str(error))
        else:
            gone = {*map(identity, self.known)}.difference(map(identity, keys))
            self.known, self._fetched_at = keys, tried_at
            if not keys:
                log.warning("auth.no_usable_keys", host=self._url.hostname)
            if gone:
                log.info("auth.keys_taken_back", host=self._url.hostname, keys=len(gone))
            self.on_change()
        finally:
            self._fetch = None


def checked_url(url: str) -> SplitResult:
    """The address in parts. Raises `SettingsError` unless it is https, or http on this machine alone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError("auth.jwks_url is no address, such as https://id.example.com/jwks.json.") from error
    if not host or port == 0 or "@" in parts.netloc:
        raise SettingsError("auth.jwks_url has to be an address such as https://id.example.com/jwks.json.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise SettingsError(
            f"auth.jwks_url begins with {parts.scheme}://: it has to be https://, or whoever stands between could let "
            "anybody in."
        )
    return parts


def parse_keys(body: bytes) -> tuple[VerificationKey, ...]:
    """The usable keys of a JWKS document: what is for encryption, shared, private or weak is left out.

    Raises `ValueError` for anything else than a set of keys. One without a usable key is a set: the provider says that
    none counts any more.
    """
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        document = None
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        raise ValueError("answered what is not a set of keys")  # noqa: TRY004 - it is what was sent, not a bug here
    keys = [_key(each) for each in published[:MOST_KEYS]]
    return tuple(key for key in keys if key is not None)


def _key(published: Any) -> VerificationKey | None:
    if not isinstance(published, dict) or published.get("use", "sig") != "sig" or published.get("kty") == "oct":
        return None
    operations = published.get("key_ops")
    if isinstance(operations, list) and "verify" not in operations:
        return None
    try:
        public = jwt.PyJWK(published).key
        algorithms = algorithms_of(public)
    except Exception:  # noqa: BLE001 - beside PyJWT's own errors there are any, of reading what may be anything inside
        return None
    assert isinstance(public, PublicKey)
    kid, algorithm = published.get("kid"), published.get("alg")
    if algorithm is not None:
        algorithms = tuple(each for each in algorithms if each == algorithm)
    return VerificationKey(public, algorithms, kid if isinstance(kid, str) else None)
