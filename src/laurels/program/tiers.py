"""Tiers: a function of what is kept of a member's orders, by month, and of grants by hand. Spending never counts."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from laurels.model.times import from_datetime
from laurels.program.grains import GRAIN
from laurels.program.local_time import day_text, local_of, month_number
from laurels.program.rules import Tiers
from laurels.program.state import Account, ProgramState
from laurels.program.worth import Worth

if TYPE_CHECKING:
    from laurels.program.program import Program

_YEARS_BACK = 3
"""How many years a soft landing looks back, each from the tier at the end of the year before."""


def tier_at(program: "Program", member: Account | ProgramState, at: int) -> str | None:
    """The tier that stands at an instant, by what is known now."""
    if program.tiers is None:
        return None
    best = _best(program.tiers, member, local_of(at, program.zone), _YEARS_BACK, at)
    return None if best < 0 else program.tiers.levels[best].name


def tier_of_order(program: "Program", account: Account, at: int) -> str | None:
    """The tier that an order of an instant earns by: the one that stood then by what was known then. So a late order is
    not promoted by what was bought after it.
    """
    tiers = program.tiers
    if tiers is None:
        return None
    if account.tiers and at < _seen(account):
        for since, name in reversed(account.tiers):
            if since <= at:
                return name
        lowest = _level(tiers, 0)
        return None if lowest < 0 else tiers.levels[lowest].name
    return tier_at(program, account, at)


def let_tiers_pass(program: "Program", account: Account, now: int) -> str | None:
    """Write down what the calendar, the end of a grant and the version in force made of a tier since it was last looked
    at, before anything changes what counts: it follows from that. So a late order earns by the tier that stood at its
    moment, whoever bought meanwhile. Gives the tier that was last written down.
    """
    if not account.tiers:
        return None
    last, seen = account.tiers[-1][1], _seen(account)
    for edge in sorted(_edges(program, account, seen, now)):
        if (name := tier_at(program, account, edge)) != account.tiers[-1][1]:
            account.tiers.append((edge, name))
    return last


def note_tier(
    program: "Program", account: Account, now: int, before: str | None
) -> tuple[str | None, str | None] | None:
    """Write down a change of tier; gives (from, to) where there is one. `before` is what `let_tiers_pass` gave."""
    name = tier_at(program, account, now)
    if not account.tiers and program.tiers is None and not account.counted:
        return None
    if not account.tiers or account.tiers[-1][1] != name:
        account.tiers.append((now, name))
    account.tiers_seen = now
    return None if before == name else (before, name)


def count(program: "Program", account: Account, at: int, before: Worth | None, after: Worth) -> None:
    """Count towards tiers, in the month of the order, by the difference of what is kept."""
    if program.tiers is None:
        return
    change = _counts(program.tiers, after) - (_counts(program.tiers, before) if before is not None else 0)
    if change:
        month = month_number(local_of(at, program.zone).date())
        account.counted[month] = account.counted.get(month, 0) + change


def tier_index(program: "Program", name: str | None) -> int:
    """The place of a tier in a version; -1 for none."""
    return -1 if program.tiers is None else program.tiers.index(name)


def reached(program: "Program", member: ProgramState, at: int) -> int:
    """What counts in the period of an instant: grains, or minor units of spend."""
    if program.tiers is None:
        return 0
    return _window(program.tiers, dict(member.counted), month_number(local_of(at, program.zone).date()))


class TierProgress(Struct, frozen=True):
    """A tier, the next one above it, and how much is missing to that in this period: points, rounded up, or minor
    units.
    """

    name: str | None
    next: str | None
    missing: int | None


def tier_progress(program: "Program", member: ProgramState, at: int) -> TierProgress:
    """How a member stands at an instant. The program has tiers."""
    tiers, name = program.tiers, tier_at(program, member, at)
    assert tiers is not None, "asked of programs with tiers alone"
    above = tier_index(program, name) + 1
    if above >= len(tiers.levels):
        return TierProgress(name, None, None)
    level, unit = tiers.levels[above], 1 if tiers.counts == "spend" else GRAIN
    missing = level.reach * unit - reached(program, member, at)
    return TierProgress(name, level.name, max(0, -(-missing // unit)))


def tier_until(program: "Program", member: ProgramState, at: int) -> int | None:
    """When a lower tier follows the one of an instant, if nothing more is bought: the end of a period, or of a grant.
    None where none is lower. Costs a dozen looks at what counts.
    """
    tiers = program.tiers
    assert tiers is not None, "asked of programs with tiers alone"
    place = tier_index(program, tier_at(program, member, at))
    if place <= _level(tiers, 0):
        return None
    edges = {until for _, until in member.grants} | set(_period_ends(program, tiers, at))
    lower = (
        edge for edge in sorted(edges) if edge > at and tier_index(program, tier_at(program, member, edge)) < place
    )
    return next(lower, None)


def _seen(account: Account) -> int:
    """When the tier was last looked at."""
    return account.tiers[-1][0] if account.tiers_seen is None else account.tiers_seen


def _edges(program: "Program", account: Account, seen: int, now: int) -> set[int]:
    """The instants after one, up to another, at which a tier may change by itself. What an earlier version made of it
    is not known.
    """
    begins = program.from_at
    edges = {until for _, until in account.grants}
    if begins is not None:
        edges.add(begins)
    if program.tiers is not None and day_text(seen, program.zone)[:7] != day_text(now, program.zone)[:7]:
        edges |= set(_period_ends(program, program.tiers, seen))
    return {edge for edge in edges if seen < edge <= now and (begins is None or begins <= edge)}


def _period_ends(program: "Program", tiers: Tiers, at: int) -> Iterator[int]:
    """The instants at which what counts may change by the calendar alone, as far as a tier can last."""
    local = local_of(at, program.zone)
    if tiers.period == "year":
        months = [12 * (local.year + ahead) + more for ahead in range(1, 4) for more in (0, tiers.grace_months)]
    else:
        first = month_number(local.date()) + 1
        months = list(range(first, first + 12 + tiers.grace_months))
    for month in months:
        yield from_datetime(datetime(month // 12, month % 12 + 1, 1, tzinfo=program.zone))


def _counts(tiers: Tiers, worth: Worth) -> int:
    if tiers.counts == "spend":
        return worth.spend
    return worth.parts[0][1] if tiers.counts == "base" else worth.grains


def _best(tiers: Tiers, member: Account | ProgramState, local: datetime, deep: int, at: int) -> int:
    counted = dict(member.counted)
    month = month_number(local.date())
    best = [_level(tiers, _window(tiers, counted, month))]
    if tiers.period == "year":
        best.append(_level(tiers, _window(tiers, counted, month - 12)))
        if local.month <= tiers.grace_months:
            best.append(_level(tiers, _window(tiers, counted, month - 24)))
        if tiers.soft_landing and deep and any(n and each < local.year * 12 for each, n in counted.items()):
            last = local.replace(year=local.year - 1, month=12, day=31, hour=12, minute=0, second=0, microsecond=0)
            best.append(max(-1, _best(tiers, member, last, deep - 1, from_datetime(last)) - 1))
    else:
        best += [_level(tiers, _window(tiers, counted, month - back)) for back in range(1, tiers.grace_months + 1)]
    for name, until in member.grants:
        if at < until:
            best.append(tiers.index(name))
    return max(best)


def _window(tiers: Tiers, counted: dict[int, int], month: int) -> int:
    first = month - month % 12 if tiers.period == "year" else month - 11
    return sum([n for each, n in counted.items() if first <= each <= first + 11])


def _level(tiers: Tiers, counted: int) -> int:
    unit = 1 if tiers.counts == "spend" else GRAIN
    found = -1
    for place, level in enumerate(tiers.levels):
        if counted >= level.reach * unit:
            found = place
    return found
