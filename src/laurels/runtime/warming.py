"""Making a ledger's connections ready for looks, before somebody waits for one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from laurels.errors import LaurelsError
from laurels.ledger import Ledger
from laurels.ledger.rollups import PER_MONTH, Basis, Grouping

ONE_PAGE, MANY_PAGES = 4, 8
"""Connections for what one page or report reads at once, and for pages of many people: all that a process has."""

WITHIN_S = 1.0
"""How long this may put off what it is for."""

NOBODY, NO_ID = 2**31 - 1, "-"
"""A number that no ledger gives, and an id: whether somebody has it does not matter."""


async def warm_up(ledger: Ledger, most: int) -> None:
    """Look up once, on each of so many connections, or of those that can be spared, what pages look up. PostgreSQL
    plans each statement once for a connection, over all partitions: its first use costs 5 to 15 ms of processor time
    more, a page's together some tenths of a second. Nothing is written, and nobody is looked at. Ends after `WITHIN_S`,
    or where the ledger is away, with what was done.
    """
    with suppress(LaurelsError, TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            connections = await ledger.connections_to_warm(most)
            for look in _looks(ledger):
                await asyncio.gather(*(look() for _ in range(connections)))


def _looks(ledger: Ledger) -> Sequence[Callable[[], Awaitable[Any]]]:
    """What a search, a customer's page, and reports read."""
    months = Grouping(per=PER_MONTH)
    return (
        lambda: ledger.documents_called(NO_ID),
        lambda: ledger.numbers_of(member_id=NO_ID),
        lambda: ledger.numbers_from(NO_ID, 1),
        lambda: ledger.customer(NOBODY),
        lambda: ledger.account(NO_ID),
        lambda: ledger.timeline(NOBODY, kinds=(), before=None, balance=None, limit=1),
        lambda: ledger.messages(NO_ID),
        ledger.heads,
        ledger.rolled_up,
        lambda: ledger.sums(Basis.RECORDED, 0, 1, months),
    )
