"""The frame: everything about the moment of an order that its points depend on and that is not what is kept of it.

Version, nets, rates, the share that earns, the tier, the bonuses that applied, and the room that their caps left. It is
frozen when the order is awarded. With f(kept) what the kept goods earn in it, an order earns f(all), and a refund takes
back f(kept before) - f(kept after): whatever the split and the order of refunds, the differences add up.
"""

from hashlib import blake2b
from math import gcd

import msgspec
from msgspec import Struct

from laurels.errors import PointsOutOfRange, Refused
from laurels.program.basket import ONE

CAMPAIGN, GROUP, TIER = 0, 1, 2
"""What a bonus is: a campaign, a group of which the best counts, the multiplier of a tier."""


class Bonus(Struct, frozen=True, array_like=True, gc=False):
    """A bonus that applied. `number` is its place in the version; `parts` are the campaigns of it (the tier's has one,
    -1) and the lines that each takes, from 0. `room` is in grains; None: without limit.
    """

    kind: int
    number: int
    parts: tuple[tuple[int, tuple[int, ...]], ...]
    room: int | None = None


class Frame(Struct, frozen=True, array_like=True, gc=False):
    """One order's. Lines are counted from 0, as they were sent. An empty `quantity` is one of each, an empty `rate`
    the first rate for all; `paid` and `taxed` are the shares that earn, None and empty: all.
    """

    version: int
    currency: str
    at: int
    active_at: int
    expires_at: int
    net: tuple[int, ...]
    quantity: tuple[int, ...] = ()
    rate: tuple[int, ...] = ()
    paid: tuple[int, int] | None = None
    taxed: tuple[str, ...] = ()
    tier: int = -1
    bonuses: tuple[Bonus, ...] = ()
    room: int | None = None

    @property
    def total(self) -> int:
        """The order's total in minor units."""
        return sum(self.net)

    def quantity_of(self, line: int) -> int:
        """A line's quantity in millionths."""
        return self.quantity[line] if self.quantity else ONE

    def encode(self) -> bytes:
        """Compact bytes; the same frame gives the same bytes. Raises `PointsOutOfRange` for figures past all range."""
        try:
            return _encoder.encode(self)
        except OverflowError as error:
            raise PointsOutOfRange from error

    def encode_with(self, bonuses: list[bytes], count: int, room: int | None) -> bytes:
        """The bytes of this frame, that has neither bonuses nor a room yet, with both; `bonuses` are the bytes of so
        many. The same bytes as those of such a frame. Raises `PointsOutOfRange`.
        """
        head = _FEW_BONUSES[count] if count < len(_FEW_BONUSES) else b"\xdc" + count.to_bytes(2, "big")
        return b"".join([self.encode()[: -len(_NO_BONUSES_NO_ROOM)], head, *bonuses, encode_part(room)])

    @staticmethod
    def decode(content: bytes) -> "Frame":
        """From `encode`. Raises `Refused` for bytes that are no frame."""
        try:
            return _frames.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refused(f"the frame cannot be read: {error}") from error


class Refunded(Struct, frozen=True, array_like=True):
    """What was refunded of an order so far: minor units by line, and without saying which; and the units of each line
    that came back, in millionths. Empty: nothing of any line. What is kept follows from these sums alone.
    """

    lines: tuple[int, ...] = ()
    other: int = 0
    units: tuple[int, ...] = ()

    def left(self, frame: Frame) -> int:
        """What is kept of the order, in minor units."""
        return sum(frame.net) - sum(self.lines) - self.other

    def kept(self, frame: Frame) -> tuple[list[int], int]:
        """What is kept of each line: numerators in minor units over one denominator, exactly."""
        left = [net - gone for net, gone in zip(frame.net, self.lines, strict=True)] if self.lines else list(frame.net)
        if not self.other:
            return left, 1
        whole = sum(left)
        if not whole:
            return [0] * len(left), 1
        rest = whole - self.other
        common = gcd(rest, whole)
        return [each * (rest // common) for each in left], whole // common

    def encode(self) -> bytes:
        """Compact bytes; the same sums give the same bytes."""
        return _encoder.encode(self)

    @staticmethod
    def decode(content: bytes) -> "Refunded":
        """From `encode`. Raises `Refused` for bytes that are no such sums."""
        try:
            return _refunded.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refused(f"what was refunded cannot be read: {error}") from error


NOTHING = Refunded()

_FEW_BONUSES = tuple(bytes([0x90 | count]) for count in range(16))
"""MessagePack's heads of short arrays; a longer one has its length in two bytes (a version has 200 campaigns)."""

_NO_BONUSES_NO_ROOM = b"\x90\xc0"
"""How a frame ends that has neither."""

NO_ROOM_SAID = b"\xc0"
"""How a bonus ends that has no limit."""


def encode_part(part: int | Bonus | list[int] | None) -> bytes:
    """A part of a frame, as it stands in the frame's bytes. Raises `PointsOutOfRange`."""
    try:
        return _encoder.encode(part)
    except OverflowError as error:
        raise PointsOutOfRange from error


def campaign_head(number: int) -> bytes:
    """The bytes of a campaign's bonus up to its lines; these and its room follow."""
    whole = _encoder.encode(Bonus(CAMPAIGN, number, ((number, ()),)))
    return whole[: -len(_NO_BONUSES_NO_ROOM)]  # an empty array of lines and no room, by the same two bytes


_encoder = msgspec.msgpack.Encoder()
_frames = msgspec.msgpack.Decoder(Frame)
_refunded = msgspec.msgpack.Decoder(Refunded)


def digest(frame: bytes) -> str:
    """Of a frame's bytes, so that an entry vouches for it."""
    return blake2b(frame, digest_size=16).hexdigest()
