"""Where a column's value lies in the file of a SQLite database, by the database's own format."""

import struct
from pathlib import Path


def place_in_file(path: Path, row: tuple[object, ...], column: int) -> int:
    """Where the last byte of a column of an entry lies: the record is written as SQLite's file format has it.

    The position is the row's key and stands before the record; columns without bytes (NULL, 0 and 1) have no place.
    """
    values = [_stored(value) for value in (None, *row[1:])]
    header = b"".join(_varint(serial_type) for serial_type, _ in values)
    record = bytes([len(header) + 1]) + header + b"".join(content for _, content in values)
    start = path.read_bytes().find(record)
    assert start > 0
    if column == 0:
        return start - 1
    assert values[column][1], "a column without bytes cannot be flipped"
    return start + len(header) + sum(len(content) for _, content in values[: column + 1])


def _stored(value: object) -> tuple[int, bytes]:
    """The serial type and the bytes of a value."""
    match value:
        case None:
            return 0, b""
        case 0 | 1:
            return 8 + int(value), b""
        case int():
            for serial_type, size in enumerate((1, 2, 3, 4, 6, 8), 1):
                if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
                    return serial_type, struct.pack(">q", value)[-size:]
        case str():
            return 13 + 2 * len(value.encode()), value.encode()
        case bytes():
            return 12 + 2 * len(value), value
    raise AssertionError(value)


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([0x80 | number >> 7, number & 0x7F])
