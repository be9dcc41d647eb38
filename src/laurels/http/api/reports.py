"""Reports over HTTP: what points came and went, what falls due, tiers and members. All are read from roll-ups, so they
say how many entries those have yet to count.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from laurels.errors import InvalidInput, LedgerUnavailable
from laurels.http.api.csv_files import PARQUET, csv_of
from laurels.http.routes import Access, Request, Response, route
from laurels.ledger.rollups import PER_ALL, PER_DAY, PER_MONTH, Basis, Cell, Grouping, Sums
from laurels.model import EntryKind
from laurels.model.times import format_instant
from laurels.rollups import (
    ACTIVE_DAY,
    ACTIVE_MONTH,
    FIRST,
    GONE,
    Movement,
    MovementLine,
    OrdersOf,
    amount_in,
    first_ordered,
    format_period,
    in_major_units,
    movement,
    not_counted,
    orders_of,
    parse_day,
)

READ = Access(("reports:read",))

Day = Annotated[str, Meta(max_length=10, description="a local day such as 2026-11-24; the last is not in the period")]
Per = Literal["day", "month", "all"]

_PER = {"day": PER_DAY, "month": PER_MONTH, "all": PER_ALL}
_EVER = 99_991_231


class Period(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Days from `from` up to and without `to`, all where nothing is said."""

    since: Day = "2000-01-01"
    until: Day = "9999-12-31"

    def days(self) -> tuple[int, int]:
        """As numbers. Raises `InvalidInput`."""
        since, until = parse_day(self.since, "from"), parse_day(self.until, "to")
        if since > until:
            raise InvalidInput.of("to", "must not come before `from`")
        return since, until


class MovementQuery(Period, rename={"since": "from", "until": "to"}):
    """`basis`: the day that points count on is that of recording, which never changes afterwards, or of occurrence.
    `split`: what gave the points, or where they came from, is told apart.
    """

    per: Annotated[Per, Meta(description="lines by day, by month, or for the whole time")] = "all"
    basis: Basis = Basis.RECORDED
    split: Literal["none", "part", "source", "both"] = "none"


class MemberQuery(Period, rename={"since": "from", "until": "to"}):
    """`per`: figures by day or by month."""

    per: Literal["day", "month"] = "month"


class CountedUpTo(Struct, frozen=True):
    """Up to where a report goes: the entries that it has yet to count, and whose days those are."""

    behind: int
    time_zone: str


class LineShown(Struct, frozen=True, kw_only=True):
    """What one kind of entry did in a period (null: the whole time). `market` is the currency that the points count
    in, "" where a customer has ordered nothing yet; `amount` is of orders or refunds.
    """

    period: str | None
    kind: str
    part: str
    source: str
    market: str
    points: int
    entries: int
    amount: str | None


_COLUMNS: dict[str, type[str] | type[int]] = {
    name: int if name in {"points", "entries"} else str for name in LineShown.__struct_fields__
}
"""The columns of a statement as a file."""


class PointsOf(Struct, frozen=True):
    """Points of a market, and what they are worth by the program in force; null where it does not say."""

    market: str
    points: int
    worth: str | None


class MovementShown(Struct, frozen=True, kw_only=True):
    """A statement: opening and the points of all lines add up to closing, market by market."""

    basis: str
    opening: list[PointsOf]
    lines: list[LineShown]
    closing: list[PointsOf]
    counted: CountedUpTo


class DueShown(Struct, frozen=True):
    """Points that become active (`pending`) or lapse (`lapse`) on a day where nothing else happens."""

    what: str
    day: str
    points: int
    members: int


class DueReport(Struct, frozen=True):
    """As it was at an instant; null where it was not looked yet."""

    at: str | None
    due: list[DueShown]


class TierNow(Struct, frozen=True):
    """How many members have a tier; "" are those without."""

    tier: str
    members: int


class TierMove(Struct, frozen=True):
    """How many went from one tier to another in a period."""

    before: str
    after: str
    members: int


