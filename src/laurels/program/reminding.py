"""Reminders of points that are about to lapse: so many days before, one message a member and month.

A reminder is known by its name, under which a ledger keeps its message once for ever. No milestone is called so.
"""

import re
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from laurels.clock import DAY
from laurels.program.local_time import NEVER, day_of_instant, end_of_month
from laurels.program.lots import deadline_of, next_due
from laurels.program.state import ProgramState

if TYPE_CHECKING:
    from laurels.program.program import Program

_NAME = re.compile(r"lapse:(\d{4})-(\d{2}):(\d{1,3})")


class Reminder(Struct, frozen=True):
    """Points that lapse in a month (its first day), so many days before the first of them do."""

    month: date
    days: int
    points: int = 0

    @property
    def name(self) -> str:
        """What it is known by."""
        return f"lapse:{self.month:%Y-%m}:{self.days}"

    @staticmethod
    def named(name: str) -> "Reminder | None":
        """The reminder of a name; None for a milestone's."""
        found = _NAME.fullmatch(name)
        return None if found is None else Reminder(date(int(found[1]), int(found[2]), 1), int(found[3]))

    @property
    def last_day(self) -> date:
        """The month's last day."""
        return end_of_month(self.month)


def reminders(state: ProgramState, now: int, program: "Program") -> list[Reminder]:
    """The reminders that are due at an instant, the nearest one of each month: of points that have not lapsed yet."""
    found: dict[date, Reminder] = {}
    points: dict[date, int] = {}
    for at, n in lapses_of(state, program):
        month = day_of_instant(at - 1, program.zone).replace(day=1)
        points[month] = points.get(month, 0) + n
        due = [days for days in program.expiry.remind_days if at - days * DAY <= now < at]
        if due and (month not in found or min(due) < found[month].days):
            found[month] = Reminder(month, min(due))
    return [Reminder(month, each.days, points[month]) for month, each in sorted(found.items())]


def next_look(state: ProgramState, now: int, program: "Program") -> int | None:
    """When a member is next looked at: when the clock changes something, or a reminder is due. None: never."""
    at = next_due(state, program)
    if not program.expiry.remind_days:
        return at
    times = [lapse - days * DAY for lapse, _ in lapses_of(state, program) for days in program.expiry.remind_days]
    return min([*([] if at is None else [at]), *(each for each in times if each > now)], default=None)


def lapses_of(state: ProgramState, program: "Program") -> list[tuple[int, int]]:
    """When how many points lapse, if nothing else happens; the soonest first."""
    deadline, found = deadline_of(state.last_active, program), dict[int, int]()
    for lot in state.lots:
        at = program.extended(lot.expires) if deadline is None else min(program.extended(lot.expires), deadline)
        if lot.active and at != NEVER:
            found[at] = found.get(at, 0) + lot.active
    return sorted(found.items())
