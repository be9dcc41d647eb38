"""Points that are spent, given back, held for a till, or corrected by hand. Pure; refused where there is not enough."""

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.clock import MINUTE
from laurels.errors import InsufficientPoints, Refused
from laurels.model.spending import HOLD_MINUTES
from laurels.program.lots import bring_back, choose, credit, debit, expires_at, let_pass, moves, settle_debt, take_out
from laurels.program.state import Account, Lapse, LotKey, OpenHold, ProgramState, Spent
from laurels.program.tiers import let_tiers_pass, note_tier

if TYPE_CHECKING:
    from laurels.program.program import Program


class StateChange(Struct, frozen=True, kw_only=True):
    """What a document does to a member: points of its entry (0: it has none), the state afterwards, what moved in each
    lot, entries that the clock led to, and, of a payment, what was taken: kept with it, so that it can be undone.
    """

    points: int
    member_after: ProgramState
    lots: tuple[tuple[int, int, int], ...] = ()
    lapses: tuple[Lapse, ...] = ()
    spent: tuple[Spent, ...] = ()


def redeem(program: "Program", member: ProgramState, points: int, *, now: int) -> StateChange:
    """Spend points, those that expire soonest first. Raises `InsufficientPoints`."""
    account = _open(program, member, now)
    if account.available < points:
        raise InsufficientPoints
    taken = choose(account, points)
    take_out(account, taken)
    account.active_at_least(now)
    return _close(account, -points, _spent(taken, now))


def restore(
    program: "Program", member: ProgramState, spent: tuple[Spent, ...], points: int | None, *, now: int
) -> StateChange:
    """Cancel a redemption, or so many points of it: it never happened. Gives what stays spent. Raises `Refused` for
    more than that was.
    """
    whole = sum([part.points for part in spent])
    points = whole if points is None else points
    if points > whole:
        raise Refused("more than was redeemed")
    account = _open(program, member, now)
    spent = tuple([replace(part, expires=program.extended(part.expires)) for part in spent])
    stays = bring_back(account, spent, points, program.restore_days, now)
    moved = moves(account)
    let_pass(account, now, program, since=now)
    return _close(account, points, stays, moved)


def hold(
    program: "Program", member: ProgramState, hold_id: str, points: int, *, now: int, minutes: int = HOLD_MINUTES
) -> StateChange:
    """Set points aside for a till; nothing else can have them until then. Of none nothing is kept. Raises
    `InsufficientPoints`, and `Refused` for an id that is open.
    """
    account = _open(program, member, now)
    if any(each.id == hold_id for each in account.holds):
        raise Refused("the hold is open")
    if account.available < points:
        raise InsufficientPoints
    if points:
        pinned = tuple([(*key, n) for key, n in choose(account, points)])
        account.holds.append(OpenHold(hold_id, points, now, now + minutes * MINUTE, pinned))
    return _close(account, 0)


def capture(program: "Program", member: ProgramState, hold_id: str, points: int, *, now: int) -> StateChange:
    """Take what a hold set aside, or a part of it; the rest is free again. One that has lapsed is a redemption like any
    other. Raises `InsufficientPoints`, and `Refused` for more than is held.
    """
    account = _open(program, member, now)
    held = next((each for each in account.holds if each.id == hold_id), None)
    if held is None:
        return redeem(program, member, points, now=now)
    if points > held.points:
        raise Refused("more than is held")
    account.holds.remove(held)
    taken: list[tuple[LotKey, int]] = []
    rest = points
    for expires, origin, n in held.pins:
        if part := min(rest, n):
            taken.append(((expires, origin), part))
            rest -= part
    take_out(account, taken)
    account.active_at_least(now)
    settle_debt(account)
    moved = moves(account)
    let_pass(account, now, program, since=now)
    return _close(account, -points, _spent(taken, held.since), moved)


def void(program: "Program", member: ProgramState, hold_id: str, *, now: int) -> StateChange:
    """Let a hold go. One that has lapsed, or never was, is let go already."""
    account = _open(program, member, now)
    account.holds = [each for each in account.holds if each.id != hold_id]
    settle_debt(account)
    moved = moves(account)
    let_pass(account, now, program, since=now)
    return _close(account, 0, (), moved)


def adjust(
    program: "Program", member: ProgramState, points: int, *, now: int, expires: int | None = None
) -> StateChange:
    """A correction by hand: up, as if earned now and active at once; down, also below zero. What is given lapses at
    `expires`, which lies after `now`; None: when the program says.
    """
    account = _open(program, member, now)
    if points >= 0:
        if expires is None:
            expires = expires_at(program, now)
        credit(account, (expires, expires), points)
    else:
        debit(account, -points)
    moved = moves(account)
    let_pass(account, now, program, since=now)
    return _close(account, points, (), moved)


def grant_tier(program: "Program", member: ProgramState, tier: str, until: int, *, now: int) -> ProgramState:
    """Give a tier by hand, until an instant. Orders of before that come later do not earn by it."""
    account = Account(member)
    before = let_tiers_pass(program, account, now)
    account.grants.append((tier, until))
    note_tier(program, account, now, before)
    return account.state()


def _open(program: "Program", member: ProgramState, now: int) -> Account:
    account = Account(member)
    let_pass(account, now, program)
    account.moves.clear()
    return account


def _close(
    account: Account,
    points: int,
    spent: tuple[Spent, ...] = (),
    moved: tuple[tuple[int, int, int], ...] | None = None,
) -> StateChange:
    lots = moves(account) if moved is None else moved
    return StateChange(
        points=points, member_after=account.state(), lots=lots, lapses=tuple(account.lapses), spent=spent
    )


def _spent(taken: list[tuple[LotKey, int]], at: int) -> tuple[Spent, ...]:
    return tuple([Spent(*key, n, at) for key, n in taken])
