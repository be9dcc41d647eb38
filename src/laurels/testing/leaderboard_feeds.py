"""Feeds for leaderboards: written by hand, step by step, or by Hypothesis as any ledger may write them."""

from collections.abc import Sequence
from itertools import count

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from laurels.leaderboard import (
    ALL_TIME,
    Change,
    Erased,
    Followed,
    Hidden,
    Joined,
    Leaderboard,
    Merged,
    Renamed,
    Scored,
    Unhidden,
)
from laurels.model import Mark
from laurels.testing.naive_board import NaiveLeaderboard

OCTOBER = "month:2026-10"
BOARDS = (ALL_TIME, OCTOBER)
FOLLOWED = Followed(identity="ledger-1", epoch=1, rules="Europe/London")


class FeedBatch(Struct, frozen=True):
    """The arguments of one `apply`."""

    shard: int
    changes: tuple[tuple[int, Change], ...]
    upto: Mark


def mark(position: int) -> Mark:
    """The mark at a position in these feeds."""
    return Mark(position, b"entry %d" % position)


def member_id(member: int) -> str:
    """The id under which `join` enrols a member number."""
    return f"member-{member}"


def join(*members: int) -> list[Joined]:
    """Enrolments; a member's first name number is 1,000 more than its own."""
    return [Joined(member, member_id(member), 1_000 + member) for member in members]


def score(points: dict[int, int], board: str = ALL_TIME) -> list[Scored]:
    """Scores by member number."""
    return [Scored(member, board, change) for member, change in points.items()]


class ScriptedFeed:
    """A feed that follows a test's script. Each batch is delivered three times, to the engine and to its naive twin."""

    def __init__(self, engine: Leaderboard) -> None:
        self.engine = engine
        self.naive = NaiveLeaderboard()
        self.batches: list[FeedBatch] = []
        self._positions: dict[int, int] = {}

    async def begin(self, *changes: Change) -> Followed:
        """Reset the engine, apply the changes in shard 0, confirm at 1, and say what is followed then."""
        await self.engine.reset(FOLLOWED)
        await self.add(*changes)
        await self.engine.confirm(1)
        return await self.engine.followed()

    async def add(self, *changes: Change, shard: int = 0) -> Mark:
        """Apply one batch: each change is an entry; one more entry after them means nothing to a board."""
        first = self._positions.get(shard, 0) + 1
        upto = mark(first + len(changes))
        self._positions[shard] = upto.position
        batch = FeedBatch(shard, tuple(enumerate(changes, first)), upto)
        self.batches.append(batch)
        for _ in range(3):
            await self.engine.apply(batch.shard, batch.changes, batch.upto)
            self.naive.apply(batch.shard, batch.changes, batch.upto)
        return upto


Shards = dict[int, list[list[Change]]]
"""What a ledger has written: for each shard, the changes that each entry makes."""


def cut(shards: Shards, lengths: Sequence[int]) -> list[FeedBatch]:
    """Cut shards into batches of these lengths, over and over; the shards take turns."""
    batches: list[FeedBatch] = []
    done = dict.fromkeys(shards, 0)
    for turn in count():
        unfinished = [shard for shard in shards if done[shard] < len(shards[shard])]
        if not unfinished:
            return batches
        shard, start = unfinished[turn % len(unfinished)], done[unfinished[turn % len(unfinished)]]
        entries = shards[shard][start : start + lengths[turn % len(lengths)]]
        changes = [(position, change) for position, entry in enumerate(entries, start + 1) for change in entry]
        done[shard] = start + len(entries)
        batches.append(FeedBatch(shard, tuple(changes), mark(done[shard])))
    raise AssertionError


def read_later(shards: Shards) -> Shards:
    """The same feed as it reads now that all of it has happened: the ids of erased members are forgotten."""
    changes = [change for entries in shards.values() for entry in entries for change in entry]
    erased = {change.member for change in changes if isinstance(change, Erased)}

    def later(change: Change) -> Change:
        return replace(change, member_id=None) if isinstance(change, Joined) and change.member in erased else change

    return {shard: [[later(change) for change in entry] for entry in entries] for shard, entries in shards.items()}


_STEPS = st.tuples(
    st.sampled_from([*["score"] * 4, *["score on both"] * 4, "hide", "show", "rename", "erase", "merge", "nothing"]),
    st.integers(0, 7),
    st.integers(-4, 6),
)


@st.composite
def ledgers(draw: st.DrawFn, width: int | None = None) -> Shards:
    """What any ledger may have written, in up to 3 shards: few members and few points, so that there are many ties.

    Numbers have gaps, points still move when a member is hidden, erased or merged, and who was erased may come back as
    a new member.
    """
    written = WrittenShards(draw(st.integers(1, 3)) if width is None else width)
    length = draw(st.integers(0, 60))  # drawn apart, or most feeds would be short
    for step, (kind, who, points) in enumerate(draw(st.lists(_STEPS, min_size=length, max_size=length))):
        written.happen(step, kind, who, points)
    return written.shards


class WrittenShards:
    """A ledger's shards as they are written, and who is whom."""

    def __init__(self, width: int) -> None:
        self.shards: Shards = {shard: [] for shard in range(width)}
        self._numbers: dict[int, int] = {}
        self._erased: set[int] = set()
        self._into: dict[int, int] = {}

    def happen(self, step: int, kind: str, who: int, points: int) -> None:
        """Write one entry about one of a few people, if it may be."""
        if who not in self._numbers or (self._numbers[who] in self._erased and kind == "show"):
            self._numbers[who] = 2 * step + who % 2
            self._write(self._numbers[who], [*join(self._numbers[who])])
        member = self._numbers[who]
        if kind.startswith("score"):
            # What comes for a member that became another may be written in either one's shard.
            self._write(self._root(member) if points % 2 else member, _entry(kind, member, points))
        elif member in self._erased:
            return
        elif kind == "merge":
            self._merge(self._root(member), self._numbers.get((who + points) % 8))
        elif kind == "erase" and points % 2:
            self._write(member, _entry(kind, member, points))  # the old number alone, where it became another
            self._erased.add(member)
        elif self._root(member) not in self._erased:
            self._write(self._root(member), _entry(kind, self._root(member), points))
            self._erased |= {self._root(member)} if kind == "erase" else set()

    def _merge(self, member: int, other: int | None) -> None:
        into = None if other is None else self._root(other)
        if into is not None and into != member and not {member, into} & self._erased:
            self._write(member, [Merged(member, into)])
            self._into[member] = into

    def _root(self, member: int) -> int:
        while member in self._into:
            member = self._into[member]
        return member

    def _write(self, member: int, entry: list[Change]) -> None:
        self.shards[member % len(self.shards)].append(entry)


def _entry(kind: str, member: int, points: int) -> list[Change]:
    entries: dict[str, list[Change]] = {
        "score": [Scored(member, ALL_TIME, points)],
        "score on both": [Scored(member, board, points) for board in BOARDS],
        "hide": [Hidden(member)],
        "show": [Unhidden(member)],
        "rename": [Renamed(member, 5_000 + points)],
        "erase": [Erased(member)],
        "nothing": [],
    }
    return entries[kind]
