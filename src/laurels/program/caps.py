"""Room under caps and budgets: what is left is frozen with an order, and what a refund takes back is room again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from laurels.clock import DAY
from laurels.program.grains import GRAIN
from laurels.program.local_time import day_of_instant
from laurels.program.state import Account
from laurels.program.worth import Worth

if TYPE_CHECKING:
    from laurels.program.program import Program

KEPT_DAYS = 430
"""How long the use of a day's or a month's cap is remembered: longer than orders come late. Before that, a cap has all
its room again.
"""

EVERYTHING = ""
"""The name under which the use of the program's own cap of a day is counted."""


def room(program: "Program", account: Account, name: str, day: str, budgets: Mapping[str, int]) -> int | None:
    """Grains that are left for a bonus of an order on a day (`YYYY-MM-DD`); None: without limit. `budgets` is what is
    left of budgets in grains; of one that is not named there, all. Where points are rounded within the order, whole
    points: what a version that carried used is not, and the rest of it is no room.
    """
    plan = program.plan
    limits = [cap * GRAIN - account.used.get(key, 0) for key, cap in _keys(program, name, day)]
    if name in plan.budgets:
        limits.append(budgets.get(name, plan.budgets[name] * GRAIN))
    return _whole(program, min(limits)) if limits else None


def room_of_day(program: "Program", account: Account, day: str) -> int | None:
    """Grains that are left of the program's cap of a day; None: without limit."""
    if program.day_cap is None:
        return None
    return _whole(program, program.day_cap * GRAIN - account.used.get((EVERYTHING, day), 0))


def use(
    program: "Program", account: Account, day: str, before: Worth | None, after: Worth, *, now: int
) -> tuple[tuple[str, int], ...]:
    """Move what is used by the difference of what is kept. Gives the change of each budget, in grains used. What was
    used long ago is forgotten, so that a state stays small.
    """
    budgets = _use(program, account, day, before, after)
    if account.used:
        oldest = day_of_instant(now - KEPT_DAYS * DAY, program.zone).isoformat()
        for key in [key for key in account.used if _is_older(key[1], oldest)]:
            del account.used[key]
    return budgets


def _is_older(period: str, oldest: str) -> bool:
    """Whether a day or month lies before a day; a year never does."""
    return len(period) > len("2026") and period < oldest[: len(period)]


def _use(
    program: "Program", account: Account, day: str, before: Worth | None, after: Worth
) -> tuple[tuple[str, int], ...]:
    plan = program.plan
    if program.day_cap is not None:
        _move(account, (EVERYTHING, day), after.grains - (before.grains if before is not None else 0))
    if not plan.caps and not plan.budgets:
        return ()
    had = dict(before.parts) if before is not None else {}
    budgets = []
    for name, grains in after.parts:
        change = grains - had.get(name, 0)
        if not change:
            continue
        for key, _ in _keys(program, name, day):
            _move(account, key, change)
        if name in plan.budgets:
            budgets.append((name, change))
    return tuple(budgets)


def _keys(program: "Program", name: str, day: str) -> list[tuple[tuple[str, str], int]]:
    caps = program.plan.caps.get(name)
    if caps is None:
        return []
    periods = ((day, caps.day), (day[:7], caps.month), (day[:4], caps.year), ("ever", caps.ever))
    return [((name, period), cap) for period, cap in periods if cap is not None]


def _move(account: Account, key: tuple[str, str], change: int) -> None:
    account.used[key] = account.used.get(key, 0) + change


def _whole(program: "Program", grains: int) -> int:
    grains = max(0, grains)
    return grains if program.plan.carries else grains - grains % GRAIN
