"""Long reads in the process that awards: what is behind an entry there waits for milliseconds, not for the read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 100
"""Entries or members that are looked at before others of the process have their turn: about 1 ms."""

DOCUMENTS_AT_ONCE = 20
"""The same of documents that are judged: some milliseconds."""


async def one_by_one(chunks: AsyncIterator[Sequence[T]]) -> AsyncIterator[T]:
    """What chunks hold, in turns with whatever else the process does."""
    async for chunk in chunks:
        for n, each in enumerate(chunk, 1):
            yield each
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)
