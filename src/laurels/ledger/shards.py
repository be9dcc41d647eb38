"""Which shard a member is in: a fixed function of its id, so that an id leads to its rows without a look-up."""

import hashlib
from typing import TypeGuard

MOST_SHARDS = 16
"""How many a ledger may be made with; on a server it always has so many."""


def shard_of(member_id: str, shards: int) -> int:
    """The shard of a member in a ledger of so many (1 to 16): the first byte of SHA-256 of its id, modulo that."""
    return hashlib.sha256(member_id.encode()).digest()[0] % shards if shards > 1 else 0


def are_shards(number: object) -> TypeGuard[int]:
    """Whether a ledger can have so many; in a damaged one it may be anything, and memory goes by it."""
    return isinstance(number, int) and 1 <= number <= MOST_SHARDS
