"""What was ordered in a time, by the day of the order."""

import asyncio

from msgspec import Struct

from laurels.ledger import Ledger
from laurels.ledger.rollups import PER_ALL, PER_MONTH, Basis, Grouping
from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount
from laurels.rollups.days import format_period
from laurels.rollups.folding import ORDERED

_EVER = 99_991_231


class OrdersOf(Struct, frozen=True):
    """What is left of the orders of a market: how many have something left, what was paid for it, and their points."""

    market: str
    orders: int
    spend: str | None
    points: int


async def orders_of(ledger: Ledger, since: int, until: int) -> list[OrdersOf]:
    """Of the days from `since` up to and without `until`: net of refunds, a changed order once. Reads sums by day."""
    rows = await ledger.sums(Basis.OCCURRED, since, until, Grouping(per=PER_ALL))
    return [
        OrdersOf(cell.market, sums.entries, amount_in(cell.market, sums.amount), sums.points)
        for cell, sums in rows
        if cell.kind == ORDERED
    ]


async def first_ordered(ledger: Ledger) -> str | None:
    """The first day that has an order; None: none has. Reads sums by month, and the days of one."""
    months = await ledger.sums(Basis.OCCURRED, 0, _EVER, Grouping(per=PER_MONTH))
    begins = min((cell.day for cell, _ in months if cell.kind == ORDERED), default=None)
    if begins is None:
        return None
    of_month = await ledger.sums(Basis.OCCURRED, begins * PER_MONTH, (begins + 1) * PER_MONTH)
    return format_period(min(cell.day for cell, _ in of_month if cell.kind == ORDERED))


async def not_counted(ledger: Ledger) -> int:
    """How many entries the sums have yet to count."""
    state, heads = await asyncio.gather(ledger.rolled_up(), ledger.heads())
    counted = {shard: mark.position for shard, mark in state.marks.items()}
    return sum(max(0, head.position - counted.get(shard, 0)) for shard, head in heads.marks.items())


def amount_in(market: str, amount: int) -> str | None:
    """An amount in major units; None where the points count in no currency."""
    return format_amount(amount, market) if market in DECIMALS else None
