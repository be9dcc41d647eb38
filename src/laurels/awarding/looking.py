"""Every member as of an instant, whether or not a sweep ran."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from laurels.awarding.explaining import member_at
from laurels.awarding.keeping import program_state_of
from laurels.awarding.programs import Programs
from laurels.ledger import Upkeep
from laurels.ledger.turns import one_by_one
from laurels.program import ProgramState
from laurels.program.lots import next_due


class SeenMember(NamedTuple):
    """A member as it is at an instant. `since`: when the clock first changed something of it that no sweep has written
    down; None where nothing is left to write.
    """

    number: int
    state: ProgramState
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
        yield SeenMember(number, member_at(kept, programs, at), since)
