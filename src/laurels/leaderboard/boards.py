"""Which boards there are, and which of them an entry counts on."""

import re
from bisect import bisect_right
from zoneinfo import ZoneInfo

from laurels.clock import DAY
from laurels.errors import UnknownBoard
from laurels.model.times import month_end, month_of

ALL_TIME = "all-time"
MONTH = "month"
_NAMED_MONTH = re.compile(r"month:(20\d\d)-(0[1-9]|1[0-2])\Z", re.ASCII)

_NAME = re.compile(r"[ !#-\[\]-~]{1,124}\Z")


def is_name(text: str) -> bool:
    """Whether a board may bear this name: 1 to 124 printable ASCII characters, neither quotes nor backslashes."""
    return _NAME.match(text) is not None


LATE = 7 * DAY
"""How long after its end a month still takes what is recorded."""


_MONTHS = ["1999-12", *(f"{year}-{month:02d}" for year in range(2000, 2100) for month in range(1, 13))]
"""Every month that an entry may count in. The earliest instant is still 1999 in the west."""


class Boards:
    """The boards of a program: `all-time`, and one for each calendar month in the program's time zone.

    Closed months are kept for ever, or so many of them; the ledger has them all, so that more can be kept again.
    """

    def __init__(self, zone: ZoneInfo, keep_months: int = 0) -> None:
        """`keep_months`: how many months before the present one have a board; 0: all of them.

        Looks every month's end up once (3 ms): a rebuild asks for the month of millions of entries.
        """
        self._zone = zone
        self._keep_months = keep_months
        self._month_ends = [month_end(month, zone) for month in _MONTHS]
        self._numbers = [int(month.replace("-", "")) for month in _MONTHS]
        self._monthly = {
            number: (ALL_TIME, f"{MONTH}:{month}") for number, month in zip(self._numbers, _MONTHS, strict=True)
        }

    def of(self, board_at: int, recorded_at: int, since: int = 0) -> tuple[str, ...]:
        """The boards that an entry's points count on. A month takes what was recorded within 7 days of its end; there
        is none before the month `since` (202611).
        """
        month = self.month_of(board_at, recorded_at)
        return self._monthly[month] if month is not None and month >= since else (ALL_TIME,)

    def month_of(self, board_at: int, recorded_at: int) -> int | None:
        """The month (202611) in which an entry's points count; None where it was recorded too late for it, or where
        the instant is in no month that Laurels knows (in a damaged ledger).
        """
        month = bisect_right(self._month_ends, board_at)
        is_known = month < len(self._month_ends)
        return self._numbers[month] if is_known and recorded_at < self._month_ends[month] + LATE else None

    def months(self) -> list[tuple[int, int]]:
        """(end, number) of every month, in order: what `month_of` goes by, with `LATE`."""
        return list(zip(self._month_ends, self._numbers, strict=True))

    def next_turn(self, now: int) -> int:
        """The instant at which `month` means another board."""
        return self._month_ends[bisect_right(self._month_ends, now)]

    def since(self, now: int) -> int:
        """The first month (202611) that has a board at an instant; 0 where every month has one."""
        if not self._keep_months:
            return 0
        return self._numbers[max(0, bisect_right(self._month_ends, now) - self._keep_months)]

    def resolve(self, name: str, now: int) -> str:
        """The board that a name means at an instant: `month` is the present one. Raises `UnknownBoard`, also for one
        that is no longer kept.
        """
        if name == MONTH:
            return f"{MONTH}:{month_of(now, self._zone)}"
        if name == ALL_TIME:
            return name
        if not (named := _NAMED_MONTH.match(name)):
            raise UnknownBoard
        if int(named[1] + named[2]) < self.since(now):
            raise UnknownBoard(
                f"{name} is no longer kept: of closed months, the last {self._keep_months} are (boards.keep_months)."
            )
        return name


def board_of(month: int) -> str:
    """The board of a month (202611)."""
    return f"{MONTH}:{month // 100}-{month % 100:02d}"