class TiersReport(Struct, frozen=True):
    """Tiers as they are now, and the moves of the period: from the lowest tier up, as the rules in force have them, and
    those of earlier rules last.
    """

    tiers: list[TierNow]
    moves: list[TierMove]
    counted: CountedUpTo


class MembersLine(Struct, frozen=True, kw_only=True):
    """Members of a period: enrolled, gone (erased, or became another one), active for the first time, and active (by
    an order or a redemption).
    """

    period: str
    enrolled: int
    gone: int
    first: int
    active: int


class MembersReport(Struct, frozen=True):
    """Members by period, and how many there are now."""

    members: int
    lines: list[MembersLine]
    counted: CountedUpTo


@route(
    "GET", "/reports/movement", access=READ, answers={200: MovementShown}, problems=(LedgerUnavailable,), audited=False
)
async def report_movement(request: Request, query: MovementQuery) -> Response:
    """Tell what points came and went, by kind and market, so that it adds up."""
    found, counted = await asyncio.gather(_movement(request, query), _counted(request))
    return Response(
        200,
        MovementShown(
            basis=query.basis,
            opening=_points(request, found.opening),
            lines=[_line(each) for each in found.lines],
            closing=_points(request, found.closing),
            counted=counted,
        ),
    )


@route(
    "GET",
    "/reports/movement.csv",
    access=READ,
    answers={200: str},
    media_type="text/csv",
    problems=(LedgerUnavailable,),
)
async def export_movement(request: Request, query: MovementQuery) -> Response:
    """Give the lines of a statement as a CSV file; that it was fetched is recorded."""
    return Response(200, csv_of([*_COLUMNS], _rows(await _movement(request, query))), media_type="text/csv")


@route(
    "GET",
    "/reports/movement.parquet",
    access=READ,
    answers={200: str},
    media_type=PARQUET,
    problems=(LedgerUnavailable,),
)
async def export_movement_as_parquet(request: Request, query: MovementQuery) -> Response:
    """Give the lines of a statement as a Parquet file; that it was fetched is recorded."""
    from laurels.exchange.writing import parquet_of  # noqa: PLC0415 - polars, for files alone

    found = await _movement(request, query)

    async def pieces() -> AsyncIterator[Sequence[Sequence[object]]]:
        yield _rows(found)

    return Response(200, await parquet_of(_COLUMNS, pieces()), media_type=PARQUET)


class OrdersReport(Struct, frozen=True):
    """Orders of a period, and the first day that has one (null: none has)."""

    begins: str | None
    lines: list[OrdersOf]
    counted: CountedUpTo


@route("GET", "/reports/orders", access=READ, answers={200: OrdersReport}, problems=(LedgerUnavailable,), audited=False)
async def report_orders(request: Request, query: Period) -> Response:
    """Tell what was ordered in a period, by the day of the order: net of refunds, and a changed order once."""
    ledger, days = request.services.ledger, query.days()
    begins, lines, counted = await asyncio.gather(first_ordered(ledger), orders_of(ledger, *days), _counted(request))
    return Response(200, OrdersReport(begins, lines, counted))


@route("GET", "/reports/due", access=READ, answers={200: DueReport}, problems=(LedgerUnavailable,), audited=False)
async def report_due(request: Request, query: Period) -> Response:
    """Tell what becomes active and what lapses by day. It is looked at now and then, and says when."""
    at, rows = await request.services.ledger.due(*query.days())
    shown = [DueShown(row.what, format_period(row.day), row.points, row.members) for row in rows]
    return Response(200, DueReport(format_instant(at) if at else None, shown))


