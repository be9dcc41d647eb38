"""A board that begins at a checkpoint, and one that goes on under another epoch."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.leaderboard import ALL_TIME, Change, Followed, Hidden, Joined, LoadPart, Scored, Unhidden
from laurels.model import Version
from laurels.testing.leaderboard_contract.base import SOON_S, LeaderboardSuite
from laurels.testing.leaderboard_contract.questions import (
    agree,
    assert_not_ready,
    members_of,
    points_of,
    ranked,
    wait_until_not,
)
from laurels.testing.leaderboard_feeds import (
    BOARDS,
    FOLLOWED,
    OCTOBER,
    ScriptedFeed,
    Shards,
    cut,
    join,
    ledgers,
    mark,
    member_id,
    score,
)
from laurels.testing.naive_board import NaiveLeaderboard

ANN_AND_BOB = LoadPart(
    numbers=array("q", [0, 4]),
    ids=["ann", "bob"],
    name_numbers=array("q", [1_000, 1_004]),
    hidden=b"\0\0",
    scores={ALL_TIME: (array("q", [0, 4]), array("q", [5, 7])), OCTOBER: (array("q", [4]), array("q", [2]))},
)


async def given_out(*parts: LoadPart) -> AsyncIterator[LoadPart]:
    """Parts, one after the other."""
    for part in parts:
        yield part
        await asyncio.sleep(0)


async def broken_off(*parts: LoadPart) -> AsyncIterator[LoadPart]:
    """The same, and then the ledger is away."""
    for part in parts:
        yield part
    raise OSError


def parts_of(naive: NaiveLeaderboard, count: int, *, apart: bool = False) -> list[LoadPart]:
    """What the naive board knows as so many parts: a member with all that it has in one of them. `apart`: what members
    have on the second board comes behind all of them, as closed months do.
    """
    parts = []
    late: list[LoadPart] = []
    for turn in range(count):
        numbers = [number for number in sorted(naive.name_numbers) if number % count == turn]
        sums = {board: naive.sums(board) for board in BOARDS}
        having = {board: [number for number in numbers if sums[board].get(number)] for board in BOARDS}
        parts.append(
            LoadPart(
                numbers=array("q", numbers),
                ids=[naive.ids.get(number) for number in numbers],
                name_numbers=array("q", [naive.name_numbers[number] for number in numbers]),
                hidden=bytes(number in naive.hidden for number in numbers),
                scores={
                    board: (array("q", having[board]), array("q", [sums[board][number] for number in having[board]]))
                    for board in BOARDS
                    if having[board]
                },
                merged=[(number, into) for number, into in naive.into.items() if number % count == turn],
            )
        )
        if apart:
            parts[-1], rest = _without(parts[-1], BOARDS[1])
            late.append(rest)
    return parts + late


def _without(part: LoadPart, board: str) -> tuple[LoadPart, LoadPart]:
    """A part without the scores of a board, and a part of those alone."""
    scores = {name: scored for name, scored in part.scores.items() if name != board}
    nobody = array("q")
    rest = {board: part.scores[board]} if board in part.scores else {}
    return replace(part, scores=scores), LoadPart(numbers=nobody, ids=(), name_numbers=nobody, hidden=b"", scores=rest)


class LoadingTests(LeaderboardSuite):
    """Members and scores at once, at the marks of a feed, as if it had been applied up to there."""

    @settings(
        deadline=None,
        max_examples=50,
        print_blob=True,
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(
        shards=st.sampled_from([1, 2, 16]).flatmap(lambda width: ledgers(width=width)),
        count=st.integers(1, 4),
        apart=st.sampled_from([{}, {"apart": True}]),
        rng=st.randoms(use_true_random=True),
    )
    async def test_what_was_loaded_is_what_was_replayed(
        self, shards: Shards, count: int, apart: dict[str, bool], rng: Random
    ) -> None:
        """Hidden, renamed, erased, merged, on two boards, in 1 to 16 shards; and it goes on in the same way."""
        note(f"{shards=} {count=} {apart=}")
        naive, marks = NaiveLeaderboard(), {}
        for batch in cut(shards, [5]):
            naive.apply(batch.shard, batch.changes, batch.upto)
            marks[batch.shard] = batch.upto
        numbers = sorted({change.member for entries in shards.values() for entry in entries for change in entry})
        async with self.closed_after() as engine:
            at = replace(FOLLOWED, marks=marks)
            await engine.load(at, given_out(*parts_of(naive, count, **apart)))
            assert await engine.followed() == at
            await assert_not_ready(engine)
            await engine.confirm(3)
            view = await engine.read(ALL_TIME, None, top=0, around=0)
            assert (view.version, view.confirmed_at) == (at.version, 3)
            await agree(engine, naive, numbers, rng)
            for number in numbers:
                shard = number % len(shards)
                upto = mark(naive.positions.get(shard, 0) + 4)
                changes: list[Change] = [*score({number: 3}, OCTOBER)]
                if number in naive.ids:
                    changes += [Hidden(number), Scored(number, ALL_TIME, 2), Unhidden(number)]
                batch_changes = list(enumerate(changes, upto.position - 3))
                await engine.apply(shard, batch_changes, upto)
                naive.apply(shard, batch_changes, upto)
            await agree(engine, naive, numbers, rng)

    async def test_readers_see_what_was_there_before_until_it_is_confirmed(self, feed: ScriptedFeed) -> None:
        """While it is loaded, and after."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: 4}))
        old = await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)

        async def parts() -> AsyncIterator[LoadPart]:
            async for part in given_out(ANN_AND_BOB):
                yield part
                assert await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2) == old

        other = Followed(identity="ledger-2", epoch=5, rules="Europe/Dublin", marks={0: mark(40), 7: mark(9)})
        await feed.engine.load(other, parts())
        assert await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2) == old
        await feed.engine.confirm(9)
        view = await feed.engine.read(ALL_TIME, "ann", top=10, around=2)
        assert view.me == ranked(0, 5, rank=2, position=2, tied=1)
        assert (view.version, view.confirmed_at) == (Version(5, {0: 40, 7: 9}), 9)
        assert await members_of(feed.engine, OCTOBER) == [4]

    async def test_what_is_in_by_the_marks_is_skipped(self, feed: ScriptedFeed) -> None:
        """And what comes after them counts."""
        await feed.engine.load(replace(FOLLOWED, marks={0: mark(10)}), given_out(ANN_AND_BOB))
        await feed.engine.apply(0, [(10, Scored(0, ALL_TIME, 90)), (11, Scored(0, ALL_TIME, 1))], mark(11))
        await feed.engine.confirm(1)
        assert await points_of(feed.engine) == [7, 6]

    @pytest.mark.parametrize("was_there", [False, True])
    async def test_broken_off_it_is_as_after_a_reset(self, feed: ScriptedFeed, *, was_there: bool) -> None:
        """Nothing of it is left, and the feed is followed from its start."""
        if was_there:
            await feed.begin(*join(0), *score({0: 5}))
        other = Followed(identity="ledger-2", epoch=2, rules="x", marks={0: mark(10)})
        with pytest.raises(OSError):  # noqa: PT011 - whatever it was that the parts raised
            await feed.engine.load(other, broken_off(ANN_AND_BOB))
        assert await feed.engine.followed() == replace(other, marks={})
        if was_there:
            assert await members_of(feed.engine) == [0]
        else:
            await assert_not_ready(feed.engine)
        await feed.engine.apply(0, [(1, Joined(3, "cid", 1_003)), (2, Scored(3, ALL_TIME, 1))], mark(2))
        await feed.engine.confirm(2)
        assert await members_of(feed.engine) == [3]
        assert (await feed.engine.read(ALL_TIME, "ann", top=0, around=0)).me is None

    async def test_nothing_can_be_loaded_too(self, feed: ScriptedFeed) -> None:
        """The checkpoint of a shop that has just opened."""
        await feed.engine.load(FOLLOWED, given_out())
        await feed.engine.confirm(1)
        assert await members_of(feed.engine) == []

    async def test_it_can_be_loaded_again(self, feed: ScriptedFeed) -> None:
        """Over what was loaded or begun before."""
        await feed.engine.reset(FOLLOWED)
        await feed.engine.apply(0, [(1, Joined(8, "eve", 1_008)), (2, Scored(8, ALL_TIME, 9))], mark(2))
        for _ in range(2):
            await feed.engine.load(replace(FOLLOWED, marks={0: mark(10)}), given_out(ANN_AND_BOB))
        await feed.engine.confirm(1)
        assert await members_of(feed.engine) == [4, 0]


