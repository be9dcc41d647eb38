"""No JSON that Laurels gives has an instant as a number: people and programs read RFC 3339."""

import json
from collections.abc import Iterator
from typing import Any

_OF_MICROSECONDS = range(10**15, 10**16)
"""Instants in microseconds of the years 2001 to 2286; no points, amounts or counts of a test are as many."""


def check_instants(text: str) -> None:
    """Raise `AssertionError` where a text is JSON and says an instant in microseconds."""
    if not text.startswith(("{", "[")):
        return
    try:
        value = json.loads(text)
    except ValueError:
        return  # lines of JSON, or something else that begins so
    found = list(_microseconds(value, ""))
    assert not found, f"instants in microseconds: {', '.join(found)}"


def _microseconds(value: Any, path: str) -> Iterator[str]:
    match value:
        case dict():
            for name, field in value.items():
                yield from _microseconds(field, f"{path}.{name}")
        case list():
            for n, field in enumerate(value):
                yield from _microseconds(field, f"{path}[{n}]")
        case int() if value in _OF_MICROSECONDS:
            yield f"{path or 'all of it'} = {value}"
