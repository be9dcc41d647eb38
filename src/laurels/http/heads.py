"""Plain heads: a whole request without a body, read in one step from the piece in which it arrived.

Stricter than the parser of all other requests: printable ASCII alone, one blank after each colon and none at the end of
a line, nothing that changes how the connection goes on. So what is read here means the same to that parser, and to
every proxy before it; and what is not read here, that parser takes.
"""

import re
from functools import lru_cache
from typing import NamedTuple

_LINE = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:(?: [!-~](?:[ -~]*[!-~])?)?\r\n"
_PLAIN = re.compile(rb"GET ([^\0- ?#\x7f-\xff]++)(?:\?([!-~]*+))? HTTP/1\.1\r\n(?:%b)++\r\n" % _LINE)
_NOT_PLAIN = re.compile(rb"\r\n(?:connection|content-length|expect|proxy-connection|transfer-encoding|upgrade):")
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?\Z")


class Head(NamedTuple):
    """What a plain request asks for, and what it says of itself. None: it does not say."""

    path: bytes
    query: bytes
    authorization: bytes | None
    tag: bytes | None
    id: bytes | None
    origin: bytes | None


def plain_head(data: bytes) -> Head | None:
    """The one request that these bytes are; None where they are not just that. Costs some 4 us."""
    whole = _PLAIN.fullmatch(data)
    if whole is None:
        return None
    lower = data.lower()
    if _NOT_PLAIN.search(lower) or lower.count(b"\r\nhost:") != 1 or lower.count(b"\r\nauthorization:") > 1:
        return None
    if not is_plain_host(_field(data, lower, b"\r\nhost: ") or b""):
        return None
    path, query = whole.groups(b"")
    return Head(
        path,
        query,
        _field(data, lower, b"\r\nauthorization: "),
        _field(data, lower, b"\r\nif-none-match: "),
        _field(data, lower, b"\r\nx-request-id: "),
        _field(data, lower, b"\r\norigin: "),
    )


@lru_cache(maxsize=64)
def is_plain_host(value: bytes) -> bool:
    """Whether a `Host` looks like one. Others go the long way, where the framework says what is wrong with them."""
    return _HOST.match(value) is not None


def _field(data: bytes, lower: bytes, name: bytes) -> bytes | None:
    """The value of the first header of this name, which is given with what stands around it, in small letters."""
    at = lower.find(name)
    if at < 0:
        return None
    start = at + len(name)
    return data[start : data.index(b"\r\n", start)]
