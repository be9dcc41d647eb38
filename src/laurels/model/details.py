"""Details of entries: what a kind of entry says beyond its columns, as canonical JSON under the chained hash.

An entry whose details all have their usual values has none. Engines keep and return the bytes; what they mean is said
here, and worded by `laurels.program`.
"""

import msgspec
from msgspec import Struct


class ReverseDetails(Struct, frozen=True, omit_defaults=True):
    """Of points taken back. `left`: the order's amount, in minor units, that was not refunded before. `beyond`: the
    amount is more than was left. `order_source`: in whose numbers the order is, where not in the refund's.
    `amended`, `cancelled`: it follows an amendment of the order, or the cancellation of that refund.
    """

    left: int | None = None
    beyond: bool = False
    order_source: str | None = None
    amended: int | None = None
    cancelled: bool = False


class EarnDetails(Struct, frozen=True, omit_defaults=True):
    """Of points earned. `amended`: by that revision of the order."""

    amended: int | None = None


class AdjustDetails(Struct, frozen=True, omit_defaults=True):
    """Of an adjustment. `board` False: it changes the balance and no board."""

    board: bool = True


class RestoreDetails(Struct, frozen=True, omit_defaults=True):
    """Of points that came back: of which redemption."""

    redemption_id: str


class MergeDetails(Struct, frozen=True, omit_defaults=True):
    """Of a merge. The entry of the member that ends names `into`, the other one `of`; `earned` and `score` move with
    the entry's points.
    """

    into: int | None = None
    of: int | None = None
    earned: int = 0
    score: int = 0


def encode(details: Struct) -> bytes | None:
    """The bytes to keep: canonical, and None where there is nothing to say."""
    written = msgspec.json.encode(details)
    return None if written == b"{}" else written


_earn = msgspec.json.Decoder(EarnDetails)
_reverse = msgspec.json.Decoder(ReverseDetails)
_adjust = msgspec.json.Decoder(AdjustDetails)
_restore = msgspec.json.Decoder(RestoreDetails)
_merge = msgspec.json.Decoder(MergeDetails)


def earn_details(details: bytes | None) -> EarnDetails:
    """What an earning says."""
    return EarnDetails() if details is None else _earn.decode(details)


def reverse_details(details: bytes | None) -> ReverseDetails:
    """What a reversal says."""
    return ReverseDetails() if details is None else _reverse.decode(details)


def restore_details(details: bytes) -> RestoreDetails:
    """What a restoration says."""
    return _restore.decode(details)


def merge_details(details: bytes) -> MergeDetails:
    """What a merge says."""
    return _merge.decode(details)


def scores(details: bytes | None) -> bool:
    """Whether an adjustment counts on boards."""
    return details is None or _adjust.decode(details).board


def merged_into(details: bytes) -> int | None:
    """The number of the member that a merge's entry names as the one that goes on; None in that one's own entry."""
    return _merge.decode(details).into
