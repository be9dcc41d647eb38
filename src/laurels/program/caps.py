"""Room under caps and budgets: what is left is frozen with an order, and what a refund takes back is room again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from laurels.clock import DAY
from laurels.program.grains import GRAIN
from laurels.program.local_time import day_text
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


class Rooms:
    """What is left for the bonuses of an order of a member on a day (`YYYY-MM-DD`). `budgets` is what is left of
    budgets in grains; of one that is not named there, all.
    """

    __slots__ = ("_budgets", "_capped", "_carries", "_left", "_used")

    def __init__(self, program: "Program", account: Account, day: str, budgets: Mapping[str, int]) -> None:
        plan = program.plan
        self._used, self._capped = account.used, plan.capped_on(day)
        self._budgets, self._left = plan.budgets, budgets
        self._carries = plan.carries

    def of(self, bonus: str) -> int | None:
        """Grains that are left for a bonus; None: without limit. Where points are rounded within the order, whole
        points: what a version that carried used is not, and the rest of it is no room.
        """
        least = self._left.get(bonus, self._budgets[bonus] * GRAIN) if bonus in self._budgets else None
        for key, cap in self._capped.get(bonus, ()):
            left = cap - self._used.get(key, 0)
            if least is None or left < least:
                least = left
        if least is None or self._carries:
            return least if least is None or least > 0 else 0
        return least - least % GRAIN if least > 0 else 0


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
        oldest = day_text(now - KEPT_DAYS * DAY, program.zone)
        # A day or a month may lie before that day; a year is never forgotten.
        for key in [key for key in account.used if (n := len(key[1])) > len("2026") and key[1] < oldest[:n]]:
            del account.used[key]
    return budgets


def _use(
    program: "Program", account: Account, day: str, before: Worth | None, after: Worth
) -> tuple[tuple[str, int], ...]:
    plan = program.plan
    if program.day_cap is not None:
        _move(account, (EVERYTHING, day), after.grains - (before.grains if before is not None else 0))
    if not plan.caps and not plan.budgets:
        return ()
    had = dict(before.parts) if before is not None else {}
    used, capped, budgets = account.used, plan.capped_on(day), []
    for name, grains in after.parts:
        if name not in plan.limited_names:
            continue
        change = grains - had.get(name, 0)
        if not change:
            continue
        for key, _ in capped.get(name, ()):
            used[key] = used.get(key, 0) + change
        if name in plan.budgets:
            budgets.append((name, change))
    return tuple(budgets)


def _move(account: Account, key: tuple[str, str], change: int) -> None:
    account.used[key] = account.used.get(key, 0) + change


def _whole(program: "Program", grains: int) -> int:
    grains = max(0, grains)
    return grains if program.plan.carries else grains - grains % GRAIN
