"""The program's clock: local times of its zone as instants, and the days, months and years that an instant lies in."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from laurels.clock import MINUTE
from laurels.model.times import by_the_clock, from_datetime, to_datetime

NEVER = 2**62
"""The instant at which what never expires does."""


def local_of(at: int, zone: ZoneInfo) -> datetime:
    """An instant by the zone's clock."""
    return by_the_clock(to_datetime(at), zone)


QUARTER_HOUR = 15 * MINUTE
"""Since long before 2000 clocks differ from UTC by whole quarters of an hour, so no day begins inside one."""


def day_of_instant(at: int, zone: ZoneInfo) -> date:
    """The day of an instant by the zone's clock. Remembered by quarters of an hour."""
    return _day(at // QUARTER_HOUR, zone)


def day_text(at: int, zone: ZoneInfo) -> str:
    """The day of an instant by the zone's clock: `YYYY-MM-DD`. Remembered by quarters of an hour."""
    return _day_text(at // QUARTER_HOUR, zone)


@lru_cache(maxsize=4096)
def _day_text(quarter: int, zone: ZoneInfo) -> str:
    return _day(quarter, zone).isoformat()


@lru_cache(maxsize=4096)
def _day(quarter: int, zone: ZoneInfo) -> date:
    return local_of(quarter * QUARTER_HOUR, zone).date()


def instant_of(text: str, zone: ZoneInfo) -> int:
    """`"2026-12-05T00:00"` by the zone's clock -> microseconds. Raises `ValueError` where that time does not exist, or
    comes twice, with what a person is to be told.
    """
    try:
        naive = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is not a local time such as 2026-12-05T00:00") from error
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        exists = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive
        what = "comes twice" if exists else "does not exist"
        raise ValueError(f"{text}: the hour from {naive:%H}:00 {what} that day in {zone.key}")
    return from_datetime(first)


def midnight_after(day: date, zone: ZoneInfo) -> int:
    """The first instant after a day in a zone."""
    return from_datetime(datetime.combine(day + timedelta(days=1), datetime.min.time(), zone))


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day where it has no such day: 31 January + 1 is the 28th
    or 29th of February.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, days_in(year, month)))


def end_of_month(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=days_in(day.year, day.month))


def days_in(year: int, month: int) -> int:
    """How many days a month has."""
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def month_number(day: date) -> int:
    """Months since the year 0, so that months can be counted with."""
    return day.year * 12 + day.month - 1


def near_birthday(birthday: str, day: date, within: int) -> bool:
    """Whether a day lies within so many days of a birthday `MM-DD`, also across New Year. 29 February is kept on the
    28th in years that have none.
    """
    month, of_month = int(birthday[:2]), int(birthday[3:])
    for year in (day.year - 1, day.year, day.year + 1):
        kept_on = date(year, month, min(of_month, days_in(year, month)))
        if abs((kept_on - day).days) <= within:
            return True
    return False
