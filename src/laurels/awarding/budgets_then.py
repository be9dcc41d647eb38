"""What was left of budgets when a document was judged, as far as its entries tell.

All shards share a budget. What two of them recorded at one instant, or by clocks that differ, is judged once more in
another order than that in which it took from the budget; of that order no record is kept, but of its outcome one is.
"""

from collections.abc import Mapping

from laurels.awarding.keeping import budgets_left, program_state_of
from laurels.awarding.programs import Programs
from laurels.ledger import Awarded, MemberState
from laurels.model import DocumentKind, Entry
from laurels.model.details import Details
from laurels.program import GRAIN, Program
from laurels.program.caps import Rooms, RoomsAgain, most_left
from laurels.program.local_time import day_text
from laurels.program.state import Account
from laurels.program.worth import MOST_POINTS, unit_of

NO_LIMIT = MOST_POINTS * GRAIN


def moved_since(document: Awarded, programs: Programs, kept: MemberState, used: Mapping[str, int]) -> dict[str, int]:
    """By how many grains more (or less, below 0) was left of each budget for a document than `used` leaves of it. A
    bonus that its budget bound says what was left; of one that a cap of its member bound, and of any other, there was
    no less than it gave. `kept` is of the member.
    """
    entry = document.entry
    if document.kind is DocumentKind.AMENDMENT and document.anew is not None:
        version, board_at, said = document.anew
        program, taken = programs.version(version), entry
    elif document.kind is DocumentKind.ORDER:
        program, board_at, said, taken = programs.version(entry.program_version), entry.board_at, entry.details, None
    elif document.kind is DocumentKind.CANCELLATION:
        return _moved_since_cancelled(entry, programs, kept, used)
    else:
        return {}
    budgets = budgets_left(program, used)
    if not budgets:
        return {}
    account = Account(program_state_of(kept))
    if taken is not None:
        _give_back(taken, programs.version(taken.program_version), account, budgets)
    details, unit = Details.decode(said), unit_of(program)
    rooms = Rooms(program, account, day_text(board_at, program.zone), dict.fromkeys(budgets, NO_LIMIT))
    bound, gave = dict(details.bound), dict(details.parts)
    moved = {}
    for name in budgets.keys() & gave.keys():
        room = max(0, budgets[name] // unit * unit)
        then = bound[name] * unit if name in bound else (gave[name] + 1) * unit
        if name not in bound or rooms.of(name) == then:
            then = max(room, then)
        if then != room:
            moved[name] = then - budgets[name]
    return moved


def _moved_since_cancelled(
    entry: Entry, programs: Programs, kept: MemberState, used: Mapping[str, int]
) -> dict[str, int]:
    """The same for a refund that was cancelled: of what its budget bound all that was left came again."""
    program, details = programs.version(entry.program_version), Details.decode(entry.details)
    bound, gave, unit = dict(details.bound), dict(details.parts), unit_of(program)
    versions = [*programs.published.values()]
    lefts = most_left(versions, used)
    account, day = Account(program_state_of(kept)), day_text(entry.board_at, program.zone)
    rooms = RoomsAgain(program, account, day, {}, versions)
    moved = {}
    for name in program.plan.budgets.keys() & (bound.keys() | gave.keys()):
        room, then = max(0, lefts[name] // unit * unit), gave.get(name, 0) * unit
        if name not in bound or rooms.is_capped(name, then):
            then = max(room, then)
        if then != room:
            moved[name] = then - lefts[name]
    return moved


def _give_back(taken: Entry, program: Program, account: Account, budgets: dict[str, int]) -> None:
    """Room again for what a changed order is taken back by, before it earns anew."""
    capped, unit = program.plan.capped_on(day_text(taken.board_at, program.zone)), unit_of(program)
    for name, count in Details.decode(taken.details).parts:
        for key, _ in capped.get(name, ()):
            account.used[key] = account.used.get(key, 0) + count * unit
        if name in program.plan.budgets and name in budgets:
            budgets[name] -= count * unit
