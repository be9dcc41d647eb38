"""Sign-in by OpenID Connect: authorization code with PKCE, against any provider that publishes its configuration.

Nothing is kept here between the two halves of a sign-in: what the second one needs (state, nonce, verifier) is in the
person's own encrypted cookie, so that any console process can finish what another began.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from msgspec import Struct, field
from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from laurels import clock
from laurels.clock import HOUR, MINUTE, Clock
from laurels.console.sign_in import Person
from laurels.errors import IssuerUnavailable, LaurelsError
from laurels.model.people import PERSON, ROLES
from laurels.signed_tokens import InvalidToken, VerifyingKey, header_of, verified

SCOPE = "openid profile email"
PENDING = 10 * MINUTE
"""How long somebody may take to sign in at the provider."""

KNOWN = HOUR
"""How long a provider's configuration counts without being looked at again."""

TIMEOUT_S = 5.0
_WITHIN_S = 10.0
"""For a whole answer: one that comes drop by drop would hold a person for ever."""

_MOST_BYTES = 256 * 1024
_MOST_TEXT = 255
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


class SignInRefused(LaurelsError):
    """The sign-in was not as it has to be. Sign in again."""


class ProviderAway(LaurelsError):
    """The identity provider does not answer now. Try again."""


class SilentRefused(LaurelsError):
    """The provider wants to see the person before it says anything."""


FindKeys = Callable[[str | None], Awaitable[Sequence[VerifyingKey]]]
"""The keys of a name, at one address. Raises `IssuerUnavailable`."""


class OidcClient(Struct, frozen=True, kw_only=True):
    """Who the console is to its provider. `roles` are (role, claim, value): who has the value in the claim has the
    role. `keys_at` reads the keys that are published at an address.
    """

    issuer: str
    client_id: str
    secret: str | None
    redirect_uri: str
    roles: tuple[tuple[str, str, str], ...]
    keys_at: Callable[[str], FindKeys]


class Pending(Struct, frozen=True, kw_only=True):
    """A sign-in under way, as the cookie holds it. `to` is where the person goes on."""

    state: str
    nonce: str
    verifier: str
    at: int
    to: str
    silent: bool


