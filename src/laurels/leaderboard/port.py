"""The leaderboard as the other packages see it. `laurels.testing.leaderboard_contract` tells whether an engine keeps
the promises.
"""

from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from laurels.leaderboard.changes import Change
from laurels.model import Mark, Place, Standing, Version

BoardRow = tuple[str, int, int, int]
"""Member id, points, rank, position on the board."""

MOST_SHOWN = 2**31 - 1
"""Places that one read shows at most, and rows of one chunk."""


def size_of(asked: int) -> int:
    """How many places somebody is shown who asks for so many: none for less than 0."""
    return min(max(asked, 0), MOST_SHOWN)


class Followed(Struct, frozen=True, kw_only=True):
    """Whose feed a leaderboard follows, and how far it got. `identity` is None before the first entry.

    `rules` names what the entries are read by (the boards' time zone, and since when months have boards):
    other rules make other boards. Identity and rules have up to 4,096 bytes each as UTF-8, a hash 64, and an epoch is
    below 2^63.
    """

    identity: str | None = None
    epoch: int = 0
    rules: str = ""
    marks: dict[int, Mark] = {}

    @property
    def version(self) -> Version:
        """The same as a version token."""
        return Version(self.epoch, {shard: mark.position for shard, mark in self.marks.items()})


class LoadPart(Struct, frozen=True, kw_only=True):
    """Some members with what they have on every board, as `Leaderboard.load` takes them: one row a member, by number.

    `ids[i]` is None where the member was erased. `scores` are (member numbers, scores) by board, those of 0 left out,
    of these members and of members of earlier parts. `merged` are (member, into) of members that became another: `into`
    has their scores already.
    """

    numbers: "array[int]"
    ids: Sequence[str | None]
    name_numbers: "array[int]"
    hidden: bytes
    scores: Mapping[str, "tuple[array[int], array[int]]"]
    merged: Sequence[tuple[int, int]] = ()


class View(Struct, frozen=True, kw_only=True):
    """One consistent read. `me` is None for an unknown member, or where none was asked for.

    `around` holds up to k places above, the member's own, and up to k below, in board order; empty for an unranked
    member. `confirmed_at` is when the feed's head was last known to be no further than `version`.
    """

    version: Version
    confirmed_at: int
    ranked: int
    top: Sequence[Place]
    me: Standing | None
    around: Sequence[Place]


class Leaderboard(Protocol):
    """A leaderboard. Reads are answered from memory or by one round trip; they never touch the ledger.

    Where one process at a time follows the feed for all that read, the methods from `followed` to `adopt` raise
    `AnotherProjector` in any other. While one that is on a server cannot reach it, questions raise `BoardNotReady`, and
    those methods raise `BoardUnavailable`; so they do where the disk is full.
    """

    name: str

    async def read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        """The first `top` places, and a member's place with `around` neighbours on each side, from one version.

        A board without scores is empty, not an error; so is one whose name no board may bear, and a text that is no id
        (a lone surrogate) is nobody's. Sizes are what `size_of` makes of them. Raises `BoardNotReady` before the first
        `confirm` after a `reset` where nothing older can be served.
        """
        ...

    def standings(self, board: str, *, chunk: int = 1000) -> AsyncIterator[list[tuple[str, int, int, int]]]:
        """The whole board in order, in chunks of (member_id, points, rank, position), all of one version.

        Raises `FeedDiverged` where the engine could not hold one version to the end.
        """
        ...

    async def followed(self) -> Followed:
        """Whose feed this follows and how far it got."""
        ...

    async def apply(self, shard: int, changes: Sequence[tuple[int, Change]], upto: Mark) -> None:
        """Take (position, change) of one shard, in order, and move its mark to `upto`, all at once.

        Changes at or before the present mark are skipped; an `upto` at or before it does nothing. A score or a merge
        may name a member that joins later, in another shard.

        The range: shards from 0 to 15, member numbers from 0 to `MOST_MEMBER`, name numbers below 2^30, ids of 1 to
        4,096 bytes of UTF-8, board names as `is_name` has them, changes and sums within 64 bits with their sign. Raises
        `ValueError` (or `OverflowError`) for what is outside, and `KeyError` where one that never joined is hidden,
        shown, renamed or erased: no ledger writes either. How much of the batch is in then is the engine's matter.

        Raises `BoardMoved`
        where the leaderboard is no longer as `followed` and `apply` left it, which only one outside of this process
        may be: then ask `followed` again, and go on from there.
        """
        ...

    async def confirm(self, at: int) -> None:
        """The feed's head was read at the instant `at`, and all of it is in. Raises `BoardMoved` like `apply`."""
        ...

    async def reset(self, followed: Followed) -> None:
        """Forget everything and begin to follow this feed from its start (`marks` must be empty)."""
        ...

    async def load(self, followed: Followed, parts: AsyncIterator[LoadPart]) -> None:
        """Forget everything and stand at `followed`'s marks with these members and scores, as if the feed had been
        applied up to there. Until the next `confirm`, readers are served what was there before, where there was
        something; where it is broken off, it is as after a `reset`. Costs by members, whatever the feed's length.
        """
        ...

    async def adopt(self, epoch: int) -> None:
        """Go on under another epoch of the same ledger, whose feed holds all that is here. Nothing is rebuilt; the
        version that readers see has the new epoch. Raises `BoardMoved` like `apply`.
        """
        ...

    async def wait_for_change(self, known: Version, timeout_s: float) -> None:
        """Return when the version may be another than `known`, at the latest after `timeout_s`."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


@runtime_checkable
class Paced(Protocol):
    """What a leaderboard has besides whose batches keep others waiting: it says how long they may be."""

    @property
    def batch(self) -> int:
        """How many entries to give at once now, as the last batches went."""
        ...


@runtime_checkable
class SyncReads(Protocol):
    """What a leaderboard has besides whose reads wait for nobody: the hot read is answered without a turn of the event
    loop.
    """

    def try_read(self, board: str, member_id: str | None, *, top: int, around: int) -> View:
        """The same as `Leaderboard.read`, at once."""
        ...
