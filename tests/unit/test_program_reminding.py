"""When members are reminded of points that are about to lapse, and of how many."""

from datetime import date

from laurels.clock import DAY
from laurels.model.times import parse_instant
from laurels.program import DEFAULT_PROGRAM, NEW, Program, ProgramState, Reminder, next_look, parse_program, reminders
from laurels.program.state import Lot

NOW = parse_instant("2026-06-10T12:00:00Z", "at")


def program(expiry: str = 'kind = "after-months"\nmonths = 12\nremind_days = [30, 7]') -> Program:
    return parse_program(DEFAULT_PROGRAM + f"\n[expiry]\n{expiry}\n")


def state(*lots: tuple[int, int]) -> ProgramState:
    """A member with so many points that lapse in so many days."""
    return ProgramState(lots=tuple(Lot(NOW + days * DAY, NOW + days * DAY, points) for days, points in lots))


def told(kept: ProgramState, now: int = NOW) -> list[tuple[str, int]]:
    return [(each.name, each.points) for each in reminders(kept, now, program())]


def test_so_many_days_before_and_neither_sooner_nor_once_they_have_lapsed() -> None:
    assert told(state((31, 5))) == []
    assert told(state((30, 5))) == [("lapse:2026-07:30", 5)]
    assert told(state((8, 5))) == [("lapse:2026-06:30", 5)]
    assert told(state((7, 5))) == [("lapse:2026-06:7", 5)]
    assert told(state((0, 5))) == []


def test_a_month_has_one_with_all_that_lapses_in_it() -> None:
    assert told(state((10, 5), (15, 6), (25, 7), (60, 8))) == [("lapse:2026-06:30", 11), ("lapse:2026-07:30", 7)]


def test_points_that_are_spent_remind_nobody() -> None:
    assert told(state((10, 0))) == []


def test_by_the_shops_own_calendar() -> None:
    midnight = parse_instant("2026-06-30T23:00:00Z", "at")  # the first instant of July in London
    kept = ProgramState(lots=(Lot(midnight, midnight, 5),))
    assert told(kept) == [("lapse:2026-06:30", 5)]


def test_all_points_of_who_was_not_active_for_long() -> None:
    kept = ProgramState(lots=(Lot(2**62, 2**62, 9),), last_active=parse_instant("2025-06-15T12:00:00Z", "at"))
    rules = program('kind = "inactivity"\nmonths = 12\nremind_days = [30]')
    assert [(each.name, each.points) for each in reminders(kept, NOW, rules)] == [("lapse:2026-06:30", 9)]


def test_members_are_looked_at_when_a_reminder_is_due_and_then_when_points_lapse() -> None:
    kept, rules, at = state((40, 5)), program(), NOW
    looks = []
    while (look := next_look(kept, at, rules)) is not None and at < NOW + 40 * DAY:
        looks.append((look - NOW) // DAY)
        at = look
    assert looks == [10, 33, 40]
    assert next_look(kept, NOW, program('kind = "after-months"\nmonths = 12')) == NOW + 40 * DAY
    assert next_look(NEW, NOW, rules) is None


def test_a_name_says_what_it_is_about() -> None:
    reminder = Reminder(date(2026, 7, 1), 30, 5)
    assert Reminder.named(reminder.name) == Reminder(date(2026, 7, 1), 30)
    assert reminder.last_day == date(2026, 7, 31)
    assert Reminder.named("100-points") is None
