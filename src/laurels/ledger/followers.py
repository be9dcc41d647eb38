"""The followers: who reads the feed outside, and how far each got. Kept here, so that a restore brings it back too."""

from collections.abc import Mapping
from typing import Protocol

from laurels.model import Mark


class Followers(Protocol):
    """A position in each shard for each target."""

    async def follow(self, target: str, owner: str, *, lease_s: float) -> dict[int, Mark] | None:
        """Where a target is in each shard, for its one owner at a time; a new target is at the beginning. The lease
        holds for `lease_s` seconds and is renewed by asking again. None while another owner has it.
        """
        ...

    async def followed(self, target: str, owner: str, marks: Mapping[int, Mark]) -> bool:
        """Note how far a target got. False where another owner has it meanwhile: then nothing is written."""
        ...

    async def let_go(self, target: str, owner: str) -> None:
        """End an owner's lease, so that another need not wait for its end."""
        ...

    async def mark_at(self, shard: int, position: int) -> Mark:
        """The mark of the entry at a position; of position 0, the beginning. Raises `NotFound` where there is none."""
        ...
