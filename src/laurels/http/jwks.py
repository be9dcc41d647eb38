"""The signing keys that an identity provider publishes (JWKS, RFC 7517), fetched when they are needed.

PyJWT's own client fetches inside the request, reads answers of any size, and forgets its keys when they are old while
the provider is away; here requests never wait for one another's fetches longer than one fetch may take, and keys once
known go on being used until the provider says otherwise.
"""

import asyncio
import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import jwt
import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm

from laurels import clock
from laurels.clock import SECOND, Clock
from laurels.errors import IssuerUnavailable, SettingsError
from laurels.http.exposure import is_loopback
from laurels.http.keys import MOST_BYTES, Key, PublicKey, algorithms_of

FETCH_WITHIN_S = 3.0
"""How long one fetch may take in all, and so the longest that a request waits for it."""

AGAIN_AFTER = 10 * SECOND
"""At most one fetch in this time, whatever tokens ask for: a forger's `kid` is always unknown."""

OLD_AFTER = 300 * SECOND
"""Keys that are older are fetched anew while they go on being used, so that a key taken back stops to count."""

MOST_KEYS = 20
"""Keys of one provider that are looked at; a token without a `kid` is tried with each."""

log = structlog.get_logger(__name__)


class PublishedKeys:
    """The keys behind one address. One for each process; it fetches in a thread, one fetch at a time."""

    def __init__(self, url: str, now: Clock = clock.now) -> None:
        """Raise `SettingsError` for an address that is neither https nor on this machine."""
        self._url = checked_url(url)
        self._now = now
        self._keys: tuple[Key, ...] = ()
        self._fetch: asyncio.Task[None] | None = None
        self._tried_at = -AGAIN_AFTER
        self._fetched_at = -1

    async def find(self, kid: str | None) -> Sequence[Key]:
        """The keys of this name, or all for a token that names none; none where the provider knows no such key.

        An unknown name is asked for at the provider, at most once in ten seconds. Raises `IssuerUnavailable` where that
        is not known because the last fetch failed.
        """
        found = self._named(kid)
        if not found:
            await self._fetched()
            found = self._named(kid)
            if not found and self._fetched_at != self._tried_at:
                raise IssuerUnavailable(retry_after_s=1 + max(0, self._tried_at + AGAIN_AFTER - self._now()) // SECOND)
        elif self._now() - self._fetched_at > OLD_AFTER:
            self._begin_fetch()
        return found

    def _named(self, kid: str | None) -> Sequence[Key]:
        return self._keys if kid is None else [key for key in self._keys if key.kid == kid]

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
            keys = parse_keys(await asyncio.to_thread(fetch, self._url))
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.warning("auth.keys_not_fetched", host=self._url.hostname, error=f"{type(error).__name__}: {error}")
        else:
            self._keys, self._fetched_at = keys, tried_at
        finally:
            self._fetch = None


def checked_url(url: str) -> SplitResult:
    """The address in parts. Raises `SettingsError` unless it is https, or http on this machine alone."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"auth.jwks_url is no address: {error}.") from error
    if not host or "@" in parts.netloc:
        raise SettingsError("auth.jwks_url has to be an address such as https://id.example.com/jwks.json.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise SettingsError(
            f"auth.jwks_url is {url}: it has to begin with https://, or whoever stands between could let anybody in."
        )
    return parts


def fetch(url: SplitResult) -> bytes:
    """The body behind an address. Blocks for at most some `FETCH_WITHIN_S`, follows no redirect, reads no more than
    `MOST_BYTES`.

    Raises `OSError`, `http.client.HTTPException` or `ValueError`.
    """
    assert url.hostname is not None, "checked_url looked at it"
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=FETCH_WITHIN_S, context=context)
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=FETCH_WITHIN_S)
    # The socket's own timeout is for each read: one who sends a byte now and then would hold the thread for hours.
    hang_up = threading.Timer(FETCH_WITHIN_S, _hang_up, [connection])
    hang_up.daemon = True
    hang_up.start()
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("GET", target, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise ValueError(f"answered {answer.status}")
        body = answer.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise ValueError(f"answered more than {MOST_BYTES} bytes")
        return body
    finally:
        hang_up.cancel()
        connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def parse_keys(body: bytes) -> tuple[Key, ...]:
    """The usable keys of a JWKS document: what is for encryption, shared, private or weak is left out.

    Raises `ValueError` for anything else than a set with at least one usable key.
    """
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        document = None
    published = document.get("keys") if isinstance(document, dict) else None
    keys = [_key(each) for each in published[:MOST_KEYS]] if isinstance(published, list) else []
    usable = tuple(key for key in keys if key is not None)
    if not usable:
        raise ValueError("answered no usable key: RSA of 2048 bits or more, P-256 and Ed25519 are")
    return usable


def _key(published: Any) -> Key | None:
    if not isinstance(published, dict) or published.get("use", "sig") != "sig" or published.get("kty") == "oct":
        return None
    try:
        public = jwt.PyJWK(published).key
        algorithms = algorithms_of(public)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, UnsupportedAlgorithm):
        # Beside PyJWT's own errors there are those of reading what has the wrong type inside.
        return None
    assert isinstance(public, PublicKey)
    kid, algorithm = published.get("kid"), published.get("alg")
    if algorithm is not None:
        algorithms = tuple(each for each in algorithms if each == algorithm)
    return Key(public, algorithms, kid if isinstance(kid, str) else None)
