"""The Valkey leaderboard over random feeds: whole on the server after every batch, whatever way it took.

That it shows what the naive board shows is the contract's matter, on every engine alike.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import valkey_server

from laurels.leaderboard import View
from laurels.testing.leaderboard_feeds import BOARDS, FOLLOWED, FeedBatch, Shards, cut, ledgers, member_id, read_later

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


async def seen_after(url: str, batches: list[FeedBatch], members: list[int]) -> list[View]:
    """What each member sees at the end."""
    async with valkey_server.leaderboard(url) as engine:
        await engine.reset(FOLLOWED)
        await engine.confirm(1)
        for batch in batches:
            await engine.apply(batch.shard, batch.changes, batch.upto)
        await valkey_server.check(engine)
        return [
            await engine.read(board, member_id(member), top=100, around=2) for board in BOARDS for member in members
        ]


@pytest.mark.long
@settings(
    deadline=None,
    max_examples=10,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(shards=ledgers(), lengths=LENGTHS, other_lengths=LENGTHS)
def test_any_cut_in_any_turn_gives_the_same_board(
    valkey_url: str, shards: Shards, lengths: list[int], other_lengths: list[int]
) -> None:
    members = sorted({change.member for entries in shards.values() for entry in entries for change in entry})
    backwards = dict(reversed(shards.items()))
    expected = asyncio.run(seen_after(valkey_url, cut(shards, lengths), members))
    assert asyncio.run(seen_after(valkey_url, cut(backwards, other_lengths), members)) == expected
    assert asyncio.run(seen_after(valkey_url, cut(read_later(shards), other_lengths), members)) == expected
    assert asyncio.run(seen_after(valkey_url, cut(shards, [10_000]), members)) == expected
