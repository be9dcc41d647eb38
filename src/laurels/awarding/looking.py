"""Every member as of an instant, whether or not a sweep ran."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from laurels.awarding.explaining import member_at
from laurels.awarding.keeping import program_state_of
from laurels.awarding.programs import Programs
from laurels.ledger import Ledger, Upkeep
from laurels.ledger.turns import one_by_one
from laurels.program import ProgramState, lapses_of
from laurels.program.lots import next_due

TOLD_AT_ONCE = 2000
"""Members that a sweep is told of in one transaction."""


class SeenMember(NamedTuple):
    """A member as it is at an instant. `lapses`: when how many points lapse from then on, where nothing else happens.
    `since`: when the clock first changed something of it that no sweep has written
    down; None where nothing is left to write.
    """

    number: int
    state: ProgramState
    lapses: list[tuple[int, int]]
    since: int | None


async def members_at(ledger: Upkeep, programs: Programs, at: int) -> AsyncIterator[SeenMember]:
    """Every member that has not become another. Costs by members, and where points lapse by inactivity by the entries
    of those besides of whom nothing but totals is kept: when they were active last is not.
    """
    program = programs.at(at)
    accounts = ledger.accounts(orders=program.expiry.kind == "inactivity")
    async for number, kept in one_by_one(accounts):
        next_change = next_due(program_state_of(kept), program)
        since = next_change if next_change is not None and next_change <= at else None
        state = member_at(kept, programs, at)
        yield SeenMember(number, state, lapses_of(state, program), since)


async def tell_silent(ledger: Ledger, programs: Programs, at: int) -> None:
    """Have the next sweep look at every member whose time came and of whom it was not told: points lapse by inactivity
    by a version that came into force since the member was active last. Costs by members, as `members_at`, where points
    lapse so; else one look for new versions.
    """
    await programs.load(ledger)
    if programs.at(at).expiry.kind != "inactivity":
        return
    late: list[tuple[int, int]] = []
    async for seen in members_at(ledger, programs, at):
        if seen.since is not None:
            late.append((seen.number, seen.since))
        if len(late) == TOLD_AT_ONCE:
            await ledger.look_at(late)
            late.clear()
    if late:
        await ledger.look_at(late)
