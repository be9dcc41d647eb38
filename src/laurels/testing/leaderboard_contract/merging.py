"""Members that become one with another, in whatever order the shards tell of it."""

from collections.abc import Iterator
from itertools import combinations
from random import Random

import pytest

from laurels.leaderboard import ALL_TIME, Change, Erased, Hidden, Joined, Merged, Renamed, Scored, Unhidden
from laurels.testing.leaderboard_contract.base import LeaderboardSuite
from laurels.testing.leaderboard_contract.questions import (
    agree,
    members_of,
    points_of,
    ranked,
    reading,
    rows_of,
    unranked,
)
from laurels.testing.leaderboard_feeds import BOARDS, FOLLOWED, OCTOBER, ScriptedFeed, join, mark, member_id, score
from laurels.testing.naive_board import NaiveLeaderboard

HISTORIES: dict[str, tuple[list[Change], list[Change]]] = {
    "later scores": (
        [*join(0), *score({0: 5}), Merged(0, 1), *score({0: 2})],
        [*join(1), *score({1: 3}), *score({0: 4})],
    ),
    "closed month": ([*join(0), *score({0: 5}, OCTOBER), Merged(0, 1)], [*join(1), *score({1: 3}), Renamed(1, 77)]),
    "into a hidden one": ([*join(0), *score({0: 5}), Merged(0, 1)], [*join(1), Hidden(1), *score({1: 3})]),
    "of a hidden one": (
        [*join(0), Hidden(0), *score({0: 5}), Merged(0, 1)],
        [*join(1), *score({1: 3}), *score({0: 1})],
    ),
    "the old one erased": (
        [*join(0), *score({0: 5}), Merged(0, 1), Erased(0)],
        [*join(1), *score({1: 3}), *score({0: 1})],
    ),
    "the new one erased": (
        [*join(0), *score({0: 5}), Merged(0, 1)],
        [*join(1), *score({1: 3}), Erased(1), *score({0: 1})],
    ),
    "erased by now": (
        [Joined(0, None, 1_000), *score({0: 5}), Merged(0, 1), Erased(0)],
        [*join(1), *score({1: 3}), *score({0: 1})],
    ),
    "a chain": (
        [*join(0, 2), *score({0: 5, 2: 7}), Merged(0, 1), *score({0: 2})],
        [*join(1), *score({1: 3}), Merged(1, 2), *score({0: 4})],
    ),
    "a chain erased by now": (
        [*join(0, 2), *score({0: 5, 2: 7}), Merged(0, 1)],
        [Joined(1, None, 1_001), *score({1: 3}), Merged(1, 2), *score({0: 4}), Erased(1)],
    ),
}
"""What two shards say, 0 and 1; each change is an entry."""


