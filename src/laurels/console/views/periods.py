"""Periods that pages speak of: whole days, as the API takes them, and as they stand in addresses."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from laurels.clock import SECOND

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9998, 12, 31)
"""The days that pages count with: nothing was ordered before, and what comes after has no month behind it."""


def month_begins(day: date, months_before: int = 0) -> date:
    """The first day of the month so many months earlier."""
    year, month = divmod(day.year * 12 + day.month - 1 - months_before, 12)
    return date(year, month + 1, 1)


def day_of(text: str | None, otherwise: date) -> date:
    """A day as an address has it, or the nearest that pages count with; what is none is another one."""
    day = _day(text)
    return otherwise if day is None else min(max(day, FIRST_DAY), LAST_DAY)


def instant(text: str) -> int:
    """An instant as the API writes it."""
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def instant_of(at: int) -> str:
    """An instant as the API writes it, of microseconds."""
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()


def as_instant(text: str | None, zone: ZoneInfo) -> str | None:
    """The beginning of a day that a form names, as the API takes it; None for what pages count no day with. Told
    in UTC: zones were once ahead by seconds, too, which no offset of RFC 3339 says.
    """
    day = _day(text)
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).isoformat()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
