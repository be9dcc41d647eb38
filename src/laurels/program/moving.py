"""Points between members: given away with their dates, or with all that a member is, when two become one."""

from typing import TYPE_CHECKING

from msgspec import Struct

from laurels.errors import InsufficientPoints, Refused
from laurels.program.grains import GRAIN
from laurels.program.lots import choose, credit, expires_at, let_pass, moves, settle_debt, take_out
from laurels.program.spending import StateChange
from laurels.program.state import Account, Lapse, ProgramState, Spent
from laurels.program.tiers import let_tiers_pass, note_tier

if TYPE_CHECKING:
    from laurels.program.program import Program


class Merge(Struct, frozen=True, kw_only=True):
    """Two members that became one: what left the one that ends, and the state of the one that goes on. `whole` are
    points that the remainders of both make together: an earn entry of its own.
    """

    moved: int
    whole: int
    member_after: ProgramState
    of_lapses: tuple[Lapse, ...] = ()
    lapses: tuple[Lapse, ...] = ()
    tier: tuple[str | None, str | None] | None = None


def give(program: "Program", member: ProgramState, points: int, *, now: int) -> StateChange:
    """Take points out for another member: `spent` is what the other `receive`s. It is no activity. Raises
    `InsufficientPoints`.
    """
    account = Account(member)
    let_pass(account, now, program)
    account.moves.clear()
    if account.available < points:
        raise InsufficientPoints
    taken = choose(account, points)
    take_out(account, taken)
    return StateChange(
        points=-points,
        member_after=account.state(),
        lots=moves(account),
        lapses=tuple(account.lapses),
        spent=tuple([Spent(*key, n, now) for key, n in taken]),
    )


def receive(program: "Program", member: ProgramState, given: tuple[Spent, ...], *, now: int) -> StateChange:
    """Take in what another member gave. Points keep their dates; what lapsed on the way lapses here."""
    account = Account(member)
    let_pass(account, now, program)
    account.moves.clear()
    for part in given:
        credit(account, (part.expires, part.origin), part.points)
    moved = moves(account)
    let_pass(account, now, program, since=now)
    return StateChange(
        points=sum([part.points for part in given]),
        member_after=account.state(),
        lots=moved,
        lapses=tuple(account.lapses),
    )


def merge(program: "Program", ends: ProgramState, goes_on: ProgramState, *, now: int) -> Merge:
    """Make two members one: lots, pending, debt, remainders, caps' use, tiers' counts, orders and grants add up. The
    one that ends has the state `NEW` afterwards. Raises `Refused` while it has open holds.
    """
    one, other = Account(ends), Account(goes_on)
    let_pass(one, now, program)
    let_pass(other, now, program)
    if one.holds:
        raise Refused("the member has open holds")
    of = one.state()
    before = let_tiers_pass(program, other, now)
    other.owed += one.owed
    for key, (active, expired, compensated) in one.lots.items():
        mine = other.lots.setdefault(key, [0, 0, 0])
        mine[0] += active
        mine[1] += expired
        mine[2] += compensated
    settle_debt(other)
    other.pending += one.pending
    whole = 0
    for currency, grains in one.carried.items():
        points, other.carried[currency] = divmod(other.carried.get(currency, 0) + grains, GRAIN)
        whole += points
    for used, grains in one.used.items():
        other.used[used] = other.used.get(used, 0) + grains
    for month, n in one.counted.items():
        other.counted[month] = other.counted.get(month, 0) + n
    other.orders += one.orders
    other.grants += one.grants
    if one.last_active is not None:
        other.active_at_least(one.last_active)
    if whole:
        expires = expires_at(program, now)
        credit(other, (expires, expires), whole)
    let_pass(other, now, program, since=now)
    tier = note_tier(program, other, now, before)
    return Merge(
        moved=of.active + of.waiting,
        whole=whole,
        member_after=other.state(),
        of_lapses=tuple(one.lapses),
        lapses=tuple(other.lapses),
        tier=tier,
    )
