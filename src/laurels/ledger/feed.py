"""The feed: entries in commit order, shard by shard, and whose history it is."""

from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from laurels.ledger.epochs import FIRST_EPOCH
from laurels.model import BoardEntry, Entry, Mark, Version


class Heads(Struct, frozen=True, kw_only=True):
    """Where each shard's feed ends, and whose feed it is. `began` are the heads at which each epoch after the first
    began, by epoch.
    """

    identity: str
    epoch: int
    marks: dict[int, Mark]
    began: dict[int, dict[int, Mark]] = {}

    @property
    def version(self) -> Version:
        """The same as a version token."""
        return Version(self.epoch, {shard: mark.position for shard, mark in self.marks.items()})

    def epoch_of(self, shard: int, position: int) -> int:
        """The epoch in which an entry was written: the last one that began before it. Costs by the number of epochs."""
        began = ((epoch, marks.get(shard, Mark()).position) for epoch, marks in self.began.items())
        return max((epoch for epoch, at in began if at < position), default=FIRST_EPOCH)


class MemberTotals(Struct, frozen=True, kw_only=True):
    """Some members with their scores at one moment: one row a member.

    `ids[i]` is None where the member was erased. `scores` are those of all time; `months` has (member numbers, scores)
    by month (202611), those of 0 left out. `merged` are (member, into) of members that became another.
    """

    numbers: "array[int]"
    ids: Sequence[str | None]
    name_numbers: "array[int]"
    hidden: bytes
    scores: "array[int]"
    months: Mapping[int, "tuple[array[int], array[int]]"]
    merged: Sequence[tuple[int, int]] = ()


class Checkpoint(Struct, frozen=True, kw_only=True):
    """All that boards are made of at one moment: `heads`, and the members' totals exactly there. Read `parts` once, and
    `let_go` in the end, also where nothing was read: until then the ledger keeps that moment.
    """

    heads: Heads
    parts: AsyncIterator[MemberTotals]
    let_go: Callable[[], None]


class Passed(Struct, frozen=True):
    """A milestone that the entry at a position of a shard passed; `points` is the member's score then. `quiet`: no mail
    was decided.
    """

    position: int
    milestone: str
    points: int
    quiet: bool


class Feed(Protocol):
    """What views follow."""

    async def heads(self) -> Heads:
        """Where the feed ends now."""
        ...

    async def feed(self, shard: int, after: Mark, limit: int) -> list[Entry]:
        """Entries of a shard after a mark, in commit order, without gaps.

        Raises `FeedDiverged` when the entry at the mark is missing or has another hash: this is another history.
        """
        ...

    async def passed(self, shard: int, after: int, until: int) -> list[Passed]:
        """Milestones that were passed by entries of a shard after a position and up to another, in their order; the
        same list whenever it is asked. Of what was passed before 0.2 it is not known by which entry.
        """
        ...

    async def board_entries(self, shard: int, after: Mark, limit: int) -> tuple[list[BoardEntry], Mark]:
        """What boards read of the same entries, and the mark of the last one: `after` where
        there are none. Costs a quarter of `feed`. Raises like it.
        """
        ...

    async def checkpoint(self) -> Checkpoint:
        """Totals and heads of one snapshot, so that a view begins there and follows the feed on. Costs by members,
        whatever the feed's length.
        """
        ...

    async def wait_for_entries(self, known: Heads, timeout_s: float) -> None:
        """Return when something may have been committed after `known`, at the latest after `timeout_s`."""
        ...
