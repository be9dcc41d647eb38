"""How far a reader of the feed got: a mark for each shard, and the version token made of them.

A version is opaque to clients. Inside it reads `epoch.shard-position`, one pair for each shard joined by `_`:
`1.0-4711`. Without pairs it is the beginning of the feed.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from laurels.errors import InvalidInput

_TOKEN = re.compile(r"(\d{1,9})\.((?:\d{1,3}-\d{1,18}(?:_\d{1,3}-\d{1,18}){0,255})?)\Z", re.ASCII)


class Mark(Struct, frozen=True):
    """A place in one shard's feed. The hash tells this history from another one with the same positions."""

    position: int = 0
    hash: bytes = b""


class Version(Struct, frozen=True):
    """A place in the whole feed: the position in each shard, under the ledger's epoch."""

    epoch: int
    positions: dict[int, int]

    def __str__(self) -> str:
        pairs = "_".join(f"{shard}-{position}" for shard, position in sorted(self.positions.items()))
        return f"{self.epoch}.{pairs}"

    @classmethod
    def parse(cls, text: str, field: str = "min_version") -> "Version":
        """Read a token that an earlier answer gave; raises `InvalidInput` on anything else."""
        match = _TOKEN.match(text)
        if not match:
            raise InvalidInput.of(field, "must be an `as_of` from an earlier answer")
        pairs = (pair.split("-") for pair in match.group(2).split("_") if pair)
        return cls(int(match.group(1)), {int(shard): int(position) for shard, position in pairs})

    def includes(self, other: "Version", began: "Mapping[int, Mapping[int, int]] | None" = None) -> bool:
        """Whether all that `other` names is in this version as well.

        An earlier epoch's version is, as far as it was there when each epoch since began: `began` has the positions by
        epoch and shard. Without that table a later epoch is taken to continue the earlier ones.
        """
        if self.epoch < other.epoch:
            return False
        if began is not None:
            for epoch in range(other.epoch + 1, self.epoch + 1):
                of_epoch = began.get(epoch, {})
                if any(of_epoch.get(shard, 0) < position for shard, position in other.positions.items()):
                    return False
        elif self.epoch != other.epoch:
            return True
        return all(self.positions.get(shard, 0) >= position for shard, position in other.positions.items())
