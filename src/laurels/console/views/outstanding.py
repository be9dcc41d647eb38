"""Points outstanding over time: how many there were at the end of each month."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from laurels.console import formats
from laurels.console.charts import OUTSTANDING, BarSegment
from laurels.console.page import Ask
from laurels.console.views.periods import month_begins

MONTHS = 12


class MonthEnd(NamedTuple):
    """A month, what its end is called, and the points that there were then in each market. One that is not over ends
    with today.
    """

    month: str
    end: str
    points: Mapping[str, int]
    is_over: bool = True

    @property
    def total(self) -> int:
        """In all markets."""
        return sum(self.points.values())


async def outstanding(ask: Ask, until: date, basis: str) -> dict[str, Any]:
    """The twelve months up to the day `until`, without it, as figures, a chart and a sentence. Reads sums by day."""
    until = min(until, ask.today + timedelta(days=1))
    last = month_begins(until - timedelta(days=1))
    first = month_begins(last, MONTHS - 1)
    asked = {"from": first, "to": until, "per": "month", "basis": basis}
    months = [*month_ends(await ask.api.get("/reports/movement", **asked), first, until, ask.today)]
    return {
        "months": months,
        "markets": sorted({market for each in months for market in each.points}),
        "pictures": await ask.charts.bars([_mark(each) for each in months], OUTSTANDING),
        "sentence": _sentence(months),
    }


def month_ends(found: Mapping[str, Any], first: date, until: date, today: date) -> Iterator[MonthEnd]:
    """The end of each month from the first one up to the day `until`, which the last one may end with: the opening and
    what moved up to then. A month in which nothing moved ends as the one before.
    """
    points = {each["market"]: each["points"] for each in found["opening"]}
    points |= {each["market"]: 0 for each in found["lines"] if each["market"] not in points}
    moved: dict[str, list[Mapping[str, Any]]] = {}
    for line in found["lines"]:
        moved.setdefault(line["period"], []).append(line)
    month = first
    while month < until:
        name, following = f"{month:%Y-%m}", month_begins(month, -1)
        for line in moved.get(name, []):
            points[line["market"]] += line["points"]
        is_over = min(following, until) <= today
        end = name if following <= until and is_over else (until - timedelta(days=1)).isoformat()
        yield MonthEnd(name, formats.period(end), dict(points), is_over)
        month = following


def _mark(of: MonthEnd) -> BarSegment:
    says = f"{of.end}: {formats.number(of.total)} outstanding{'' if of.is_over else ' so far'}"
    return BarSegment(formats.period(of.month), "outstanding", of.total, says)


def _sentence(months: list[MonthEnd]) -> str:
    """What to see in the picture."""
    first, last = months[0], months[-1]
    more = last.total - first.total
    told = "as many as" if not more else f"{formats.number(abs(more))} {'more' if more > 0 else 'fewer'} than"
    when = "at the end of" if last.is_over else "so far, on"
    return f"{formats.number(last.total)} points {when} {last.end}, {told} at the end of {first.end}."
