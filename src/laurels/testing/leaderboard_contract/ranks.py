"""Who stands where: order, ranks, neighbours, who is not ranked, and which board counts what."""

import pytest

from laurels.leaderboard import ALL_TIME, Erased, Hidden, Joined, Renamed, Unhidden
from laurels.model import Place
from laurels.model.entries import MAX_POINTS
from laurels.testing.leaderboard_contract.base import LeaderboardSuite
from laurels.testing.leaderboard_contract.questions import (
    assert_agrees,
    members_of,
    points_of,
    ranked,
    rows_of,
    unranked,
)
from laurels.testing.leaderboard_feeds import BOARDS, OCTOBER, ScriptedFeed, join, mark, member_id, score


class OrderTests(LeaderboardSuite):
    """One total order, competition ranks, and windows that end where the board ends."""

    async def test_more_points_come_first_and_equal_points_by_member_number(self, feed: ScriptedFeed) -> None:
        """One total order, whatever the order of enrolment and of scoring."""
        await feed.begin(*join(9, 3, 10, 1, 2), *score({9: 5, 10: 5, 2: 7, 1: 5, 3: 8}))
        assert await members_of(feed.engine) == [3, 2, 1, 9, 10]

    async def test_ranks_are_1_2_2_4(self, feed: ScriptedFeed) -> None:
        """Competition ranks; `tied` counts the member itself; the position is its own."""
        await feed.begin(*join(0, 1, 2, 3), *score({0: 9, 1: 7, 2: 7, 3: 1}))
        view = await feed.engine.read(ALL_TIME, member_id(2), top=10, around=1)
        assert [place.rank for place in view.top] == [1, 2, 2, 4]
        assert view.me == ranked(2, 7, rank=2, position=3, tied=2)
        assert list(view.around) == [Place(2, 1, 1001, 7), Place(2, 2, 1002, 7), Place(4, 3, 1003, 1)]

    async def test_the_first_neighbour_shown_may_be_in_the_middle_of_a_tie(self, feed: ScriptedFeed) -> None:
        """Its rank is that of the whole tie."""
        await feed.begin(*join(*range(10)), *score({0: 9} | dict.fromkeys(range(1, 10), 4)))
        view = await feed.engine.read(ALL_TIME, member_id(7), top=0, around=1)
        assert [(place.rank, place.member) for place in view.around] == [(2, 6), (2, 7), (2, 8)]
        assert view.me == ranked(7, 4, rank=2, position=8, tied=9)

    async def test_a_months_sum_beyond_32_bits_is_kept_exactly_and_shown_within(self, feed: ScriptedFeed) -> None:
        """What one month takes back from another may leave the range for a while, and comes back without a loss."""
        await feed.begin(*join(0, 1, 2), *score({0: MAX_POINTS, 1: MAX_POINTS, 2: -MAX_POINTS}, OCTOBER))
        await feed.add(*score({1: 5, 2: -5}, OCTOBER))
        view = await feed.engine.read(OCTOBER, member_id(1), top=3, around=0)
        assert view.me == ranked(1, MAX_POINTS, rank=1, position=2, tied=2)
        below = (await feed.engine.read(OCTOBER, member_id(2), top=3, around=0)).me
        assert below == unranked(2, -MAX_POINTS)
        await feed.add(*score({1: -6, 2: MAX_POINTS}, OCTOBER))
        assert await points_of(feed.engine, OCTOBER) == [MAX_POINTS, MAX_POINTS - 1]
        await feed.add(*score({2: 6}, OCTOBER))
        assert await points_of(feed.engine, OCTOBER) == [MAX_POINTS, MAX_POINTS - 1, 1]

    @pytest.mark.parametrize(("top", "shown"), [(0, 0), (1, 1), (2, 2), (100, 100)])
    async def test_the_top_is_as_long_as_asked(self, feed: ScriptedFeed, top: int, shown: int) -> None:
        """From none to a hundred."""
        await feed.begin(*join(*range(130)), *score({member: 1 + member % 7 for member in range(130)}))
        view = await feed.engine.read(ALL_TIME, None, top=top, around=2)
        assert len(view.top) == shown
        assert (view.ranked, view.me, list(view.around)) == (130, None, [])
        assert_agrees(view, feed.naive.read(ALL_TIME, None, top=top, around=2))

    @pytest.mark.parametrize("around", [0, 1, 2, 4, 50])
    async def test_around_is_shorter_at_the_ends_and_never_padded(self, feed: ScriptedFeed, around: int) -> None:
        """The last above, the member's own, the first below."""
        await feed.begin(*join(*range(6)), *score({member: 60 - 10 * member for member in range(6)}))
        for member in range(6):
            view = await feed.engine.read(ALL_TIME, member_id(member), top=3, around=around)
            shown = list(range(max(0, member - around), min(5, member + around) + 1))
            assert [place.member for place in view.around] == shown
            assert [place.rank for place in view.around] == [1 + other for other in shown]

    async def test_the_largest_scores_are_exact(self, feed: ScriptedFeed) -> None:
        """Scores are signed 32-bit, member numbers may be large."""
        await feed.begin(*join(0, 70_000, 70_001), *score({0: -MAX_POINTS, 70_000: MAX_POINTS, 70_001: MAX_POINTS - 1}))
        assert await points_of(feed.engine) == [MAX_POINTS, MAX_POINTS - 1]
        await feed.add(*score({0: MAX_POINTS}), *score({0: MAX_POINTS}), *score({70_000: -MAX_POINTS}))
        assert await members_of(feed.engine) == [0, 70_001]


