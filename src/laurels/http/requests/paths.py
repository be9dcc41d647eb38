"""Paths as they came: an id keeps the slashes that are in it, and an address has one spelling.

A server hands over the path with its percent signs resolved, and then `/order/SO%2F1/refund` and
`/order/SO/1/refund` are one. So routes are found by the path as it was sent, and each part that stands for an id is
resolved by itself.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, unquote_to_bytes

from laurels.errors import InvalidInput, NotFound
from laurels.http.asgi import Scope
from laurels.model.ids import check_id

_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*+")
_PLAIN = "/:@!$&'()*+,;=~"
"""What a path may hold beside letters, digits and `-._` (RFC 3986, 3.3)."""


def path_as_sent(scope: Scope) -> str:
    """The path of a request with its percent signs; made anew where the server does not tell, or something before this
    application took a part of it away.
    """
    path: str = scope["path"]
    raw = scope.get("raw_path")
    if raw:
        sent: str = raw.decode("latin-1")
        if sent == path if "%" not in sent else unquote(sent) == path:
            return sent
    return quote(path, safe=_PLAIN, errors="surrogatepass")


def read_part(part: str) -> str | None:
    """One part of a path, its percent signs resolved; None where they are not UTF-8, or not there for two digits."""
    if "%" not in part and part.isascii():
        return part
    if _ENCODED.fullmatch(part) is None:
        return None
    try:
        return unquote_to_bytes(part.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return None


def read_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """The named parts of a path. Raises `InvalidInput` naming an id that cannot be read or is none; `NotFound` where
    another part cannot be read, for then nothing is there.
    """
    return {name: _read(name, part) for name, part in parts.items()}


def _read(name: str, part: str) -> str:
    text = read_part(part)
    if not name.endswith("_id"):
        if text is None:
            raise NotFound
        return text
    if text is None:
        raise InvalidInput.of(name, "must be UTF-8, percent-encoded: `%` itself is sent as `%25`")
    return check_id(text, name)
