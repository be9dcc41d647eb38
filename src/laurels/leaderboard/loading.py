"""A checkpoint of the ledger as a leaderboard loads it."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import compress
from typing import TypeVar

from laurels.leaderboard.boards import ALL_TIME, board_of
from laurels.leaderboard.port import LoadPart
from laurels.ledger import Checkpoint, MemberTotals, Progress

T = TypeVar("T")


async def load_parts(checkpoint: Checkpoint, since: int, progress: Progress | None) -> AsyncGenerator[LoadPart, None]:
    """Its parts, without months before `since`; the ledger reads the next one while one is loaded."""
    done = 0
    async with aclosing(_read_ahead(checkpoint.parts)) as parts:
        async for totals in parts:
            yield _load_part(totals, since)
            done += len(totals.numbers)
            if progress is not None:
                progress(done, done)


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


async def _read_ahead(items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """The same, one of them asked for while the one before is worked on."""
    coming = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()  # it is known: who gave up does not ask for it
