"""A job's work and what came of it, as people and programs are told of them."""

from typing import Any

import msgspec

from laurels.model.times import format_instant

_INSTANTS, _FIRST = frozenset({"at", "begins", "ends"}), 10**14
"""Under these names are instants, but for figures of a tier or a service that is called so: those are below 1973."""


def told(content: bytes) -> Any:
    """What a job keeps as JSON; instants, which it keeps in microseconds, in RFC 3339. Empty: {}."""
    return _told(msgspec.json.decode(content)) if content else {}


def _told(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: format_instant(each) if name in _INSTANTS and _is_instant(each) else _told(each)
                for name, each in value.items()
            }
        case list():
            return [_told(each) for each in value]
    return value


def _is_instant(value: Any) -> bool:
    return isinstance(value, int) and value >= _FIRST
