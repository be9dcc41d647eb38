"""Whom a text names that is no document: erasing any of them takes its bytes away."""

import json
import re
from contextlib import suppress
from typing import Any

from laurels.errors import InvalidInput
from laurels.model.ids import check_id

_KEY = "member_id"
_IN_BROKEN_TEXT = re.compile(rb'"member_id"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?[0-9][-+0-9.eE]*))', re.DOTALL)


def members_named(body: bytes) -> tuple[str, ...]:
    """The ids that stand as `member_id` in a text, each once, at any depth and however often one object has the key;
    also where the text is no JSON, or breaks off. What no member can be called is left out. Linear in its length.
    """
    found: dict[str, None] = {}

    def note(pairs: list[tuple[str, Any]]) -> None:
        found.update((value, None) for key, value in pairs if key == _KEY and isinstance(value, str))

    try:
        json.loads(body, object_pairs_hook=note, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        found.update((_read(quoted, plain), None) for quoted, plain in _IN_BROKEN_TEXT.findall(body))
    return tuple(filter(_is_id, found))


def _read(quoted: bytes, plain: bytes) -> str:
    with suppress(ValueError):
        return str(json.loads(b'"%s"' % quoted)) if quoted else plain.decode()
    return quoted.decode("utf-8", "replace")


def _is_id(text: str) -> bool:
    try:
        check_id(text, _KEY)
    except InvalidInput:
        return False
    return True
