"""Whom a text names that is no document: erasing any of them takes its bytes away."""

import json
import re
from collections import deque
from contextlib import suppress
from typing import Any

from laurels.errors import InvalidInput
from laurels.model.ids import check_id

_KEY = re.compile(r"member[_-]?id", re.IGNORECASE)
_IN_TEXT = re.compile(rb"member[_-]?id", re.IGNORECASE)
_IN_BROKEN_TEXT = re.compile(
    rb'"member[_-]?id"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?[0-9][-+0-9.eE]*))', re.DOTALL | re.IGNORECASE
)
_ESCAPES = re.compile(rb'\\(?:(u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)|(["\\/]))')


class _Object(list[tuple[str, Any]]):
    """An object of JSON with all its keys, also those that it has twice."""


def members_named(body: bytes) -> tuple[str, ...]:
    """The ids that stand as `member_id` in a text, each once, at any depth and however often one object has the key;
    also where that is spelled `memberId` or `member-id`, where the text is no JSON, or breaks off, and in texts that
    are values, as an envelope holds an order. What no member can be called is left out.

    Costs by its length: a text in a text has each of its quotation marks escaped, twice as long at each depth.
    """
    found: dict[str, None] = {}
    texts = deque([body])
    while texts:
        text = texts.popleft()
        try:
            value = json.loads(text, object_pairs_hook=_Object, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            found.update((name, None) for name in _in_broken(text))
        else:
            texts.extend(_look_through(value, found))
    return tuple(filter(_is_id, found))


def _look_through(value: Any, found: dict[str, None]) -> list[bytes]:
    """Note whom a value names; gives the texts in it that may name others."""
    texts = []
    waiting = [(value, False)]
    while waiting:
        value, is_named = waiting.pop()
        if isinstance(value, _Object):
            waiting.extend((each, is_named or _KEY.fullmatch(key) is not None) for key, each in reversed(value))
        elif isinstance(value, list):
            waiting.extend((each, is_named) for each in reversed(value))
        elif isinstance(value, str):
            if is_named:
                found[value.strip()] = None
            if _KEY.search(value):
                texts.append(value.encode("utf-8", "replace"))
    return texts


def _in_broken(text: bytes) -> list[str]:
    """Whom a text names that is no JSON; also where it is a part of another one, and escaped. What was read once is
    left out before that: unescaped, it would read as other names.
    """
    names: list[str] = []

    def note(match: re.Match[bytes]) -> bytes:
        names.append(_read(*match.groups(b"")).strip())
        return b""

    before = b""
    while text != before and _IN_TEXT.search(text):
        before, text = text, _ESCAPES.sub(_unescaped, _IN_BROKEN_TEXT.sub(note, text))
    return names


def _unescaped(escape: re.Match[bytes]) -> bytes:
    code, sign = escape.groups()
    return sign or str(json.loads(b'"\\%s"' % code)).encode("utf-8", "replace")


def _read(quoted: bytes, plain: bytes) -> str:
    with suppress(ValueError):
        return str(json.loads(b'"%s"' % quoted)) if quoted else plain.decode()
    return quoted.decode("utf-8", "replace")


def _is_id(text: str) -> bool:
    try:
        check_id(text, "member_id")
    except InvalidInput:
        return False
    return True
