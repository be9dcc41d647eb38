"""Waiting for what is done together with others: no longer than a call of one's own may take."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from laurels.engines.postgres import reaching
from laurels.errors import LedgerUnavailable, LedgerUncertain

T = TypeVar("T")


async def answers_of(futures: "Sequence[asyncio.Future[T]]", withdraw: Callable[[], bool]) -> list[T]:
    """What jobs come to that were handed in together. When the time is over, `withdraw` takes those back that were not
    begun: if that was all of them it raises `LedgerUnavailable`, else `LedgerUncertain`.
    """
    try:
        async with asyncio.timeout(reaching.COMMAND_TIMEOUT_S):
            return await asyncio.gather(*futures)
    except TimeoutError as error:
        if not withdraw():
            raise LedgerUncertain from error
        raise LedgerUnavailable("The ledger's server is too slow now. Nothing was accepted; try again.") from error
