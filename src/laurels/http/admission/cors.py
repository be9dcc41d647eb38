"""Cross-origin requests: which other sites' pages may call, what they may call, and the headers that tell browsers so.

Shared is what a member may call, nothing else: a page has no business with a service's routes. Whoever calls is told by
the token alone, which the page puts into a header; there are no cookies, so a browser adds nothing of its own that a
strange page could abuse, and `*` opens no more than a program outside of a browser has anyway.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from laurels.http.asgi import Scope
from laurels.http.routes import Route
from laurels.settings.shapes import ANY_ORIGIN, check_origins

Pairs = list[tuple[bytes, bytes]]

KEPT_S = 7200
"""How long a browser may keep what it is told before it asks again; Chromium keeps nothing longer."""

_TAKEN = b"authorization, content-type, if-none-match, last-event-id"
_TOLD = b"ETag, RateLimit, Retry-After, X-Request-Id"


class Sharing(Struct, frozen=True):
    """What is shared with whom: `methods` by the pattern of the path that takes them."""

    origins: frozenset[bytes]
    methods: tuple[tuple[re.Pattern[str], bytes], ...]


def sharing(origins: Sequence[str], routes: Sequence[Route]) -> Sharing | None:
    """What the settings say, None where nothing is shared. Raises `SettingsError` for what is not an origin."""
    if not origins:
        return None
    check_origins(origins)
    methods: dict[str, list[str]] = {}
    for route in routes:
        if route.for_members is not None or (route.access is not None and route.access.members != "none"):
            methods.setdefault(route.path, []).append(route.method)
    return Sharing(
        frozenset(origin.encode() for origin in origins),
        tuple((_pattern(path), ", ".join(taken).encode()) for path, taken in methods.items()),
    )


def headers_for(shared: Sharing, scope: Scope) -> Pairs:
    """What an answer to this request carries, whatever it is: a page has to read problems too."""
    return [] if _methods(shared, scope) is None else headers_of(shared, _sent(scope, b"origin"))


def headers_of(shared: Sharing, origin: bytes) -> Pairs:
    """The same for a path that is shared, asked from a page of `origin` (empty: from none)."""
    if ANY_ORIGIN.encode() in shared.origins:
        return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _TOLD)]
    if origin not in shared.origins:
        return [(b"vary", b"Origin")]
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _TOLD),
        (b"vary", b"Origin"),
    ]


def preflight(shared: Sharing, scope: Scope) -> Pairs | None:
    """The answer's headers where a browser asks before the request itself whether it may send it, and it may; None for
    any other request.
    """
    if scope["method"] != "OPTIONS" or not _sent(scope, b"access-control-request-method"):
        return None
    methods = _methods(shared, scope)
    if methods is None or shared.origins.isdisjoint((ANY_ORIGIN.encode(), _sent(scope, b"origin"))):
        return None
    return [
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", _TAKEN),
        (b"access-control-max-age", b"%d" % KEPT_S),
    ]


def _methods(shared: Sharing, scope: Scope) -> bytes | None:
    path = scope["path"]
    return next((methods for pattern, methods in shared.methods if pattern.fullmatch(path)), None)


def _sent(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _pattern(path: str) -> re.Pattern[str]:
    """Any path of this route."""
    parts = re.split(r"{\w+}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))
