"""Which boards there are, and which of them an entry counts on."""

import re
from zoneinfo import ZoneInfo

from laurels.clock import DAY
from laurels.errors import UnknownBoard
from laurels.model import Entry
from laurels.model.entries import SCORED
from laurels.model.times import month_end, month_of

ALL_TIME = "all-time"
MONTH = "month"
_NAMED_MONTH = re.compile(r"month:(20\d\d)-(0[1-9]|1[0-2])\Z", re.ASCII)

LATE = 7 * DAY
"""How long after its end a month still takes what is recorded."""


class Boards:
    """The boards of a program: `all-time`, and one for each calendar month in the program's time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._month_ends: dict[str, int] = {}

    def of(self, entry: Entry) -> tuple[str, ...]:
        """The boards that an entry's points count on. A month takes what was recorded within 7 days of its end."""
        if entry.kind not in SCORED:
            return ()
        month = month_of(entry.board_at, self._zone)
        end = self._month_ends.get(month)
        if end is None:
            end = self._month_ends[month] = month_end(month, self._zone)
        return (ALL_TIME, f"{MONTH}:{month}") if entry.recorded_at < end + LATE else (ALL_TIME,)

    def resolve(self, name: str, now: int) -> str:
        """The board that a name means at an instant: `month` is the present one. Raises `UnknownBoard`."""
        if name == MONTH:
            return f"{MONTH}:{month_of(now, self._zone)}"
        if name == ALL_TIME or _NAMED_MONTH.match(name):
            return name
        raise UnknownBoard
