"""What documents said, as answers tell it."""

from typing import Any

import msgspec

from laurels.model.times import format_instant

_INSTANTS, _LAST = frozenset({"occurred_at", "expires_at", "until"}), 2**53
"""Under these names are instants; what is beyond the year 2255 is damage, and is told as it is."""


def said_in(content: bytes | None) -> Any:
    """The fields of a document's content, instants in RFC 3339 as everywhere on the wire. None where it is kept no
    more, or cannot be read, which may be why it is in quarantine.
    """
    try:
        return _told(msgspec.json.decode(content)) if content else None
    except msgspec.DecodeError:
        return None


def _told(value: Any) -> Any:
    """An amendment has the order within it."""
    match value:
        case dict():
            return {
                name: format_instant(each) if name in _INSTANTS and _is_instant(each) else _told(each)
                for name, each in value.items()
            }
    return value


def _is_instant(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < _LAST
