"""A month of campaigns as weeks: what runs on which days, and which rules come into force."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from laurels.model.times import by_the_clock

DAYS = 7


class Bar(NamedTuple):
    """What runs in a week, from its day `first` to its day `last` (1 is Monday); whether it `starts`, and `ends`, in
    it.
    """

    name: str
    what: str
    first: int
    last: int
    starts: bool
    ends: bool


class Week(NamedTuple):
    """Seven days from a Monday on, and the bars over them."""

    days: list[date]
    bars: list[Bar]


class Span(NamedTuple):
    """Days on which something runs, both ends in it; None: without an end on that side."""

    name: str
    what: str
    first: date | None
    last: date | None


def weeks(month: date, spans: Iterable[Span]) -> list[Week]:
    """The weeks that a month touches, each with its spans in their order."""
    monday = month - timedelta(days=month.weekday())
    kept = list(spans)
    found = []
    while monday <= _last_of(month):
        sunday = monday + timedelta(days=DAYS - 1)
        found.append(Week([monday + timedelta(days=n) for n in range(DAYS)], [*_bars(monday, sunday, kept)]))
        monday += timedelta(days=DAYS)
    return found


def spans_of(campaigns: Iterable[Mapping[str, Any]], rules: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[Span]:
    """Campaigns as days of a zone; rules as the day on which they come into force."""
    found = [
        Span(each["name"], each["state"], _day(each["from"], zone), _day(each["until"], zone, is_end=True))
        for each in campaigns
    ]
    for each in rules:
        day = _day(each["from"], zone)
        if day is not None:
            found.append(Span(f"Version {each['version']}", "in force from here on", day, day))
    return found


def _bars(monday: date, sunday: date, spans: Iterable[Span]) -> Iterable[Bar]:
    for span in spans:
        first, last = span.first or date.min, span.last or date.max
        if first <= sunday and last >= monday:
            begins, ends = max(first, monday), min(last, sunday)
            days = begins.isoweekday(), ends.isoweekday()
            yield Bar(span.name, span.what, *days, starts=first >= monday, ends=last <= sunday)


def _day(text: str | None, zone: ZoneInfo, *, is_end: bool = False) -> date | None:
    """The day of an instant as the API writes it; an end at midnight is of the day before."""
    if text is None:
        return None
    at = by_the_clock(datetime.fromisoformat(text), zone)
    return (at - timedelta(microseconds=1)).date() if is_end else at.date()


def _last_of(month: date) -> date:
    year, next_month = divmod(month.year * 12 + month.month, 12)
    return date(year, next_month + 1, 1) - timedelta(days=1)
