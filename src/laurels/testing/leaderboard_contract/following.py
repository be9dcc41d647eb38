"""How a feed is followed: each entry once, in any batches, and again from the start when the feed is another one."""

from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.leaderboard import ALL_TIME, Change, Followed, Hidden, Joined, Leaderboard, Renamed, Scored
from laurels.model import Mark, Version
from laurels.model.entries import MAX_POINTS
from laurels.testing.leaderboard_contract.base import LeaderboardSuite
from laurels.testing.leaderboard_contract.questions import (
    agree,
    assert_agrees,
    assert_not_ready,
    members_of,
    points_of,
    readings,
    rows_of,
    unranked,
)
from laurels.testing.leaderboard_feeds import (
    FOLLOWED,
    OCTOBER,
    ScriptedFeed,
    Shards,
    cut,
    join,
    ledgers,
    mark,
    member_id,
    read_later,
    score,
)
from laurels.testing.naive_board import NaiveLeaderboard


class ApplyingTests(LeaderboardSuite):
    """Whatever is delivered twice, late or in other batches: each entry counts once, and its mark moves with it."""

    async def test_old_batches_count_nothing(self, feed: ScriptedFeed, rng: Random) -> None:
        """Everything that was ever applied, again, shuffled."""
        await feed.begin(*join(0, 1, 2, 3))
        for turn in range(12):
            await feed.add(*score({turn % 4: 1 + turn}), shard=turn % 2)
        before = await readings(feed.engine, 4)
        again = [*feed.batches, *feed.batches]
        rng.shuffle(again)
        for batch in again:
            await feed.engine.apply(batch.shard, batch.changes, batch.upto)
        assert await readings(feed.engine, 4) == before

    async def test_of_a_batch_that_is_half_old_the_new_half_counts(self, feed: ScriptedFeed) -> None:
        """A batch may begin before the mark, as after a restart."""
        await feed.begin(*join(0))
        start = feed.batches[-1].upto.position
        changes: list[tuple[int, Change]] = [(start + step, Scored(0, ALL_TIME, 10**step)) for step in range(1, 5)]
        await feed.engine.apply(0, changes[:2], mark(start + 2))
        await feed.engine.apply(0, changes, mark(start + 4))
        await feed.engine.apply(0, changes[1:], mark(start + 4))
        assert await points_of(feed.engine) == [11_110]

    async def test_a_batch_that_ends_at_or_before_the_mark_does_nothing(self, feed: ScriptedFeed) -> None:
        """Not even the mark's hash changes."""
        upto = (await feed.begin(*join(0), *score({0: 5}))).marks[0]
        late: list[tuple[int, Change]] = [(upto.position, Scored(0, ALL_TIME, 90))]
        await feed.engine.apply(0, late, Mark(upto.position, b"another history"))
        await feed.engine.apply(0, [], Mark(upto.position - 1, b"another history"))
        assert (await feed.engine.followed()).marks == {0: upto}
        assert await points_of(feed.engine) == [5]

    async def test_a_batch_without_changes_moves_the_mark(self, feed: ScriptedFeed) -> None:
        """Entries that mean nothing to a board are part of the version."""
        await feed.begin(*join(0), *score({0: 5}))
        await feed.engine.apply(0, [], mark(100))
        await feed.engine.apply(7, [], mark(3))
        followed = await feed.engine.followed()
        assert followed.marks == {0: mark(100), 7: mark(3)}
        assert (await feed.engine.read(ALL_TIME, None, top=0, around=0)).version == Version(1, {0: 100, 7: 3})

    async def test_shards_have_their_own_marks(self, feed: ScriptedFeed) -> None:
        """The same position in two shards is two entries."""
        await feed.begin(*join(0))
        for shard in (3, 1, 2):
            await feed.add(*score({0: 10**shard}), shard=shard)
        assert await points_of(feed.engine) == [1_110]
        marks = (await feed.engine.followed()).marks
        assert {shard: marks[shard] for shard in (1, 2, 3)} == dict.fromkeys((1, 2, 3), mark(2))

    async def test_it_says_whom_it_follows(self, engine: Leaderboard) -> None:
        """Identity, epoch, rules and marks with their hashes; no identity before the first reset."""
        assert (await engine.followed()).identity is None
        feed = ScriptedFeed(engine)
        await feed.begin(*join(0))
        assert await engine.followed() == Followed(
            identity="ledger-1", epoch=1, rules="Europe/London", marks={0: mark(2)}
        )

    async def test_thousands_of_members_agree_with_the_naive_board(self, feed: ScriptedFeed, rng: Random) -> None:
        """Enough of them to fill many blocks or pages of an engine, with many ties, in and out of the ranking."""
        members = 5_000
        await feed.begin(*join(*range(members)))
        for _ in range(6):
            some = rng.sample(range(members), 2_500)
            await feed.add(*score({member: min(int(rng.paretovariate(0.8)), 1_000_000) - 3 for member in some}))
        await feed.add(*(Hidden(member) for member in rng.sample(range(members), 200)))
        assert await rows_of(feed.engine) == feed.naive.standings(ALL_TIME)
        for member in rng.sample(range(members), 20):
            assert_agrees(
                await feed.engine.read(ALL_TIME, member_id(member), top=100, around=50),
                feed.naive.read(ALL_TIME, member_id(member), top=100, around=50),
            )
        await feed.add(*score(dict.fromkeys(range(members), -MAX_POINTS // 2)))
        assert await rows_of(feed.engine) == []

    @settings(
        deadline=None,
        max_examples=50,
        print_blob=True,
        # Hypothesis warns of a test that several classes inherit; here that is the point.
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(
        shards=ledgers(),
        lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
        rng=st.randoms(use_true_random=True),  # seeded beforehand: drawing inside a coroutine would end its event loop
    )
    async def test_any_feed_gives_what_the_naive_board_gives(
        self, shards: Shards, lengths: list[int], rng: Random
    ) -> None:
        """After each batch, with old ones in between; and after a rebuild that cuts otherwise and reads ids late."""
        note(f"{shards=} {lengths=} {rng=}")
        numbers = sorted({change.member for entries in shards.values() for entry in entries for change in entry})
        async with self.closed_after() as engine:
            await engine.reset(FOLLOWED)
            await engine.confirm(1)
            naive = NaiveLeaderboard()
            batches = cut(shards, lengths)
            for done, batch in enumerate(batches):
                for again in (batch, rng.choice(batches[: done + 1]), batch):
                    await engine.apply(again.shard, again.changes, again.upto)
                naive.apply(batch.shard, batch.changes, batch.upto)
                await agree(engine, naive, [rng.choice(numbers)], rng)
            await agree(engine, naive, numbers, rng)
            await engine.reset(FOLLOWED)
            for batch in cut(read_later(shards), [*reversed(lengths), 10]):
                await engine.apply(batch.shard, batch.changes, batch.upto)
            await engine.confirm(2)
            await agree(engine, naive, numbers, rng)


class RebuildingTests(LeaderboardSuite):
    """What is served while the board is built, for the first time or again."""

    async def test_it_is_not_ready_before_the_first_confirmation(self, engine: Leaderboard) -> None:
        """Not before a reset, and not while the feed is read for the first time: half a board is not served."""
        feed = ScriptedFeed(engine)
        await assert_not_ready(engine)
        await engine.reset(FOLLOWED)
        await assert_not_ready(engine)
        await feed.add(*join(0), *score({0: 5}))
        await assert_not_ready(engine)
        await engine.confirm(1)
        assert await members_of(engine) == [0]

    async def test_a_rebuild_serves_the_last_good_state_until_it_is_done(self, feed: ScriptedFeed) -> None:
        """Old version and old confirmation until the first `confirm`; `followed` and `apply` speak of the new feed."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: 4}))
        old = await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)
        other = Followed(identity="ledger-2", epoch=2, rules="Europe/Dublin")
        again = NaiveLeaderboard()
        await feed.engine.reset(other)
        assert await feed.engine.followed() == other
        batches = cut({0: [[*join(0)], [*join(1)], [*join(2)], [*score({0: 1})], [*score({1: 7})]]}, [2])
        for batch in batches:
            await feed.engine.apply(batch.shard, batch.changes, batch.upto)
            again.apply(batch.shard, batch.changes, batch.upto)
            assert await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2) == old
            assert await rows_of(feed.engine) == feed.naive.standings(ALL_TIME)
        assert (await feed.engine.followed()).marks == {0: batches[-1].upto}
        await feed.engine.confirm(9)
        view = await feed.engine.read(ALL_TIME, member_id(0), top=10, around=2)
        assert_agrees(view, again.read(ALL_TIME, member_id(0), top=10, around=2))
        assert (view.version, view.confirmed_at) == (Version(2, {0: 5}), 9)

    async def test_a_rebuild_forgets_what_the_new_feed_does_not_say(self, feed: ScriptedFeed) -> None:
        """Members, scores, boards, names, who was hidden."""
        await feed.begin(*join(0, 1), *score({0: 5, 1: 4}), *score({0: 5}, OCTOBER), Hidden(1), Renamed(1, 77))
        await feed.engine.reset(Followed(identity="ledger-1", epoch=2))
        await feed.engine.apply(0, [(1, change) for change in join(1)], mark(1))
        await feed.engine.confirm(2)
        view = await feed.engine.read(ALL_TIME, member_id(1), top=10, around=2)
        assert_agrees(view, (0, [], unranked(1, 0), []))
        assert (await feed.engine.read(OCTOBER, member_id(0), top=10, around=2)).me is None
        assert await rows_of(feed.engine, OCTOBER) == []

    async def test_a_rebuild_can_be_begun_again(self, feed: ScriptedFeed) -> None:
        """A second reset drops what the first one had so far; the last good state is still served."""
        await feed.begin(*join(0), *score({0: 5}))
        await feed.engine.reset(FOLLOWED)
        await feed.engine.apply(0, [(1, change) for change in join(8)], mark(1))
        await feed.engine.reset(FOLLOWED)
        assert (await feed.engine.followed()).marks == {}
        assert await members_of(feed.engine) == [0]
        await feed.engine.apply(0, [(1, Joined(9, member_id(9), 1_009)), (2, Scored(9, ALL_TIME, 3))], mark(2))
        await feed.engine.confirm(2)
        assert await members_of(feed.engine) == [9]
        assert (await feed.engine.read(ALL_TIME, member_id(8), top=0, around=0)).me is None

    async def test_identities_and_rules_are_as_long_as_is_said(self, engine: Leaderboard) -> None:
        """4,096 bytes each, and an epoch of 19 digits."""
        followed = Followed(identity="i" * 4_096, epoch=2**63 - 1, rules="\N{LATIN SMALL LETTER E WITH ACUTE}" * 2_048)
        await engine.reset(followed)
        await engine.apply(15, [(1, change) for change in join(0)], mark(1))
        await engine.confirm(1)
        assert await engine.followed() == replace(followed, marks={15: mark(1)})

    async def test_an_empty_feed_is_a_board_too(self, engine: Leaderboard) -> None:
        """A shop that has just opened."""
        await engine.reset(FOLLOWED)
        await engine.confirm(1)
        view = await engine.read(ALL_TIME, "ann", top=10, around=2)
        assert_agrees(view, (0, [], None, []))
        assert view.version.epoch == 1
        assert not any(view.version.positions.values())
