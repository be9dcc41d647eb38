"""Room under caps and budgets: what is left is frozen with an order, and what a refund takes back is room again."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from laurels.clock import DAY
from laurels.program.frame import Frame, Refunded
from laurels.program.grains import GRAIN
from laurels.program.local_time import day_text
from laurels.program.state import Account
from laurels.program.worth import CAP, Cut, Worth, bonus_name, narrowed, unit_of, worth

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


class RoomsAgain:
    """What is left for what comes again of an order, since a refund of it is cancelled; `used` is of budgets.

    By the version that lets members use most: whatever they used, one of them allowed it, so nobody loses by a refund
    that is cancelled at once.
    """

    __slots__ = ("_account", "_budgets", "_day", "_program", "_versions")

    def __init__(
        self, program: "Program", account: Account, day: str, used: Mapping[str, int], versions: Iterable["Program"]
    ) -> None:
        self._program, self._account, self._day = program, account, day
        self._versions = (program, *versions)
        self._budgets = most_left(self._versions, used)

    def of(self, bonus: str) -> int:
        """Grains that are left for a bonus."""
        left = [self._budgets[bonus]] if bonus in self._program.plan.budgets else []
        return _whole(self._program, min([*left, *self._under_caps(bonus)]))

    def is_capped(self, bonus: str, left: int) -> bool:
        """Whether it is a cap of the member that leaves so little."""
        return any(_whole(self._program, each) <= left for each in self._under_caps(bonus))

    def of_day(self) -> int:
        """Grains that are left of the programs' cap of a day."""
        most = max(version.day_cap or 0 for version in self._versions)
        return _whole(self._program, most * GRAIN - self._account.used.get((EVERYTHING, self._day), 0))

    def _under_caps(self, bonus: str) -> list[int]:
        used, most = self._account.used, dict(self._program.plan.capped_on(self._day).get(bonus, ()))
        for version in self._versions:
            for key, cap in version.plan.capped_on(self._day).get(bonus, ()):
                if key in most:
                    most[key] = max(most[key], cap)
        return [cap - used.get(key, 0) for key, cap in most.items()]


def most_left(versions: Iterable["Program"], used: Mapping[str, int]) -> dict[str, int]:
    """What is left of each budget, in grains, by the version that gives it most."""
    most: dict[str, int] = {}
    for version in versions:
        for name, points in version.plan.budgets.items():
            most[name] = max(most.get(name, 0), points)
    return {name: points * GRAIN - used.get(name, 0) for name, points in most.items()}


def cut_by_others(program: "Program", frame: Frame, before: Refunded, after: Refunded, rooms: RoomsAgain) -> Cut:
    """Of an order of which more is kept again: what has no room any more, since others got it meanwhile, is cut to what
    the order has and what is left.
    """
    unit, had, keeps = unit_of(program), worth(program, frame, before), worth(program, frame, after)
    has, again, cut = dict(had.parts), dict(keeps.parts), []
    for bonus in frame.bonuses:
        if bonus.room is not None:
            name = bonus_name(program, bonus)
            left = rooms.of(name)
            if again[name] - has[name] > left:
                cut.append((name, (has[name] + left) // unit))
    if frame.room is not None:
        left = rooms.of_day()
        if worth(program, narrowed(program, frame, tuple(cut)), after).grains - had.grains > left:
            cut.append((CAP, (had.grains + left) // unit))
    return tuple(cut)


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
