"""Verification in depth: what the program keeps of members and orders, computed again from frames and entries."""

from collections.abc import AsyncIterator, Iterator, Sequence

from laurels.awarding.keeping import program_state_of
from laurels.awarding.programs import Programs
from laurels.awarding.recount import since_carried
from laurels.awarding.refunds import read_refunds
from laurels.errors import LaurelsError
from laurels.ledger import Award, Finding, MemberState, Upkeep
from laurels.ledger.turns import one_by_one
from laurels.model import Entry, EntryKind
from laurels.model.details import Details
from laurels.model.times import format_instant
from laurels.program import GRAIN, NOTHING, Frame, ProgramState, worth
from laurels.program.frame import digest
from laurels.program.lots import next_due
from laurels.program.worth import narrowed, unit_of


async def verify_in_depth(ledger: Upkeep, programs: Programs) -> AsyncIterator[Finding]:
    """Every member that has a state, and every order that has a frame. Costs by their number; memory by a chunk."""
    async for number, kept, looked_at in one_by_one(ledger.states()):
        try:
            found = list(_member(kept, looked_at, programs))
        except (LaurelsError, ValueError, OverflowError) as error:
            found = [f"what is kept of it makes no sense: {error}"]
        for what in found:
            yield Finding(f"member number {number}", what)
    async for award, entries in one_by_one(ledger.framed()):
        try:
            found = list(_order(award, entries, programs))
        except (LaurelsError, IndexError, ValueError) as error:
            found = [f"its frame does not fit its entries: {error}"]
        for what in found:
            yield Finding(f"order {award.source}/{award.order_id}", what)


def _member(kept: MemberState, looked_at: int | None, programs: Programs) -> Iterator[str]:
    if kept.state is None:
        return
    state = program_state_of(kept)
    points = state.active + state.waiting
    if points != kept.totals.balance:
        yield f"its lots, less what is owed, hold {points} points, its entries sum to {kept.totals.balance}"
    if any(lot.active < 0 or lot.compensated > lot.expired for lot in state.lots):
        yield "a lot of it holds less than nothing"
    if any(not 0 <= grains < GRAIN for _, grains in state.carried):
        yield "what it carries is not below a point"
    if state.owed and state.active + state.owed > state.held:
        yield "it owes points and has some that are free"
    at = _looked_at_by(state, programs)
    if at is not None and (looked_at is None or looked_at > at):
        yield f"something happens to it at {format_instant(at)}, and a sweep does not look at it by then"


def _looked_at_by(state: ProgramState, programs: Programs) -> int | None:
    """When a sweep has to look at a member by every version, since that is written down by the one in force then; None:
    by one of them nothing ever happens to it.
    """
    times = [next_due(state, program) for program in programs.published.values()]
    return max([at for at in times if at is not None], default=None) if None not in times else None


def _order(award: Award, entries: Sequence[Entry], programs: Programs) -> Iterator[str]:
    assert award.frame is not None, "asked of orders with a frame alone"
    program, frame = programs.version(award.program_version), Frame.decode(award.frame)
    kept = read_refunds(award.refunded)
    refunded = kept.of_frame(frame)
    if frame.total != award.amount or refunded.left(frame) != award.left:
        yield "its nets and refunds do not add up to its amount and what is left of it"
    value, unit = worth(program, frame, NOTHING), unit_of(program)
    earned = [entry for entry in entries if entry.kind is EntryKind.EARN][-1]
    details = Details.decode(earned.details)
    if details.frame is not None and details.frame != digest(frame.encode()):
        yield "its frame is not the one that its entry vouches for"
    if details.parts and details.parts != tuple([(name, grains // unit) for name, grains in value.parts]):
        yield "its frame gives other parts than its entry says"
    if not program.plan.carries:
        had = worth(program, narrowed(program, frame, kept.cut), refunded).grains
        has = sum(entry.points for entry in since_carried(entries))
        if had != has * GRAIN:
            yield f"what is kept of it earns {had // GRAIN} points in its frame, its entries sum to {has}"
