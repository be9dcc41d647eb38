"""Local days as numbers, such as 20261124: they sort, and a month is the number without its last two digits."""

import re
from datetime import date
from zoneinfo import ZoneInfo

from laurels.clock import SECOND
from laurels.errors import InvalidInput
from laurels.model.times import by_the_clock, to_datetime

_QUARTER = 900 * SECOND
"""Zones differ from UTC by whole quarters of an hour nowadays, so a quarter lies in one day."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_MOST_KNOWN = 10_000
_FIRST_WHOLE = 0
"""Before 1970 zones had other offsets too: those instants are looked up one by one."""


class Days:
    """The days of a zone. Remembers what it was asked, a quarter of an hour at a time."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[int, int] = {}

    def of(self, at: int) -> int:
        """The local day of an instant."""
        if at < _FIRST_WHOLE:
            return self._look_up(at)
        quarter = at // _QUARTER
        day = self._known.get(quarter)
        if day is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            day = self._known[quarter] = self._look_up(quarter * _QUARTER)
        return day

    def _look_up(self, at: int) -> int:
        return number_of(by_the_clock(to_datetime(at), self._zone).date())


def number_of(day: date) -> int:
    """A day as its number."""
    return day.year * 10_000 + day.month * 100 + day.day


def parse_day(text: str, field: str) -> int:
    """`2026-11-24` as a number. Raises `InvalidInput`."""
    try:
        if _DAY.match(text):
            return number_of(date.fromisoformat(text))
    except ValueError:
        pass
    raise InvalidInput.of(field, "must be a day such as 2026-11-24")


def format_period(number: int) -> str:
    """A day's or a month's number as it is written: 2026-11-24, 2026-11; and "" for all days together."""
    text = str(number)
    if number == 0:
        return ""
    if len(text) <= len("202611"):
        return f"{text[:-2].zfill(4)}-{text[-2:]}"
    return f"{text[:-4].zfill(4)}-{text[-4:-2]}-{text[-2:]}"
