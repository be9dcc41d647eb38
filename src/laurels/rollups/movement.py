"""The movement of points over a time: what there was, what came and went, and what there is. It adds up by itself."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from laurels.ledger import Ledger
from laurels.ledger.rollups import PER_ALL, Basis, Cell, Grouping, Sums
from laurels.model import EntryKind

KINDS = (
    EntryKind.EARN,
    EntryKind.REVERSE,
    EntryKind.REDEEM,
    EntryKind.RESTORE,
    EntryKind.EXPIRE,
    EntryKind.ADJUST,
    EntryKind.MERGE,
    EntryKind.TRANSFER,
)
"""The kinds of entries that move points, in the order of a statement."""


class MovementLine(Struct, frozen=True, kw_only=True):
    """What one kind of entry did in a period, apart by market, and by part or source where asked. `period` is 20261124,
    202611, or 0 for the whole time; `amount` is of orders or refunds, in minor units of the market.
    """

    period: int
    kind: str
    part: str
    source: str
    market: str
    points: int
    entries: int
    amount: int


class Movement(Struct, frozen=True, kw_only=True):
    """A statement. `opening` and `closing` are points by market at its ends; opening and lines add up to closing."""

    opening: dict[str, int]
    lines: list[MovementLine]
    closing: dict[str, int]


async def movement(ledger: Ledger, basis: Basis, since: int, until: int, grouping: Grouping) -> Movement:
    """The movement of the days from `since` up to and without `until`. Costs by the cells of all days before `until`:
    some 150 rows a day.
    """
    before, within = await asyncio.gather(
        ledger.sums(basis, 0, since, Grouping(per=PER_ALL)), ledger.sums(basis, since, until, grouping)
    )
    opening = _by_market(before)
    closing = dict(opening)
    lines = []
    for cell, sums in within:
        if cell.kind in KINDS:
            lines.append(_line(cell, sums))
            closing[cell.market] = closing.get(cell.market, 0) + sums.points
    return Movement(opening=opening, lines=lines, closing=dict(sorted(closing.items())))


def _by_market(rows: Sequence[tuple[Cell, Sums]]) -> dict[str, int]:
    points: dict[str, int] = {}
    for cell, sums in rows:
        if cell.kind in KINDS:
            points[cell.market] = points.get(cell.market, 0) + sums.points
    return dict(sorted(points.items()))


def _line(cell: Cell, sums: Sums) -> MovementLine:
    return MovementLine(
        period=cell.day,
        kind=cell.kind,
        part=cell.part,
        source=cell.source,
        market=cell.market,
        points=sums.points,
        entries=sums.entries,
        amount=sums.amount,
    )
