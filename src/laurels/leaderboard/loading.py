"""A checkpoint of the ledger as a leaderboard loads it."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import compress

from laurels.leaderboard.boards import ALL_TIME, board_of
from laurels.leaderboard.port import LoadPart
from laurels.ledger import Checkpoint, MemberTotals, Progress


async def load_parts(checkpoint: Checkpoint, since: int, progress: Progress | None) -> AsyncGenerator[LoadPart, None]:
    """Its parts, without months before `since`; the ledger reads the next one while one is loaded."""
    done, coming = 0, _next_of(checkpoint.parts)
    try:
        while (totals := await coming) is not None:
            coming = _next_of(checkpoint.parts)
            yield _load_part(totals, since)
            done += len(totals.numbers)
            if progress is not None:
                progress(done, done)
    finally:
        coming.cancel()


def _next_of(parts: AsyncIterator[MemberTotals]) -> "asyncio.Future[MemberTotals | None]":
    coming = asyncio.ensure_future(anext(parts, None))
    # Who gives up does not ask what became of it.
    coming.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return coming


def _load_part(totals: MemberTotals, since: int) -> LoadPart:
    scores = {board_of(month): of_month for month, of_month in totals.months.items() if month >= since}
    if any(totals.scores):
        ranked = array("q", compress(totals.numbers, totals.scores))
        scores[ALL_TIME] = ranked, array("q", filter(None, totals.scores))
    return LoadPart(
        numbers=totals.numbers,
        ids=totals.ids,
        name_numbers=totals.name_numbers,
        hidden=totals.hidden,
        scores=scores,
        merged=totals.merged,
    )
