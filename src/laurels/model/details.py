"""Details of entries: what a kind of entry says beyond its columns, as canonical JSON under the chained hash.

An entry whose details all have their usual values has none. Engines keep and return the bytes; what they mean is said
here, and worded by `laurels.program`.
"""

import msgspec
from msgspec import Struct

from laurels.errors import PointsOutOfRange
from laurels.model.spending import Shares


class Details(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Of an earn or reverse entry. Figures of points are grains where the version carries remainders, else points.

    `left`: the order's amount, in minor units, that was not refunded before what is taken back. `beyond`: the amount
    is more than was left. `order_source`: in whose numbers the order is, where not in the refund's. `amended`,
    `cancelled`: it follows an amendment of the order by that revision, or the cancellation of that refund.

    `excluded` is what earns nothing, by the number of the exclusion (-1: no rate), in minor units; `rates` is what
    earns by each rate, exactly, in minor units or millionths of quantity; `bound` are the bonuses that reached the
    room their caps left, and that room; `carried` the member's remainder before and after, in grains; `lots` what moved
    in each lot (expires, origin, points). Of a reverse entry, `had` and `keeps` are what was left of the order earned
    before it, and what is kept earns; of a cancelled refund, `bound` is what the order can have of bonuses (`cap`: in
    all) of whose room others got meanwhile. `frame` is the digest of the order's frame. `lapsed` is how many of
    the points that are taken back were found lapsed, and, where they come again, how many of them have lapsed again.
    """

    left: int | None = None
    beyond: bool = False
    order_source: str | None = None
    amended: int | None = None
    cancelled: bool = False
    excluded: tuple[tuple[int, int], ...] = ()
    rates: tuple[tuple[int, str], ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    bound: tuple[tuple[str, int], ...] = ()
    carried: tuple[int, int] | None = None
    tier: str | None = None
    had: int = 0
    keeps: int = 0
    lots: tuple[tuple[int, int, int], ...] = ()
    frame: str | None = None
    lapsed: int = 0

    def encode(self) -> bytes | None:
        """The bytes to keep: canonical JSON, and None where there is nothing to say. Raises `PointsOutOfRange`."""
        if self is NO_DETAILS:
            return None
        try:
            return encode(self)
        except OverflowError as error:
            raise PointsOutOfRange from error

    @staticmethod
    def decode(content: bytes | None) -> "Details":
        """From `encode`."""
        return NO_DETAILS if content is None else _details.decode(content)


class AdjustDetails(Struct, frozen=True, omit_defaults=True):
    """Of an adjustment. `board` False: it changes the balance and no board. `lots`: what moved in each lot.
    `expires_at`: when its points lapse, where it said so.
    """

    board: bool = True
    lots: tuple[tuple[int, int, int], ...] = ()
    expires_at: int | None = None


class RestoreDetails(Struct, frozen=True, omit_defaults=True):
    """Of points that came back: of which redemption, and into which lots."""

    redemption_id: str
    lots: tuple[tuple[int, int, int], ...] = ()


class RedeemDetails(Struct, frozen=True, omit_defaults=True):
    """Of points that were spent: out of which lots."""

    lots: tuple[tuple[int, int, int], ...] = ()


class ExpireDetails(Struct, frozen=True, omit_defaults=True):
    """Of points that lapsed, or that a refund found lapsed and did not take again: the lot, by when it expires, and
    when it would have.
    """

    expires: int
    origin: int


class HoldDetails(Struct, frozen=True, omit_defaults=True):
    """Of points set aside: how many, until when; of 0 points, how many each of several gives."""

    points: int
    until: int
    shares: Shares | None = None


class TransferDetails(Struct, frozen=True, omit_defaults=True):
    """Of points that a member gave another one, by number: `to` in the entry of who gave, `of` in the other's, which
    says, too, which `market` they come from: a currency, "" for none.
    """

    to: int | None = None
    of: int | None = None
    lots: tuple[tuple[int, int, int], ...] = ()
    market: str = ""


class TierDetails(Struct, frozen=True, omit_defaults=True):
    """Of a change of tier: from which to which; None: none. One given by hand says which, and `until` when."""

    before: str | None = None
    after: str | None = None
    granted: str | None = None
    until: int | None = None


class MergeDetails(Struct, frozen=True, omit_defaults=True):
    """Of a merge. The entry of the member that ends names `into`, the other one `of`; `earned` and `score` move with
    the entry's points. The other one says, too, which `market` they come from: a currency, "" for none.
    """

    into: int | None = None
    of: int | None = None
    earned: int = 0
    score: int = 0
    market: str = ""


class _Market(Struct, frozen=True):
    market: str = ""


def encode(details: Struct) -> bytes | None:
    """The bytes to keep: canonical, and None where there is nothing to say."""
    written = msgspec.json.encode(details)
    return None if written == b"{}" else written


NO_DETAILS = Details()
_details = msgspec.json.Decoder(Details)
_adjust = msgspec.json.Decoder(AdjustDetails)
_restore = msgspec.json.Decoder(RestoreDetails)
_hold = msgspec.json.Decoder(HoldDetails)
_transfer = msgspec.json.Decoder(TransferDetails)
_merge = msgspec.json.Decoder(MergeDetails)
_market = msgspec.json.Decoder(_Market)


def hold_details(details: bytes | None) -> HoldDetails:
    """What a hold says."""
    assert details is not None, "a hold says until when"
    return _hold.decode(details)


def transfer_details(details: bytes | None) -> TransferDetails:
    """What either side of a transfer says."""
    assert details is not None, "a transfer says between whom"
    return _transfer.decode(details)


def restore_details(details: bytes) -> RestoreDetails:
    """What a restoration says."""
    return _restore.decode(details)


def merge_details(details: bytes) -> MergeDetails:
    """What a merge says."""
    return _merge.decode(details)


def market_moved(details: bytes) -> str:
    """Which market points come from that a merge or a transfer brought a member; "" for none."""
    return _market.decode(details).market


def adjust_details(details: bytes | None) -> AdjustDetails:
    """What an adjustment says."""
    return AdjustDetails() if details is None else _adjust.decode(details)


def scores(details: bytes | None) -> bool:
    """Whether an adjustment counts on boards."""
    return adjust_details(details).board


def merged_into(details: bytes) -> int | None:
    """The number of the member that a merge's entry names as the one that goes on; None in that one's own entry."""
    return _merge.decode(details).into
