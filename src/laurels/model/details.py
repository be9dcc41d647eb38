"""Details of entries: what a kind of entry says beyond its columns, as canonical JSON under the chained hash.

Engines keep and return the bytes; they never read inside.
"""

import msgspec
from msgspec import Struct


class AdjustDetails(Struct, frozen=True, omit_defaults=True):
    """Of an adjustment. `board` False: it changes the balance and no board."""

    board: bool = True


class MergeDetails(Struct, frozen=True, omit_defaults=True):
    """Of a merge. The entry of the member that ends names `into`, the other one `of`."""

    into: int | None = None
    of: int | None = None


_adjust = msgspec.json.Decoder(AdjustDetails)
_merge = msgspec.json.Decoder(MergeDetails)


def scores(details: bytes) -> bool:
    """Whether an adjustment counts on boards."""
    return _adjust.decode(details).board


def merged_into(details: bytes) -> int | None:
    """The number of the member that a merge's entry names as the one that goes on; None in that one's own entry."""
    return _merge.decode(details).into
