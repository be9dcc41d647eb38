"""The embedded leaderboards over random feeds: whole after every batch, and the same whatever way it took.

That a board shows what the naive board shows is the contract's matter, on every engine alike.
"""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines import EMBEDDED, new_leaderboard

from laurels.leaderboard import View
from laurels.testing.leaderboard_feeds import BOARDS, FOLLOWED, FeedBatch, Shards, cut, ledgers, member_id, read_later

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


async def seen_after(engine_name: str, batches: list[FeedBatch], members: list[int]) -> list[View]:
    """What each member sees at the end."""
    with new_leaderboard(engine_name) as engine:
        await engine.reset(FOLLOWED)
        await engine.confirm(1)
        for batch in batches:
            await engine.apply(batch.shard, batch.changes, batch.upto)
            engine._check()
        seen = [
            await engine.read(board, member_id(member), top=100, around=2) for board in BOARDS for member in members
        ]
        await engine.close()
        return seen


@pytest.mark.parametrize("engine", EMBEDDED)
@settings(deadline=None, print_blob=True)
@given(shards=ledgers(), lengths=LENGTHS, other_lengths=LENGTHS)
def test_any_cut_in_any_turn_gives_the_same_board(
    engine: str, shards: Shards, lengths: list[int], other_lengths: list[int]
) -> None:
    members = sorted({change.member for entries in shards.values() for entry in entries for change in entry})
    backwards = dict(reversed(shards.items()))
    expected = asyncio.run(seen_after(engine, cut(shards, lengths), members))
    assert asyncio.run(seen_after(engine, cut(backwards, other_lengths), members)) == expected
    assert asyncio.run(seen_after(engine, cut(read_later(shards), other_lengths), members)) == expected
    assert asyncio.run(seen_after(engine, cut(shards, [10_000]), members)) == expected