class UnrankedTests(LeaderboardSuite):
    """Below 1 point, hidden, erased, unknown: no rank, and nobody else's rank is touched."""

    async def test_who_is_unknown_has_no_standing(self, feed: ScriptedFeed) -> None:
        """`me` is None for an unknown member and where none was asked for."""
        await feed.begin(*join(0), *score({0: 3}))
        for nobody in ("member-1", None, "", "MEMBER-0"):
            view = await feed.engine.read(ALL_TIME, nobody, top=10, around=2)
            assert (view.me, list(view.around), view.ranked, len(view.top)) == (None, [], 1, 1)

    async def test_below_one_point_there_is_no_rank(self, feed: ScriptedFeed) -> None:
        """Enrolled without points, exactly 0, below 0: the points are true, the rank is None."""
        await feed.begin(*join(0, 1, 2, 3), *score({1: 5, 2: -4, 3: 1}), *score({1: -5}))
        for member, points in ((0, 0), (1, 0), (2, -4)):
            view = await feed.engine.read(ALL_TIME, member_id(member), top=10, around=2)
            assert view.me == unranked(member, points)
            assert (list(view.around), view.ranked) == ([], 1)

    async def test_below_zero_and_back(self, feed: ScriptedFeed) -> None:
        """A score below zero is kept, and counts when points come again."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: 2}))
        await feed.add(*score({0: -9}))
        assert await members_of(feed.engine) == [1]
        await feed.add(*score({0: 4}))
        assert await members_of(feed.engine) == [1]
        await feed.add(*score({0: 3}))
        assert await members_of(feed.engine) == [0, 1]
        assert await points_of(feed.engine) == [3, 2]

    async def test_hidden_members_are_not_ranked_but_keep_their_scores(self, feed: ScriptedFeed) -> None:
        """Hidden on every board, scoring on, and back with all of it when shown."""
        await feed.begin(*join(0, 1, 2), *score({0: 9, 1: 8, 2: 7}), *score({1: 3}, OCTOBER))
        await feed.add(Hidden(1), *score({1: 4, 2: 2}))
        view = await feed.engine.read(ALL_TIME, member_id(1), top=10, around=2)
        assert view.me == unranked(1, 12, hidden=True)
        assert [place.rank for place in view.top] == [1, 1]
        assert await members_of(feed.engine, OCTOBER) == []
        await feed.add(Unhidden(1))
        assert await members_of(feed.engine) == [1, 0, 2]
        assert await members_of(feed.engine, OCTOBER) == [1]

    async def test_hiding_and_showing_again_change_nothing(self, feed: ScriptedFeed) -> None:
        """Hidden twice, shown twice, hidden below 1 point: a member is on a board once or not at all."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: -5}), Unhidden(0), Hidden(1), Hidden(1), Hidden(0), Hidden(0))
        assert await members_of(feed.engine) == []
        await feed.add(Unhidden(0), Unhidden(0), Unhidden(1), *score({1: 6}))
        assert await members_of(feed.engine) == [0, 1]

    async def test_erased_members_are_forgotten(self, feed: ScriptedFeed) -> None:
        """Off every board, the id unknown, and what is still written under the number counts nowhere."""
        await feed.begin(*join(0, 1), *score({0: 9, 1: 8}), *score({0: 2}, OCTOBER))
        await feed.add(Erased(0))
        await feed.add(*score({0: 7}), *score({0: 7}, OCTOBER), Erased(0), Unhidden(0))
        assert (await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)).me is None
        assert await members_of(feed.engine) == [1]
        assert await members_of(feed.engine, OCTOBER) == []

    async def test_hidden_members_can_be_erased(self, feed: ScriptedFeed) -> None:
        """And do not come back."""
        await feed.begin(*join(0, 1), *score({0: 9, 1: 8}), Hidden(0), Erased(0))
        assert (await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)).me is None
        assert await members_of(feed.engine) == [1]

    async def test_who_is_erased_by_now_joins_without_an_id(self, feed: ScriptedFeed) -> None:
        """A rebuild reads the enrolment long after the erasure: such a member is never on a board."""
        await feed.begin(Joined(0, None, 1000), *join(1), *score({0: 9, 1: 8}))
        assert await members_of(feed.engine) == [1]
        assert await rows_of(feed.engine) == [(member_id(1), 8, 1, 1)]
        await feed.add(Hidden(0), Unhidden(0), Renamed(0, 77), *score({0: 1}), Erased(0))
        assert await members_of(feed.engine) == [1]

    async def test_who_was_erased_may_come_back_as_a_new_member(self, feed: ScriptedFeed) -> None:
        """Shards are independent: the new enrolment may be read before the erasure, and stands either way."""
        await feed.begin(Joined(0, "ann", 1000), *score({0: 9}))
        await feed.add(Joined(1, "ann", 1001), *score({1: 4}), shard=1)
        await feed.add(Erased(0))
        view = await feed.engine.read(ALL_TIME, "ann", top=10, around=2)
        assert view.me == ranked(1, 4, rank=1, position=1, tied=1)
        assert await rows_of(feed.engine) == [("ann", 4, 1, 1)]
        await feed.add(Erased(1), Joined(3, "ann", 1003), shard=1)
        view = await feed.engine.read(ALL_TIME, "ann", top=10, around=2)
        assert view.me == unranked(3, 0)

    async def test_renamed_members_have_another_name_number_everywhere(self, feed: ScriptedFeed) -> None:
        """In the top, around, and in the member's own standing; hidden ones too."""
        await feed.begin(*join(0, 1), *score({0: 9, 1: 8}), Renamed(1, 4711), Hidden(0), Renamed(0, 4712), Unhidden(0))
        view = await feed.engine.read(ALL_TIME, member_id(1), top=10, around=2)
        assert [place.name_number for place in view.top] == [4712, 4711]
        assert list(view.around) == list(view.top)
        assert view.me is not None
        assert view.me.name_number == 4711