class _Configuration(Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool = field(default=False, name="authorization_response_iss_parameter_supported")
    """Whether it says who it is as it sends people back (RFC 9207)."""


class Oidc:
    """Signs people in. One for the process."""

    def __init__(self, client: OidcClient, http: httpx.AsyncClient, now: Clock = clock.now) -> None:
        self._client = client
        self._http = http
        self._now = now
        self._known: _Configuration | None = None
        self._known_at = 0
        self._keys: dict[str, FindKeys] = {}

    async def begin(self, to: str, *, silent: bool = False) -> tuple[str, Pending]:
        """The provider's address to go to, and what to remember meanwhile. `silent`: the provider asks the person
        nothing. Raises `ProviderAway`, `SignInRefused`.
        """
        found = await self._configuration()
        oauth = WebApplicationClient(self._client.client_id)
        verifier = oauth.create_code_verifier(64)
        pending = Pending(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=verifier,
            at=self._now(),
            to=to,
            silent=silent,
        )
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": SCOPE,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": oauth.create_code_challenge(verifier, "S256"),
            "code_challenge_method": "S256",
            **({"prompt": "none"} if silent else {}),
        }
        joint = "&" if urlsplit(found.authorization_endpoint).query else "?"
        return f"{found.authorization_endpoint}{joint}{urlencode(asked)}", pending

    async def finish(self, pending: Pending | None, query: Mapping[str, str]) -> Person:
        """Who has come back from the provider with this query. Raises `SignInRefused`, `ProviderAway`, and
        `SilentRefused` where it has to be asked aloud.
        """
        if pending is None or not 0 <= self._now() - pending.at < PENDING:
            raise SignInRefused("This sign-in was not begun here, or long ago.")
        if not secrets.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            raise SignInRefused("This answer belongs to another sign-in.")
        found = await self._configuration()
        if query.get("iss", "" if found.names_itself else self._client.issuer) != self._client.issuer:
            raise SignInRefused("Another provider has answered.")
        if "error" in query:
            if pending.silent:
                raise SilentRefused
            raise SignInRefused("The identity provider let nobody in.")
        if not query.get("code"):
            raise SignInRefused("The identity provider gave no code.")
        claims = await self._claims(found, await self._token(found, query["code"], pending.verifier))
        if not secrets.compare_digest(_bytes(claims.get("nonce")), pending.nonce.encode()):
            raise SignInRefused("The token of the identity provider is of another sign-in.")
        return person_in(claims, self._client.roles)

    async def _configuration(self) -> _Configuration:
        if self._known is not None and 0 <= self._now() - self._known_at < KNOWN:
            return self._known
        try:
            raw = await self._fetched("GET", f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration")
            found = msgspec.json.decode(raw, type=_Configuration)
        except (ProviderAway, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if self._known is not None:  # it was right an hour ago, and what it names answers for itself
                return self._known
            raise ProviderAway from error
        if found.issuer != self._client.issuer:
            raise SignInRefused("The provider's configuration is another issuer's: look at `console.issuer`.")
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if not is_safe(address):
                raise SignInRefused("The provider's configuration names an address that is none, or without TLS.")
        self._known, self._known_at = found, self._now()
        return found

    async def _token(self, found: _Configuration, code: str, verifier: str) -> bytes:
        """The ID token that a code is exchanged for."""
        oauth = WebApplicationClient(self._client.client_id)
        body = oauth.prepare_request_body(
            code=code, redirect_uri=self._client.redirect_uri, code_verifier=verifier, include_client_id=True
        )
        secret = self._client.secret
        auth = None if secret is None else httpx.BasicAuth(self._client.client_id, secret)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        raw = await self._fetched("POST", found.token_endpoint, content=body.encode(), headers=headers, auth=auth)
        try:
            token = oauth.parse_request_body_response(raw.decode()).get("id_token")
        except (OAuth2Error, ValueError, TypeError, AttributeError, RecursionError) as error:  # JSON that is no object
            raise SignInRefused("The identity provider gave no token for the code.") from error
        if not isinstance(token, str) or not token.isascii():
            raise SignInRefused("The identity provider gave no ID token.")
        return token.encode()

    async def _claims(self, found: _Configuration, token: bytes) -> Mapping[str, Any]:
        """The claims of an ID token for this console."""
        if found.jwks_uri not in self._keys:
            self._keys = {found.jwks_uri: self._client.keys_at(found.jwks_uri)}
        try:
            algorithm, kid = header_of(token)
            keys = await self._keys[found.jwks_uri](kid)
            claims, _ = verified(
                token,
                algorithm,
                keys,
                issuer=self._client.issuer,
                audience=self._client.client_id,
                require=("exp", "iat", "iss", "aud", "sub"),
            )
        except IssuerUnavailable as error:
            raise ProviderAway from error
        except InvalidToken as error:
            raise SignInRefused("The token of the identity provider is not valid.") from error
        if (
            isinstance(claims.get("aud"), list)
            and len(claims["aud"]) > 1
            and claims.get("azp") != self._client.client_id
        ):
            raise SignInRefused("The token of the identity provider is for another client.")
        return claims

    async def _fetched(self, method: str, url: str, **more: Any) -> bytes:
        """An answer's body, from the provider itself: nothing is followed."""
        asking = self._http.stream(method, url, timeout=TIMEOUT_S, follow_redirects=False, **more)
        body = bytearray()
        try:
            async with asyncio.timeout(_WITHIN_S), asking as answer:
                if answer.is_server_error or (method == "GET" and not answer.is_success):
                    raise ProviderAway
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise ProviderAway
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderAway from error
        return bytes(body)


def person_in(claims: Mapping[str, Any], roles: Sequence[tuple[str, str, str]]) -> Person:
    """The person whom claims name, with the roles that they map to. Raises `SignInRefused`."""
    sub = claims.get("sub")
    name = next((claims[each] for each in ("name", "preferred_username", "email") if claims.get(each)), sub)
    for text in (sub, name):
        if not isinstance(text, str) or not 0 < len(text) <= _MOST_TEXT - len(PERSON) or not text.isprintable():
            raise SignInRefused("The identity provider does not say who it is.")
    given = {role for role, claim, value in roles if value in _texts(_at(claims, claim))}
    return Person(str(sub), str(name), tuple(role for role in ROLES if role in given))


def is_safe(address: str) -> bool:
    """Whether an address is one, and is reached by TLS, or on this machine alone."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or not address.isprintable() or " " in address:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def _bytes(claim: object) -> bytes:
    """A claim that is a text, to be compared; JSON may hold halves of characters, which are nobody's."""
    return claim.encode("utf-8", "replace") if isinstance(claim, str) else b""


def _at(claims: Mapping[str, Any], claim: str) -> Any:
    """A claim; `a.b` is `b` in `a` where no claim bears that name."""
    if claim in claims:
        return claims[claim]
    found: Any = claims
    for part in claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> list[str]:
    """A claim's texts: those of a list, or one. A text with blanks in it is one value."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
