"""What is outside of the port's range: asked for, it is nobody and nothing; told by a feed, it is refused."""

import pytest

from laurels.leaderboard import ALL_TIME, Change, Joined, Leaderboard, Merged, Renamed, Scored
from laurels.testing.leaderboard_contract.base import LeaderboardSuite
from laurels.testing.leaderboard_contract.questions import members_of, points_of, rows_of
from laurels.testing.leaderboard_feeds import FOLLOWED, ScriptedFeed, join, mark, member_id, score

NAMES_OF_NONE = [
    "",
    "\ud800",
    "a\udfffb",
    "x" * 125,
    "x" * 100_000,
    "\0",
    "tab\t",
    'quote"',
    "back\\",
    "\xe9",
    "\U0001f600",
    "a:b",
]
"""No board bears them, nor may: but the last one, which may."""

ODD_IDS = ["\ud800", "ann\udfff", "\0", "x" * 100_000, "\U0010ffff", "%2F", "*", "member-0\n", " member-0"]


class OutsideTests(LeaderboardSuite):
    """Odd names, ids and sizes, and changes that no ledger writes."""

    @pytest.mark.parametrize("name", NAMES_OF_NONE)
    async def test_a_board_that_cannot_be_is_empty(self, feed: ScriptedFeed, name: str) -> None:
        """Also after it was asked for; members are known there too."""
        await feed.begin(*join(0), *score({0: 3}))
        for _ in range(2):
            view = await feed.engine.read(name, member_id(0), top=10, around=2)
            assert (view.ranked, list(view.top), list(view.around)) == (0, [], [])
            assert view.me is not None
            assert (view.me.points, view.me.rank) == (0, None)
            assert await rows_of(feed.engine, name) == []

    async def test_what_is_no_id_is_nobody(self, feed: ScriptedFeed) -> None:
        """Above all not somebody whose id it looks like where it is written down."""
        await feed.begin(*join(0), Joined(1, "ann?", 1_001), Joined(2, "?", 1_002), *score({0: 3, 1: 2, 2: 1}))
        for text in ODD_IDS:
            view = await feed.engine.read(ALL_TIME, text, top=1, around=2)
            assert (view.me, list(view.around), view.ranked) == (None, [], 3)

    @pytest.mark.parametrize(
        "text", ["o'brien@example.ie", "gid://shopify/Order/1", "\N{SNOWMAN}" * 128, "\U0001f600" * 128, "a b"]
    )
    async def test_any_printable_text_may_be_an_id(self, feed: ScriptedFeed, text: str) -> None:
        """Of up to 128 characters."""
        await feed.begin(Joined(0, text, 1_000), *score({0: 3}))
        me = (await feed.engine.read(ALL_TIME, text, top=0, around=0)).me
        assert me is not None
        assert await rows_of(feed.engine) == [(text, 3, 1, 1)]

    async def test_sizes_beyond_all_are_everybody(self, feed: ScriptedFeed) -> None:
        """However large the number is."""
        await feed.begin(*join(0, 1, 2), *score({0: 3, 1: 2, 2: 1}))
        for size in (2**31 - 1, 2**31, 2**63, 2**64, 10**30):
            view = await feed.engine.read(ALL_TIME, member_id(1), top=size, around=size)
            assert [place.member for place in view.top] == [0, 1, 2]
            assert [place.member for place in view.around] == [0, 1, 2]
            rows = [row async for chunk in feed.engine.standings(ALL_TIME, chunk=size) for row in chunk]
            assert [row[1] for row in rows] == [3, 2, 1]

    async def test_a_shard_that_cannot_be_is_refused(self, feed: ScriptedFeed) -> None:
        """A ledger has at most sixteen."""
        await feed.begin(*join(0), *score({0: 5}))
        for shard in (-1, 16, 2**31, 2**64):
            with pytest.raises((ValueError, OverflowError)):
                await feed.engine.apply(shard, [(1, Scored(0, ALL_TIME, 1))], mark(1))

    async def test_sizes_below_zero_are_zero(self, feed: ScriptedFeed) -> None:
        """No rows from the other end."""
        await feed.begin(*join(0, 1, 2), *score({0: 3, 1: 2, 2: 1}))
        for size in (-1, -2, -(2**31), -(2**63) - 1, -(10**30)):
            view = await feed.engine.read(ALL_TIME, member_id(1), top=size, around=size)
            assert list(view.top) == []
            assert [place.member for place in view.around] == [1]

    @pytest.mark.parametrize(
        "change",
        [
            Scored(0, ALL_TIME, 2**63),
            Scored(0, ALL_TIME, -(2**63) - 1),
            Scored(0, ALL_TIME, 2**63 - 1),
            Scored(-1, ALL_TIME, 1),
            Scored(2**32 - 2, ALL_TIME, 1),
            Scored(2**64, ALL_TIME, 1),
            Joined(-1, "ann", 1_000),
            Joined(1, "", 1_000),
            Joined(2, "\ud800", 1_000),
            Joined(2, "x" * 4_097, 1_000),
            Joined(2, "\U0001f600" * 1_025, 1_000),
            Joined(2, "cyd", -1),
            Joined(2, "cyd", 2**30),
            Joined(2, "cyd", 2**64),
            Joined(2, None, 2**30),
            Renamed(0, 2**30),
            Renamed(0, -1),
            Merged(-1, 0),
            Merged(0, -1),
            Merged(0, 2**32 - 2),
            *(Scored(0, name, 1) for name in NAMES_OF_NONE[:-1]),
        ],
    )
    async def test_changes_that_no_ledger_writes_are_refused(self, feed: ScriptedFeed, change: Change) -> None:
        """Whatever is left of the board then: another history may be followed, and what is served is never half."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: 4}))
        engine: Leaderboard = feed.engine
        upto = feed.batches[-1].upto.position + 1
        with pytest.raises(ValueError):  # noqa: PT011 - each engine has its words
            await engine.apply(0, [(upto, change)], mark(upto))
        await engine.reset(FOLLOWED)
        await engine.apply(0, list(enumerate([*join(1), *score({1: 7})], 1)), mark(2))
        await engine.confirm(2)
        assert (await members_of(engine), await points_of(engine)) == ([1], [7])
