"""How far a reader of the events got: a mark in each shard, as a text that readers keep and do not read."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from laurels.errors import InvalidInput
from laurels.model import Mark

LONGEST = 20_000

LAST_POSITION = 2**40 - 1
"""The last that a shard of any ledger has. A number beyond it would be no fault of a reader's, but of a database's."""

Position = Annotated[int, Meta(ge=0, le=LAST_POSITION)]


class Cursor(Struct, frozen=True, array_like=True):
    """Position and hash by shard; a shard that is not named is at its beginning."""

    marks: dict[int, tuple[Position, bytes]]

    @classmethod
    def at(cls, marks: dict[int, Mark]) -> "Cursor":
        """The cursor at marks."""
        return cls({shard: (mark.position, mark.hash) for shard, mark in marks.items() if mark.position})

    def mark(self, shard: int) -> Mark:
        """Where it is in a shard."""
        return Mark(*self.marks[shard]) if shard in self.marks else Mark()

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read a cursor that an earlier answer gave. Raises `InvalidInput` on anything else."""
        try:
            padded = text + "=" * (-len(text) % 4)
            return msgspec.msgpack.decode(urlsafe_b64decode(padded.encode("ascii")), type=cls)
        except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError, ValueError) as error:
            raise InvalidInput.of("after", "must be `next` of an earlier answer") from error
