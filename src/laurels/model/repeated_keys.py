"""One key twice in a JSON object. RFC 8259 leaves open what that means, and readers differ: most take the last value,
some the first. So two systems would see two orders in one text, and it is refused.

The reader that we use has no such option. A second reading that drops what the first dropped is told by its quotation
marks: a key is two of them, so the text has more than what is written out again. Only where they differ, or where
counting proves nothing, is the text read by a slow reader that shows every key.
"""

import json
from typing import Any

import msgspec

_HIDDEN_QUOTE = b"\\u0022"
"""A quotation mark that is none in the text, but would be written as one."""


class _Repeated:
    """Stands where an object was that has a key twice; `path` leads to it from there."""

    def __init__(self, path: str) -> None:
        self.path = path


def repeated_key(text: bytes) -> str | None:
    """The first key that an object in this JSON has twice, with the way to it (`lines[0].sku`); None where none has.
    `text` was found to be JSON before. Costs some 2 us for an order of three lines. Raises `RecursionError` where it is
    nested too deeply.
    """
    if _HIDDEN_QUOTE not in text:
        try:
            once = msgspec.json.encode(msgspec.json.decode(text))
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            pass  # a number or a depth that the slow reader takes
        else:
            if once.count(b'"') == text.count(b'"'):
                return None
    read = json.loads(text.decode(), object_pairs_hook=_object, parse_int=len, parse_float=len)
    found = _within(read)
    return None if found is None else found.removeprefix(".")


def _object(pairs: list[tuple[str, Any]]) -> _Repeated | None:
    seen: set[str] = set()
    for key, value in pairs:
        if key in seen:
            return _Repeated(key)
        seen.add(key)
        inner = _within(value)
        if inner is not None:
            return _Repeated(key + inner)
    return None


def _within(value: Any) -> str | None:
    """The path to what is repeated in a value, as errors write it: `.lines[0].sku`."""
    if isinstance(value, _Repeated):
        return f".{value.path}"
    if isinstance(value, list):
        for place, each in enumerate(value):
            inner = _within(each)
            if inner is not None:
                return f"[{place}]{inner}"
    return None
