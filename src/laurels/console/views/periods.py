"""Periods that pages speak of: whole days, as the API takes them, and as they stand in addresses."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from laurels.clock import SECOND
from laurels.model.times import by_the_clock


def today(now: int) -> date:
    """The day in UTC: near midnight it may not be the shop's, which changes which day a page begins with and no figure
    on it.
    """
    return datetime.fromtimestamp(now // SECOND, UTC).date()


def day_in(now: int, zone: ZoneInfo) -> date:
    """The day in a zone."""
    return by_the_clock(datetime.fromtimestamp(now // SECOND, UTC), zone).date()


def month_begins(day: date, months_before: int = 0) -> date:
    """The first day of the month so many months earlier."""
    year, month = divmod(day.year * 12 + day.month - 1 - months_before, 12)
    return date(year, month + 1, 1)


def day_of(text: str | None, otherwise: date) -> date:
    """A day as an address has it; what is none is another one."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return otherwise


def instant(text: str) -> int:
    """An instant as the API writes it."""
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def instant_of(at: int) -> str:
    """An instant as the API writes it, of microseconds."""
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()


def as_instant(text: str | None, zone: ZoneInfo) -> str | None:
    """The beginning of a day that a form names, as the API takes it; None for what is no day. It is told in UTC: zones
    were once ahead by seconds, too, which no offset of RFC 3339 says.
    """
    try:
        day = date.fromisoformat(text or "")
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):  # the first day there is began a day before it, to the east
        return None
