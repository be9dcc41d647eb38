"""The chained hash: what makes a changed, missing or added entry show. The same bytes on every engine."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

FORMAT = 2
"""The format of entries that are written now."""

_encode = msgspec.json.Encoder().encode


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
        return sha256(previous + _encode((position, *columns))).digest()
    said = None if details is None else msgspec.Raw(details)
    return sha256(previous + _encode((written_as, shard, position, *columns, said))).digest()[:16]


def chained_hashes(
    previous: bytes, columns: Sequence[tuple[Any, ...]], details: Sequence[bytes | None], *, shard: int, position: int
) -> list[bytes]:
    """The hashes of entries that follow one another from a position on, in the present format, by the columns and the
    details of each: the same as one by one, without a call for each.
    """
    hashes: list[bytes] = []
    for at, (of, said) in enumerate(zip(columns, details, strict=True), position):
        raw = None if said is None else msgspec.Raw(said)
        previous = sha256(previous + _encode((FORMAT, shard, at, *of, raw))).digest()[:16]
        hashes.append(previous)
    return hashes
