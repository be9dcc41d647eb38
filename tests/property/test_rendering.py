"""What a leaderboard renders itself is, byte for byte, what the dashboard room makes of the reference engine."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines import NAMES, VERSIONS, needs_native, new_leaderboard

from laurels.clock import SECOND
from laurels.dashboard import Dashboards, Renders, to_json
from laurels.leaderboard import Boards
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.leaderboard_feeds import BOARDS, FOLLOWED, FeedBatch, Shards, cut, ledgers, member_id

ZONE = parse_program(DEFAULT_PROGRAM).zone
CONFIRMED_AT = 1_790_000_000 * SECOND
STALE_AFTER_MS = 1000

# An id that the wire allows and nobody has; a board that nobody has scored on.
STRANGER = "A" * 128
EMPTY_BOARD = "month:2031-01"


async def shown_by(
    engine_name: str, batches: list[FeedBatch], members: list[int], age: int, top: int, *, smallest: int
) -> list[bytes]:
    """Everything that members are shown by an engine, as it goes over the wire."""
    shown = []
    with new_leaderboard(engine_name) as engine:
        assert isinstance(engine, Renders) == (engine_name == "native")
        await engine.reset(FOLLOWED)
        for batch in batches:
            await engine.apply(batch.shard, batch.changes, batch.upto)
        await engine.confirm(CONFIRMED_AT)
        dashboards = Dashboards(
            engine, Boards(ZONE), NAMES, VERSIONS, STALE_AFTER_MS, now=lambda: CONFIRMED_AT + age, smallest=smallest
        )
        for board in (*BOARDS, EMPTY_BOARD):
            for who in [*map(member_id, members), STRANGER]:
                for around in (0, 2, 50):
                    read = dashboards.try_read(who, board, top=top, around=around)
                    plain = await dashboards.member(who, board, top=top, around=around, sealed=True)
                    assert read == (plain.as_of, to_json(plain))
                    shown.append(to_json(plain))
        await engine.close()
    return shown


@needs_native
@settings(deadline=None, print_blob=True, max_examples=60)
@given(
    shards=ledgers(),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    age=st.sampled_from([0, STALE_AFTER_MS * 1000, STALE_AFTER_MS * 1000 + 1, -SECOND]),
    top=st.sampled_from([0, 1, 3, 10, 100]),
    smallest=st.sampled_from([1, 2, 4, 200]),
)
def test_what_is_rendered_is_what_would_be_encoded(
    shards: Shards, lengths: list[int], age: int, top: int, smallest: int
) -> None:
    members = sorted({change.member for entries in shards.values() for entry in entries for change in entry})
    batches = cut(shards, lengths)
    reference = asyncio.run(shown_by("memory", batches, members, age, top, smallest=smallest))
    assert asyncio.run(shown_by("native", batches, members, age, top, smallest=smallest)) == reference
