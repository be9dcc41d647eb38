"""Text from outside on a terminal: what would steer it, or hide in it, is spelt out."""

import re
import struct

from laurels.model.ids import UNPRINTABLE

_STEERING = re.compile(f"(?![\n\t])[{UNPRINTABLE}\ud800-\udfff]")
"""Escape sequences begin with a control of the first or the second row (C0, C1); carriage returns overwrite what stands
there; formats turn the direction of what follows; and lone surrogates cannot be written at all.
"""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def visible(text: str) -> str:
    """A text as a terminal may show it, its controls and formats by their numbers; line ends and tabs stay."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def visible_json(text: str) -> str:
    """JSON that means the same, with nothing in it that would steer a terminal."""
    return _STEERING.sub(_by_number, text)


def ascii_json(text: str) -> str:
    """JSON that means the same, for a stream that cannot take more than ASCII."""
    return _NOT_ASCII.sub(_by_number, text)


def _by_number(found: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for (unit,) in struct.iter_unpack(">H", found[0].encode("utf-16-be")))
