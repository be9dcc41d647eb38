"""The chained hash: what makes a changed, missing or added entry show. The same bytes on every engine."""

import hashlib
from typing import Any

import msgspec

FORMAT = 2
"""The format of entries that are written now."""


def chained_hash(
    previous: bytes,
    columns: tuple[Any, ...],
    details: bytes | None,
    *,
    written_as: int = FORMAT,
    shard: int,
    position: int,
) -> bytes:
    """An entry's hash in a format, given the one before it in its shard.

    `columns` are kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version,
    name_number, actor, occurred_at, board_at, recorded_at; the reason is empty from format 2 on.

    Format 1: SHA-256 over the previous hash and the JSON array of position and columns. Format 2: the first 16 bytes of
    SHA-256 over the previous hash and the JSON array of format, shard, position, columns and details (null for none).
    """
    if written_as == 1:
        return hashlib.sha256(previous + msgspec.json.encode((position, *columns))).digest()
    said = None if details is None else msgspec.Raw(details)
    return hashlib.sha256(previous + msgspec.json.encode((written_as, shard, position, *columns, said))).digest()[:16]