@route("GET", "/reports/tiers", access=READ, answers={200: TiersReport}, problems=(LedgerUnavailable,), audited=False)
async def report_tiers(request: Request, query: Period) -> Response:
    """Tell how many members have each tier, and who moved in a period."""
    ledger, grouping, days = request.services.ledger, Grouping(per=PER_ALL, part=True), query.days()
    ever, within, counted = await asyncio.gather(
        ledger.sums(Basis.RECORDED, 0, _EVER, grouping),
        ledger.sums(Basis.RECORDED, *days, grouping),
        _counted(request),
    )
    there = _count(ever, EntryKind.ENROL) - _count(ever, GONE)
    now: dict[str, int] = {}
    for before, after, members in _moves(ever):
        now[before] = now.get(before, 0) - members
        now[after] = now.get(after, 0) + members
    now[""] = there - sum(members for tier, members in now.items() if tier)
    levels = request.services.programs.at(request.services.now()).tiers
    order = ["", *(level.name for level in levels.levels)] if levels is not None else [""]

    def height(tier: str) -> tuple[int, str]:
        return (order.index(tier), tier) if tier in order else (len(order), tier)

    tiers = [TierNow(tier, now[tier]) for tier in sorted(now, key=height) if now[tier] or not tier]
    moves = [TierMove(*each) for each in sorted(_moves(within), key=lambda each: (height(each[0]), height(each[1])))]
    return Response(200, TiersReport(tiers, moves, counted))


@route(
    "GET", "/reports/members", access=READ, answers={200: MembersReport}, problems=(LedgerUnavailable,), audited=False
)
async def report_members(request: Request, query: MemberQuery) -> Response:
    """Tell how many members there are, came, went and were active."""
    ledger, days = request.services.ledger, query.days()
    ever, rows, counted = await asyncio.gather(
        ledger.sums(Basis.RECORDED, 0, _EVER, Grouping(per=PER_ALL)),
        ledger.sums(Basis.RECORDED, *days, Grouping(per=_PER[query.per])),
        _counted(request),
    )
    active = ACTIVE_DAY if query.per == "day" else ACTIVE_MONTH
    lines = [
        MembersLine(
            period=format_period(period),
            enrolled=_count(rows, EntryKind.ENROL, period),
            gone=_count(rows, GONE, period),
            first=_count(rows, FIRST, period),
            active=_count(rows, active, period),
        )
        for period in sorted({cell.day for cell, _ in rows})
    ]
    there = _count(ever, EntryKind.ENROL) - _count(ever, GONE)
    return Response(200, MembersReport(there, lines, counted))


async def _movement(request: Request, query: MovementQuery) -> Movement:
    split = query.split
    grouping = Grouping(per=_PER[query.per], part=split in {"part", "both"}, source=split in {"source", "both"})
    return await movement(request.services.ledger, query.basis, *query.days(), grouping)


def _rows(found: Movement) -> list[Sequence[object]]:
    """A statement as the rows of a file."""
    return [msgspec.structs.astuple(_line(each)) for each in found.lines]


async def _counted(request: Request) -> CountedUpTo:
    services = request.services
    return CountedUpTo(await not_counted(services.ledger), services.programs.current.time_zone)


def _points(request: Request, points: dict[str, int]) -> list[PointsOf]:
    program = request.services.programs.at(request.services.now())
    return [PointsOf(market, each, in_major_units(each, market, program)) for market, each in points.items()]


def _line(line: MovementLine) -> LineShown:
    return LineShown(
        period=format_period(line.period) or None,
        kind=line.kind,
        part=line.part,
        source=line.source,
        market=line.market,
        points=line.points,
        entries=line.entries,
        amount=amount_in(line.market, line.amount) if line.amount else None,
    )


def _moves(rows: list[tuple[Cell, Sums]]) -> list[tuple[str, str, int]]:
    moves = []
    for cell, sums in rows:
        if cell.kind == EntryKind.TIER:
            before, _, after = cell.part.partition(">")
            moves.append((before, after, sums.entries))
    return moves


def _count(rows: list[tuple[Cell, Sums]], kind: str, period: int | None = None) -> int:
    return sum(sums.entries for cell, sums in rows if cell.kind == kind and period in {None, cell.day})


ROUTES = (
    report_movement,
    export_movement,
    export_movement_as_parquet,
    report_orders,
    report_due,
    report_tiers,
    report_members,
)
