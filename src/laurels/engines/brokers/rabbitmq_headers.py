"""What a message says beside its body, read so that nothing in it ends the connection.

The client decodes all of it, and its connection breaks off where it cannot: at a time in microseconds, at a name that
is not UTF-8. The broker would give that message again to whoever comes next, until it drops it, and nothing behind it
would come through. All that is used here is the names of headers; so what cannot be read is left out, by its length.
"""

from datetime import UTC, datetime

from pamqp import decode
from pamqp.common import FieldTable

_UNREADABLE: FieldTable = {"(unreadable)": None}
_NO_TIME = datetime.fromtimestamp(0, UTC)
_ERRORS = (ValueError, ArithmeticError, OSError, RecursionError)
_LENGTH_BYTES = 4
_TIME_BYTES = 8


def read_whatever_is_said() -> None:
    """Have the client read every message that a broker lets in, in this process from now on."""
    decode.METHODS.update(timestamp=_time, shortstr=_text, table=_table)
    decode.TABLE_MAPPING.update({b"T": _time, b"F": _table})


def _time(value: bytes) -> tuple[int, datetime]:
    try:
        return decode.timestamp(value)
    except _ERRORS:
        return _TIME_BYTES, _NO_TIME


def _text(value: bytes) -> tuple[int, str]:
    length = value[0]
    return length + 1, value[1 : length + 1].decode("utf-8", "replace")


def _table(value: bytes) -> tuple[int, FieldTable]:
    try:
        return decode.field_table(value)
    except _ERRORS:
        return _LENGTH_BYTES + int.from_bytes(value[:_LENGTH_BYTES], "big"), _UNREADABLE