class MergedScoresTests(LeaderboardSuite):
    """Scores go over on every board, later ones too, and the old id answers for the member that goes on."""

    async def test_scores_go_over_on_every_board(self, feed: ScriptedFeed) -> None:
        """A closed month's too; both below and above others; and nothing is left under the old number."""
        await feed.begin(*join(0, 1, 2), *score({0: 300, 1: 200, 2: 400}), *score({0: 7, 2: 3}, OCTOBER))
        await feed.add(Merged(0, 1))
        view = await feed.engine.read(ALL_TIME, member_id(1), top=10, around=2)
        assert view.me == ranked(1, 500, rank=1, position=1, tied=1)
        assert await members_of(feed.engine) == [1, 2]
        assert await members_of(feed.engine, OCTOBER) == [1, 2]
        assert await points_of(feed.engine, OCTOBER) == [7, 3]

    async def test_the_old_id_answers_for_the_member_that_goes_on(self, feed: ScriptedFeed) -> None:
        """The same in every part, name and neighbours too; the whole board has the one row."""
        await feed.begin(*join(0, 1, 2), *score({0: 5, 1: 4, 2: 9}), Merged(0, 1))
        old, new = [await feed.engine.read(ALL_TIME, member_id(member), top=10, around=2) for member in (0, 1)]
        assert reading(old) == reading(new)
        assert old.me == ranked(1, 9, rank=1, position=1, tied=2)
        assert await rows_of(feed.engine) == [(member_id(1), 9, 1, 1), (member_id(2), 9, 1, 2)]

    async def test_what_comes_later_for_the_old_number_counts_for_the_new_one(self, feed: ScriptedFeed) -> None:
        """`ann` 300 and `bob` 200 merged, then bob's order of 200 refunded in part: ann 480."""
        await feed.begin(*join(0, 1), *score({0: 300, 1: 200}), Merged(1, 0))
        await feed.add(*score({1: -20}))
        assert await points_of(feed.engine) == [480]
        await feed.add(*score({1: 4}, OCTOBER), shard=3)
        assert await members_of(feed.engine, OCTOBER) == [0]

    async def test_chains_end_at_the_last_one(self, feed: ScriptedFeed) -> None:
        """Four become one, in whichever order they are merged."""
        await feed.begin(*join(0, 1, 2, 3), *score({0: 1, 1: 10, 2: 100, 3: 1_000}))
        await feed.add(Merged(1, 2), Merged(0, 1), Merged(2, 3), *score({0: 5, 1: 5}))
        assert await points_of(feed.engine) == [1_121]
        for old in range(4):
            me = (await feed.engine.read(ALL_TIME, member_id(old), top=0, around=0)).me
            assert me == ranked(3, 1_121, rank=1, position=1, tied=1)

    async def test_sums_beyond_32_bits_go_over_exactly(self, feed: ScriptedFeed) -> None:
        """And come back within without a loss."""
        most = 2**31 - 1
        await feed.begin(*join(0, 1, 2), *score({0: most}, OCTOBER), *score({0: most, 1: most}, OCTOBER))
        await feed.add(Merged(0, 1), *score({1: -most, 2: 1}, OCTOBER))
        assert await points_of(feed.engine, OCTOBER) == [most, 1]
        await feed.add(*score({0: 5 - most}, OCTOBER), *score({0: -most}, OCTOBER))
        assert await points_of(feed.engine, OCTOBER) == [5, 1]

    async def test_whether_it_is_hidden_is_the_matter_of_the_one_that_goes_on(self, feed: ScriptedFeed) -> None:
        """A hidden one's points show under the other; under a hidden one nothing shows until it is shown."""
        await feed.begin(*join(0, 1, 2), *score({0: 5, 1: 4, 2: 1}), Hidden(0), Merged(0, 1))
        assert await points_of(feed.engine) == [9, 1]
        await feed.add(Hidden(1), Unhidden(0))
        assert await points_of(feed.engine) == [1]
        me = (await feed.engine.read(ALL_TIME, member_id(0), top=0, around=0)).me
        assert me == unranked(1, 9, hidden=True)
        await feed.add(Unhidden(1))
        assert await points_of(feed.engine) == [9, 1]

    async def test_erasing_the_one_that_goes_on_erases_all_that_became_it(self, feed: ScriptedFeed) -> None:
        """Neither id is known any more, and nothing that still comes counts."""
        await feed.begin(*join(0, 1, 2, 3), *score({0: 5, 1: 4, 2: 1, 3: 8}), Merged(3, 0), Merged(0, 1), Erased(1))
        await feed.add(*score({0: 9, 1: 9, 3: 9}))
        assert await members_of(feed.engine) == [2]
        for gone in (0, 1, 3):
            assert (await feed.engine.read(ALL_TIME, member_id(gone), top=0, around=0)).me is None

    async def test_erasing_the_old_number_forgets_its_id_alone(self, feed: ScriptedFeed) -> None:
        """The points stay where they went, and the id may be enrolled anew."""
        await feed.begin(Joined(0, "ann", 1_000), *join(1), *score({0: 5, 1: 4}), Merged(0, 1), Erased(0))
        assert (await feed.engine.read(ALL_TIME, "ann", top=0, around=0)).me is None
        await feed.add(*score({0: 1}), Joined(7, "ann", 1_007), *score({7: 2}))
        assert await points_of(feed.engine) == [10, 2]
        me = (await feed.engine.read(ALL_TIME, "ann", top=0, around=0)).me
        assert me == ranked(7, 2, rank=2, position=2, tied=1)

    async def test_a_number_may_be_named_before_it_joins(self, feed: ScriptedFeed) -> None:
        """Scored, or merged into, by another shard: on no board until it is enrolled, and then with all of it."""
        await feed.begin(*join(0), *score({0: 5}))
        await feed.add(*score({9: 3}), Merged(0, 2), *score({0: 1}), shard=1)
        assert await members_of(feed.engine) == []
        assert (await feed.engine.read(ALL_TIME, member_id(0), top=0, around=0)).me is None
        await feed.add(*join(9, 2), shard=2)
        assert [await members_of(feed.engine), await points_of(feed.engine)] == [[2, 9], [6, 3]]
        me = (await feed.engine.read(ALL_TIME, member_id(0), top=0, around=0)).me
        assert me == ranked(2, 6, rank=1, position=1, tied=1)

    @pytest.mark.parametrize("history", [*HISTORIES])
    async def test_any_turns_of_two_shards_end_in_the_same_board(self, history: str, rng: Random) -> None:
        """All interleavings, each compared with the naive board at its end."""
        shards = HISTORIES[history]
        numbers = [0, 1, 2]
        ends = []
        async with self.closed_after() as engine:
            for turns in interleavings(len(shards[0]), len(shards[1])):
                await engine.reset(FOLLOWED)
                naive = NaiveLeaderboard()
                done = [0, 0]
                for shard in turns:
                    done[shard] += 1
                    changes = [(done[shard], shards[shard][done[shard] - 1])]
                    await engine.apply(shard, changes, mark(done[shard]))
                    naive.apply(shard, changes, mark(done[shard]))
                await engine.confirm(1)
                await agree(engine, naive, numbers, rng)
                ends.append([naive.read(board, member_id(0), top=9, around=9) for board in BOARDS])
        assert all(end == ends[0] for end in ends)

    async def test_ten_thousand_merges_agree_with_the_naive_board(self, feed: ScriptedFeed, rng: Random) -> None:
        """Enough to outgrow what an engine makes room for at first; many into one, and long chains."""
        members = 12_000
        await feed.begin(*join(*range(members)), *score({member: 1 + member % 7 for member in range(members)}))
        chain = [Merged(member, member + 1) for member in range(2_000)]
        many = [Merged(member, rng.choice([11_000, 11_001])) for member in range(2_001, 10_000)]
        await feed.add(*rng.sample(chain, len(chain)), *many)
        await feed.add(*(Scored(member, ALL_TIME, 1) for member in range(0, 10_000, 97)))
        assert await rows_of(feed.engine) == feed.naive.standings(ALL_TIME)
        view = await feed.engine.read(ALL_TIME, member_id(0), top=1, around=0)
        assert view.me is not None
        assert view.me.member == 2_000


def interleavings(one: int, other: int) -> Iterator[list[int]]:
    """Every way in which two shards with so many entries may take turns."""
    for places in combinations(range(one + other), one):
        yield [0 if place in places else 1 for place in range(one + other)]
