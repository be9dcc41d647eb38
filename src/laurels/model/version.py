"""How far a reader of the feed got: a mark for each shard, and the version token made of them.

A version is opaque to clients. Of one shard it reads `epoch.shard-position`, as in version 0.1: `1.0-4711`; without a
pair it is the beginning of the feed. Of several shards it is packed, as base64url: 110 characters at most for sixteen
shards, up to 10^12 entries each. Tokens of several pairs, joined by `_`, are read too.

    header   1 byte: the bytes of a position (1 to 8); 8 more where shards are listed
    epoch    7 bits a byte, the lowest first; the top bit says that there is more
    then     dense: the positions of shards 0, 1, 2 ..., highest byte first; listed: a byte of the shard before each

Positions of 0 say nothing, so zero bytes may follow. The shorter of the two forms is written, dense where they are
even.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping

from msgspec import Struct

from laurels.errors import InvalidInput

_TOKEN = re.compile(r"(\d{1,9})\.((?:\d{1,3}-\d{1,18}(?:_\d{1,3}-\d{1,18}){0,255})?)\Z", re.ASCII)
_PACKED = re.compile(r"[A-E][A-Za-z0-9_-]{1,4000}\Z", re.ASCII)

_LISTED = 8
_WIDEST = 8
_SEVEN_BITS = 0x7F


class Mark(Struct, frozen=True):
    """A place in one shard's feed. The hash tells this history from another one with the same positions."""

    position: int = 0
    hash: bytes = b""


class Version(Struct, frozen=True):
    """A place in the whole feed: the position in each shard, under the ledger's epoch."""

    epoch: int
    positions: dict[int, int]

    def __str__(self) -> str:
        pairs = self.positions
        if len(pairs) > 1:
            pairs = {shard: position for shard, position in pairs.items() if position}
        if len(pairs) > 1:
            return to_base64(self.packed())
        return f"{self.epoch}." + "".join(f"{shard}-{position}" for shard, position in pairs.items())

    @classmethod
    def parse(cls, text: str, field: str = "min_version") -> "Version":
        """Read a token that an earlier answer gave; raises `InvalidInput` on anything else."""
        if _PACKED.match(text):
            return cls._of_packed(text, field)
        match = _TOKEN.match(text)
        if not match:
            raise no_token(field)
        pairs = (pair.split("-") for pair in match.group(2).split("_") if pair)
        return cls(int(match.group(1)), {int(shard): int(position) for shard, position in pairs})

    def packed(self, least_width: int = 1) -> bytes:
        """The version in few bytes, each position in at least `least_width` of them."""
        pairs = sorted((shard, position) for shard, position in self.positions.items() if position)
        width = max(least_width, (max((position for _, position in pairs), default=0).bit_length() + 7) // 8)
        length = pairs[-1][0] + 1 if pairs else 0
        is_dense = length * width <= len(pairs) * (width + 1)
        epoch = _seven_bits(self.epoch)
        if is_dense:
            dense = bytearray(length * width)
            for shard, position in pairs:
                dense[shard * width : (shard + 1) * width] = position.to_bytes(width, "big")
            return bytes((width,)) + epoch + bytes(dense)
        listed = b"".join(bytes((shard,)) + position.to_bytes(width, "big") for shard, position in pairs)
        return bytes((width + _LISTED,)) + epoch + listed

    @classmethod
    def unpack(cls, packed: bytes, field: str = "min_version") -> "Version":
        """What was packed; zero bytes may follow. Raises `InvalidInput`."""
        try:
            width, is_listed = (packed[0] - 1) % _LISTED + 1, packed[0] > _WIDEST
            epoch, at = _read_seven_bits(packed)
        except IndexError:
            raise no_token(field) from None
        step = width + is_listed
        rest = packed[at:]
        positions: dict[int, int] = {}
        for number, start in enumerate(range(0, len(rest), step)):
            cell = rest[start : start + step]
            position = int.from_bytes(cell[is_listed:], "big")
            if position:
                positions[cell[0] if is_listed else number] = position
        return cls(epoch, positions)

    @classmethod
    def _of_packed(cls, text: str, field: str) -> "Version":
        try:
            version = cls.unpack(from_base64(text), field)
        except NotBase64:
            raise no_token(field) from None
        if str(version) != text:  # there is one spelling of each
            raise no_token(field)
        return version

    def includes(self, other: "Version", began: "Mapping[int, Mapping[int, int]] | None" = None) -> bool:
        """Whether all that `other` names is in this version as well.

        An earlier epoch's version is, as far as it was there when each epoch since began: `began` has the positions by
        epoch and shard. Without that table a later epoch is taken to continue the earlier ones.
        """
        if self.epoch < other.epoch:
            return False
        if began is not None:
            since = (began[epoch] for epoch in began if other.epoch < epoch <= self.epoch)
            for of_epoch in since:
                if any(of_epoch.get(shard, 0) < position for shard, position in other.positions.items()):
                    return False
        elif self.epoch != other.epoch:
            return True
        return all(self.positions.get(shard, 0) >= position for shard, position in other.positions.items())


def no_token(field: str) -> InvalidInput:
    """The error for a token that no answer gave."""
    return InvalidInput.of(field, "must be an `as_of` from an earlier answer")


def to_base64(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes that base64url without padding stands for. Raises `binascii.Error`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _seven_bits(number: int) -> bytes:
    cells = bytearray()
    while number > _SEVEN_BITS:
        cells.append(number & _SEVEN_BITS | _SEVEN_BITS + 1)
        number >>= 7
    cells.append(number)
    return bytes(cells)


def _read_seven_bits(packed: bytes) -> tuple[int, int]:
    """The epoch, and where it ends. Raises `IndexError`."""
    epoch, at = 0, 1
    while True:
        epoch |= (packed[at] & _SEVEN_BITS) << 7 * (at - 1)
        at += 1
        if packed[at - 1] <= _SEVEN_BITS:
            return epoch, at
