"""The calendar of campaigns, beside a slow twin that asks of each day what runs on it."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from laurels.console.views.calendar import DAYS, Span, spans_of, weeks

DATES = st.dates(date(2001, 1, 1), date(2099, 12, 31))
MONTHS = DATES.map(lambda day: day.replace(day=1))


@st.composite
def spans(draw: st.DrawFn) -> tuple[date, list[Span]]:
    month = draw(MONTHS)
    near = st.integers(-70, 70).map(lambda n: month + timedelta(days=n))
    found = []
    for n in range(draw(st.integers(0, 4))):
        first, last = draw(st.none() | near), draw(st.none() | near)
        if first is not None and last is not None and first > last:
            first, last = last, first
        found.append(Span(f"s{n}", "running", first, last))
    return month, found


@given(spans())
def test_each_day_has_what_runs_on_it(drawn: tuple[date, list[Span]]) -> None:
    month, found = drawn
    days = [day for week in weeks(month, found) for day in week.days]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert days[0].isoweekday() == 1
    assert len(days) % DAYS == 0
    assert {day for day in days if (day.year, day.month) == (month.year, month.month)} >= {month}
    assert days[-1] >= (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    for week in weeks(month, found):
        for day in week.days:
            shown = {bar.name for bar in week.bars if bar.first <= day.isoweekday() <= bar.last}
            runs = {
                span.name
                for span in found
                if (span.first is None or span.first <= day) and (span.last is None or day <= span.last)
            }
            assert shown == runs, day


def test_an_end_at_midnight_is_of_the_day_before_in_the_shops_zone() -> None:
    campaign = {"name": "n", "state": "running", "from": "2026-06-30T23:00:00Z", "until": "2026-07-31T23:00:00Z"}
    rules: list[dict[str, Any]] = [{"version": 2, "from": "2026-07-01T09:00:00Z"}, {"version": 1, "from": None}]
    first, second = spans_of([campaign], rules, ZoneInfo("Europe/London"))
    assert (first.first, first.last) == (date(2026, 7, 1), date(2026, 7, 31))
    assert (second.name, second.first, second.last) == ("Version 2", date(2026, 7, 1), date(2026, 7, 1))
