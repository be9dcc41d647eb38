"""The check of a signed token (JWT, RFC 7519): of those that the API is called with, and of the ID token that a sign-in
ends with.

A key checks by its own algorithms alone, whatever a token names, so neither `none` nor a public key used as a shared
secret gets in. A token in which a key stands twice is two tokens, to two readers, and is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import jwt
from jwt.utils import base64url_decode

from laurels.errors import LaurelsError
from laurels.model.repeated_keys import repeated_key

LEEWAY_S = 30
"""How far the clock of who signed may be ahead, for `iat` and `nbf`, and behind, for `exp`."""

LAST_S = 253_402_300_799
"""The end of the year 9999: a token that says it holds longer than that holds until then."""

_DATES = ("exp", "nbf", "iat")

# Beside PyJWT's own errors there are those of reading what a forger wrote into a token.
_INVALID = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class InvalidToken(LaurelsError):
    """The token is not valid."""


class ExpiredToken(InvalidToken):
    """The token has expired."""


class VerifyingKey(Protocol):
    """A public key, and the algorithms that it may check."""

    @property
    def public(self) -> Any:
        """The key."""
        ...

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What it may check."""
        ...


Key = TypeVar("Key", bound=VerifyingKey)


class TokenHeader(NamedTuple):
    """What an unchecked token says of its signature: the algorithm, and the name of the key."""

    algorithm: str
    kid: str | None


def header_of(token: bytes) -> TokenHeader:
    """What a token names. Raises `InvalidToken`."""
    try:
        header = jwt.get_unverified_header(token)
    except _INVALID as error:
        raise InvalidToken from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise InvalidToken
    return TokenHeader(algorithm, kid if isinstance(kid, str) else None)


def verified(
    token: bytes,
    algorithm: str,
    keys: Sequence[Key],
    *,
    issuer: str | None,
    audience: str | Sequence[str] | None,
    require: Sequence[str] = ("exp",),
) -> tuple[Mapping[str, Any], Key]:
    """The claims under the first key that fits, and that key. `algorithm` is the token's; keys that may not check it
    are passed over. `issuer` and one `audience`: where given, the token has to name them. `require`: claims that have
    to be there. A check of a signature costs some 100 us. Raises `InvalidToken`, `ExpiredToken`.
    """
    try:
        for key in keys:
            if algorithm not in key.algorithms:
                continue
            try:
                claims: Mapping[str, Any] = jwt.decode(
                    token,
                    key.public,
                    algorithms=[algorithm],
                    issuer=issuer,
                    audience=audience,
                    leeway=LEEWAY_S,
                    options={"require": [*require], "verify_aud": audience is not None},
                )
            except jwt.InvalidSignatureError:
                continue
            _refuse_repeated_keys(token)
            _refuse_other_dates(claims)
            return claims, key
    except jwt.ExpiredSignatureError as error:
        raise ExpiredToken from error
    except _INVALID as error:
        raise InvalidToken from error
    raise InvalidToken


def expiry_s(claims: Mapping[str, Any]) -> int:
    """When a token with these checked claims expires, in whole seconds since 1970; `LAST_S` where it says later."""
    return min(int(claims["exp"]), LAST_S)


def _refuse_other_dates(claims: Mapping[str, Any]) -> None:
    """A date is a number (RFC 7519, 2); PyJWT takes texts too: with blanks, underscores, any script's digits."""
    for name in _DATES:
        if type(claims.get(name, 0)) not in {int, float}:
            raise InvalidToken


def _refuse_repeated_keys(token: bytes) -> None:
    for part in token.split(b".")[:2]:
        if repeated_key(base64url_decode(part)) is not None:
            raise InvalidToken