class ManyBoardsTests(LeaderboardSuite):
    """Boards are apart, and there when they are asked for."""

    async def test_a_board_without_scores_is_empty(self, feed: ScriptedFeed) -> None:
        """Not an error, and a member that is known is known there too."""
        await feed.begin(*join(0), *score({0: 4}))
        view = await feed.engine.read("month:2031-01", member_id(0), top=10, around=2)
        assert_agrees(view, (0, [], unranked(0, 0), []))
        assert await rows_of(feed.engine, "month:2031-01") == []

    async def test_boards_are_apart(self, feed: ScriptedFeed) -> None:
        """One entry may count on several boards, another on one."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: 4}), *score({0: 1, 1: 4}, OCTOBER))
        assert await members_of(feed.engine) == [0, 1]
        assert await members_of(feed.engine, OCTOBER) == [1, 0]
        assert await points_of(feed.engine, OCTOBER) == [4, 1]

    async def test_the_changes_of_one_position_go_together(self, feed: ScriptedFeed) -> None:
        """An entry that counts on two boards counts on both."""
        await feed.begin(*join(0))
        position = feed.batches[-1].upto.position + 1
        both = [(position, change) for board in BOARDS for change in score({0: 6}, board)]
        for _ in range(3):
            await feed.engine.apply(0, both, mark(position))
        assert [await points_of(feed.engine, board) for board in BOARDS] == [[6], [6]]