class AdoptingTests(LeaderboardSuite):
    """The same history under another epoch: nothing is rebuilt."""

    async def test_the_version_has_the_new_epoch_and_all_else_stays(self, feed: ScriptedFeed) -> None:
        """Marks, members, scores; it is served all the while, and goes on."""
        followed = await feed.begin(*join(0, 1), *score({0: 5, 1: 4}))
        await feed.engine.adopt(4)
        assert await feed.engine.followed() == replace(followed, epoch=4)
        view = await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)
        assert (view.version, view.confirmed_at) == (replace(followed.version, epoch=4), 1)
        assert view.me == ranked(0, 5, rank=1, position=1, tied=1)
        upto = await feed.add(*score({1: 4}))
        view = await feed.engine.read(ALL_TIME, None, top=10, around=0)
        assert view.version == Version(4, {0: upto.position})
        assert [place.points for place in view.top] == [8, 5]

    async def test_who_waits_is_woken(self, feed: ScriptedFeed) -> None:
        """The version that was known is another one now."""
        known = (await feed.begin(*join(0))).version
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            waiter = group.create_task(wait_until_not(feed.engine, known, 10 * SOON_S))
            await asyncio.sleep(0)
            await feed.engine.adopt(2)
        assert waiter.result() == replace(known, epoch=2)

    async def test_what_is_being_built_is_adopted_and_what_is_served_stays(self, feed: ScriptedFeed) -> None:
        """Readers see the new epoch once it is confirmed."""
        known = (await feed.begin(*join(0))).version
        await feed.engine.reset(FOLLOWED)
        await feed.engine.adopt(2)
        assert (await feed.engine.read(ALL_TIME, None, top=0, around=0)).version == known
        await feed.engine.apply(0, [(1, Joined(0, "ann", 1_000))], mark(1))
        await feed.engine.confirm(2)
        assert (await feed.engine.read(ALL_TIME, None, top=0, around=0)).version == Version(2, {0: 1})
