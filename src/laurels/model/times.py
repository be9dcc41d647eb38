"""Instants: RFC 3339 with an offset outside, microseconds since 1970 in UTC inside. Files write them in more ways."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from laurels.clock import MINUTE
from laurels.errors import InvalidInput

EARLIEST = 946_684_800_000_000
"""2000-01-01T00:00:00Z: nothing that earns points happened before."""

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last instant of the years 1 to 9999: what an offset moves beyond has no day in UTC."""

MAX_AHEAD = 5 * MINUTE
"""How far a shop's clock may run ahead of ours."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:[0-5]\d)\Z", re.ASCII)

WRITTEN = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| +)([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]{1,9}))?)?"
    r" *([Zz]|UTC|GMT|[+-](?:[01]?[0-9]|2[0-3]):[0-5][0-9]|[+-](?:[01][0-9]|2[0-3])(?:[0-5][0-9])?)?)?"
)
"""How files write a time: year, month, day, hour, minute, second, fraction and offset are its groups; everything behind
the day may be missing. Without anchors, for Python and Rust.
"""

_WRITTEN = re.compile(WRITTEN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: str, field: str) -> int:
    """An RFC 3339 time with an offset -> microseconds; finer digits are cut. Raises `InvalidInput`."""
    match = _RFC3339.match(text)
    if match:
        fraction = match.group(1) or ""
        plain = text.replace(fraction, fraction[:7], 1) if fraction else text
        try:
            return _in_calendar(from_datetime(datetime.fromisoformat(plain.upper())), field)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput.of(field, "must be a time with an offset such as 2026-11-01T10:00:00Z")


def parse_written(text: str, field: str, zone: ZoneInfo | None) -> int:
    """A time as files write it -> microseconds: `2025-05-12 15:06:16 -0400`, `2025-01-02 9:05`, `2025-01-02`.

    Without an offset it is a reading of the clocks of `zone`: of two the first, and one that clocks skipped by
    the offset before; with `zone` None it is refused. Finer digits than microseconds are cut. Raises `InvalidInput`.
    """
    match = _WRITTEN.fullmatch(text)
    if not match:
        raise InvalidInput.of(field, "must be a time such as 2026-11-01T10:00:00Z or 2026-11-01 10:00")
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, int((match[7] or "").ljust(6, "0")[:6]))  # noqa: DTZ001
    except ValueError as error:
        raise InvalidInput.of(field, "is a day that is not in the calendar") from error
    if match[8] is not None:
        return _in_calendar(from_datetime(local.replace(tzinfo=UTC)) - _offset(match[8]), field)
    if zone is None:
        raise InvalidInput.of(field, "has no offset; name its time zone")
    return _in_calendar(from_datetime(local.replace(tzinfo=zone)), field)


def _in_calendar(at: int, field: str) -> int:
    """Give `at` back where it has a day in UTC."""
    if not FIRST <= at <= LAST:
        raise InvalidInput.of(field, "must lie in the years 1 to 9999, by the clocks of UTC too")
    return at


def _offset(text: str) -> int:
    """An offset as written -> microseconds ahead of UTC."""
    if text[0] not in "+-":
        return 0
    hours, minutes = text[1:].split(":") if ":" in text else (text[1:3], text[3:] or "0")
    ahead = (int(hours) * 60 + int(minutes)) * MINUTE
    return -ahead if text[0] == "-" else ahead


def check_occurred(at: int, now: int, field: str = "occurred_at") -> int:
    """Give `at` back when an order may carry it: from the year 2000 to 5 minutes from `now`. Raises `InvalidInput`."""
    if not EARLIEST <= at <= now + MAX_AHEAD:
        raise InvalidInput.of(field, "must lie between 2000-01-01 and 5 minutes from now")
    return at


def check_ahead(at: int | None, now: int, field: str = "expires_at") -> None:
    """Raise `InvalidInput` where points that lapse at `at` would have lapsed by now."""
    if at is not None and at <= now:
        raise InvalidInput.of(field, "must lie ahead: points that have lapsed cannot be given")


def check_lapse(at: int | None, points: int, field: str = "expires_at") -> int | None:
    """Give `at` back when an adjustment by so many points may name it. That it lies ahead is held when it is made: what
    was made before is sent again for ever. Raises `InvalidInput`.
    """
    if at is not None and points <= 0:
        raise InvalidInput.of(field, "has no effect: it is for points that are given, and none are")
    return at


def format_instant(at: int) -> str:
    """Microseconds -> RFC 3339 in UTC, with as many fraction digits as are needed."""
    moment = to_datetime(at)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + fraction + "Z"


def from_datetime(moment: datetime) -> int:
    """An aware datetime -> microseconds, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(at: int) -> datetime:
    """Microseconds -> an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def by_the_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment by the clocks of a zone. Where those are beyond the calendar by then (shops write the end of 9999 for
    never, and Tokyo is ahead), it is the calendar's end, or its beginning.
    """
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return datetime.max.replace(tzinfo=zone) if moment.year > 1 else datetime.min.replace(tzinfo=zone)


def month_of(at: int, zone: ZoneInfo) -> str:
    """The calendar month of an instant in a time zone: `"2026-10"`."""
    return by_the_clock(to_datetime(at), zone).strftime("%Y-%m")


def month_end(month: str, zone: ZoneInfo) -> int:
    """The first instant after a calendar month in a time zone."""
    year, number = int(month[:4]), int(month[5:])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return from_datetime(following)
