"""The board's edges: too many boards, too many months, no descriptors, odd names and numbers.

Files that are outgrown are copied off the event loop, and reads go on: `bench/micro/native_growth.py` prints the
longest pause of a read at 5 million members, `tests/fault/test_native_stopped.py` has readers beside a writer that
stands still, and `tests/unit/test_native_engine.py` callers that want the board at once. A reader without descriptors
whose files are replaced, and one board too many: `tests/fault/test_native_files.py`. A closed month is archived by
`laurels export standings --board month:…` before it is dropped (`test_exports.py`). What is in after a `KeyError`:
`native/src/tests/feeds.rs`. All that is outside of the port's range, on every engine:
`src/laurels/testing/leaderboard_contract/outside.py`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.engines import needs_native, new_leaderboard
from tests.integration.http_shop import Shop, check_problem, open_shop
from tests.valkey_server import leaderboard as valkey_leaderboard

from laurels import clock
from laurels.clock import DAY
from laurels.leaderboard import ALL_TIME, Leaderboard
from laurels.testing.leaderboard_feeds import ScriptedFeed, join, member_id, score

pytestmark = pytest.mark.anyio

ENGINES = ["memory", pytest.param("native", marks=needs_native), "valkey"]


@pytest.fixture
async def board(request: pytest.FixtureRequest, engine: str) -> AsyncIterator[Leaderboard]:
    async with AsyncExitStack() as stack:
        if engine == "valkey":
            yield await stack.enter_async_context(valkey_leaderboard(request.getfixturevalue("valkey_url")))
        else:
            made = stack.enter_context(new_leaderboard(engine))
            stack.push_async_callback(made.close)
            yield made


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_is_outside_is_nobody_nothing_or_refused(board: Leaderboard) -> None:
    """The same on each: an id that is no text, sizes below zero, a board that cannot be, changes beyond 64 bits."""
    feed = ScriptedFeed(board)
    await feed.begin(*join(0, 1), *score({0: 3, 1: 2}))
    for id_ in ("\ud800", "ann\udfff"):
        view = await board.read(ALL_TIME, id_, top=1, around=2)
        assert (view.me, list(view.around), view.ranked) == (None, [], 2)
    view = await board.read(ALL_TIME, member_id(0), top=-1, around=-1)
    assert (list(view.top), len(view.around)) == ([], 1)
    for name in ("", "\ud800", "x" * 125, "tab\t"):
        assert (await board.read(name, member_id(0), top=1, around=1)).ranked == 0
    with pytest.raises((ValueError, OverflowError)):
        await feed.add(*score({0: 2**64}))


@pytest.mark.parametrize("engine", ["memory", pytest.param("native", marks=needs_native)])
async def test_a_month_that_is_no_longer_kept_is_said(tmp_path: Path, engine: str) -> None:
    """Over HTTP; the others go on. Dropped, and brought back, on every engine: `test_months_kept.py`."""
    then = clock.now() - 100 * DAY
    day = datetime.fromtimestamp(then / 1_000_000, UTC)
    async with open_shop(tmp_path, leaderboard_engine=engine, boards_keep_months=1, boards_smallest=1) as shop:
        await shop.order("A1", "ann", "250.00", occurred_at=day.isoformat())
        await shop.order("A2", "ann", "100.00")
        await shop.settle()
        await _is_gone(shop, f"month:{day:%Y-%m}")
        for board, points in (("all-time", 35), ("month", 10)):
            shown = await shop.ask("GET", f"/loyalty/ann?board={board}", member="ann")
            assert shown.json()["me"]["points"] == points


async def _is_gone(shop: Shop, board: str) -> None:
    problem = check_problem(await shop.ask("GET", f"/loyalty/ann?board={board}", member="ann"), 404, "not-found")
    assert "boards.keep_months" in problem["detail"]
