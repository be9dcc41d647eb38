"""What falls due by the clock: points that become active, and points that lapse where nothing else happens.

Entries alone do not say it, so it is looked for in what is kept of every member, now and then, and said as of when.
"""

from collections.abc import AsyncIterator

from laurels.clock import elapsed
from laurels.ledger import Ledger
from laurels.ledger.rollups import DuePoints
from laurels.program import ProgramState
from laurels.rollups.days import Days

PENDING, LAPSE = "pending", "lapse"

AT_ONCE = 2000
"""Members that a sweep is told of in one transaction."""

Seen = AsyncIterator[tuple[int, ProgramState, list[tuple[int, int]], int | None]]
"""Every member by number, as it is at the instant that is looked at; when how many of its points lapse; and when the
clock first changed something of it that no sweep has written down.
"""


async def look_at_due(ledger: Ledger, at: int, seen: Seen, days: Days) -> float:
    """Look at every member as of an instant, and keep by day what will become active and what will lapse; gives the
    seconds that took. Costs by members; memory: a row a day.

    Whose time has come is told to the next sweep: under a version that lets points lapse, and came into force since a
    member was active last, nobody else looks at it.
    """
    began = elapsed()
    found: dict[tuple[str, int], tuple[int, int]] = {}
    late: list[tuple[int, int]] = []
    async for number, state, lapses, since in seen:
        for key, points in _due_of(state, lapses, days).items():
            sum_of, members = found.get(key, (0, 0))
            found[key] = sum_of + points, members + 1
        if since is not None:
            late.append((number, since))
        if len(late) == AT_ONCE:
            await ledger.look_at(late)
            late.clear()
    if late:
        await ledger.look_at(late)
    await ledger.write_due(at, [DuePoints(*key, *sums) for key, sums in sorted(found.items())])
    return elapsed() - began


def _due_of(member: ProgramState, lapses: list[tuple[int, int]], days: Days) -> dict[tuple[str, int], int]:
    due: dict[tuple[str, int], int] = {}
    for at, points in lapses:
        key = LAPSE, days.of(at)
        due[key] = due.get(key, 0) + points
    for waiting in member.pending:
        key = PENDING, days.of(waiting.active_at)
        due[key] = due.get(key, 0) + waiting.points
    return due
