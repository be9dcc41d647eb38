"""What a refund takes back, and what comes again when a refund is cancelled: the difference of what the kept goods earn
in the order's frame, before and after. So any split of a full refund takes back exactly what was earned.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.errors import Refused
from laurels.model.details import Details
from laurels.model.lines import ReturnLine
from laurels.model.money import divide_half_up
from laurels.program.basket import NOBODY, Basket
from laurels.program.caps import RoomsAgain, cut_by_others, use
from laurels.program.details import word_beyond, word_reverse, word_unlinked
from laurels.program.evaluate import shares, whole_points
from laurels.program.frame import NOTHING, Frame, Refunded, digest
from laurels.program.grains import GRAIN
from laurels.program.local_time import day_text
from laurels.program.lots import debit, give_again, let_pass, moves, take_back
from laurels.program.opening import NO_BUDGETS, frame_of
from laurels.program.state import NEW, Account, Lapse, ProgramState
from laurels.program.tiers import count, let_tiers_pass, note_tier
from laurels.program.worth import Cut, Worth, narrowed, unit_of, worth

if TYPE_CHECKING:
    from laurels.program.program import Program


class Return(Struct, frozen=True):
    """What a refund gives back: an amount in minor units, some lines, or both: then the lines are part of it."""

    amount: int | None = None
    lines: tuple[ReturnLine, ...] = ()


class Reversal(Struct, frozen=True, kw_only=True):
    """What a refund leads to. `points` is what is taken back (not negative, but for a cancelled refund); `parts` are
    grains that fell away by name; `covered` and `beyond` are the minor units that the order covered and did not. The
    rest as of an evaluation. `beyond_reason` belongs to an entry of 0 points of its own, where there is any. `cut` is
    what others have left the order, from now on.
    """

    points: int
    parts: tuple[tuple[str, int], ...]
    refunded_after: Refunded
    member_after: ProgramState
    covered: int
    beyond: int
    keeps: int
    details: Details
    reason: str
    beyond_reason: str | None = None
    budgets: tuple[tuple[str, int], ...] = ()
    lapses: tuple[Lapse, ...] = ()
    tier: tuple[str | None, str | None] | None = None
    cut: Cut = ()


def unwind(
    program: "Program",
    frame: Frame,
    refunded: Refunded,
    asked: Return,
    member: ProgramState,
    *,
    order: str,
    now: int,
    in_force: "Program | None" = None,
    cut: Cut = (),
) -> Reversal:
    """Take back what a refund is worth in its order's frame; `program` is the version of the frame, `cut` what others
    have left of its room. Linear in the lines. Raises `Refused` for a line that the order does not have, and for lines
    that are more than the amount.
    """
    after, beyond = apply(frame, refunded, asked)
    return _move(
        program, frame, refunded, after, member, order=order, now=now, in_force=in_force, beyond=beyond, cut=cut
    )


def cancel(
    program: "Program",
    frame: Frame,
    refunded: Refunded,
    others: Iterable[Return],
    member: ProgramState,
    *,
    order: str,
    now: int,
    in_force: "Program | None" = None,
    lapsed: int = 0,
    cut: Cut = (),
    used: Mapping[str, int] = NO_BUDGETS,
    versions: Iterable["Program"] = (),
) -> Reversal:
    """Cancel a refund: the order is worth what the `others`, in their order, leave of it. `points` is not above 0.
    All that took from the order found so many points `lapsed`.

    No cap is exceeded by it, and no budget: of room that other orders got meanwhile nothing comes again. `used` is of
    budgets, in grains; `versions` are all.
    """
    after = apply_all(frame, others)
    rooms = RoomsAgain(program, Account(member), day_text(frame.at, program.zone), used, versions)
    bound = cut_by_others(program, narrowed(program, frame, cut), refunded, after, rooms)
    cut = tuple(sorted({**dict(cut), **dict(bound)}.items()))
    got = _move(
        program,
        frame,
        refunded,
        after,
        member,
        order=order,
        now=now,
        in_force=in_force,
        beyond=0,
        cut=cut,
        lapsed=lapsed,
    )
    if not bound:
        return got
    details = replace(got.details, bound=bound)
    return replace(got, details=details, reason=word_reverse(program, got.covered, frame.currency, details))


def unwind_unlinked(
    program: "Program", basket: Basket, member: ProgramState, *, now: int, in_force: "Program | None" = None
) -> Reversal:
    """A refund that names no order takes back the base of its goods, by the version of its moment: no bonus, no cap.
    Raises `Refused` as an order does.
    """
    account = Account(member)
    current = in_force if in_force is not None else program
    let_pass(account, now, current)
    account.moves.clear()
    frame = replace(frame_of(program, basket, NEW, person=NOBODY, budgets=NO_BUDGETS), bonuses=(), room=None, tier=-1)
    base = worth(program, frame, NOTHING).parts[0][1]
    change, carried = whole_points(program, account, basket.currency, -base)
    if change:
        debit(account, -change)
    left_out, by_rate = shares(program, frame)
    details = Details(lots=moves(account))
    if not program.plain:
        details = Details(
            excluded=left_out,
            rates=by_rate,
            parts=(("base", base // unit_of(program)),),
            carried=carried,
            lots=details.lots,
        )
    return Reversal(
        points=-change,
        parts=(("base", -base),),
        refunded_after=NOTHING,
        member_after=account.state(),
        covered=basket.total,
        beyond=0,
        keeps=0,
        details=details,
        reason=word_unlinked(program, basket.total, basket.currency, details),
        lapses=tuple(account.lapses),
    )


def apply_all(frame: Frame, taken: Iterable[Return]) -> Refunded:
    """What is refunded by refunds that were taken, in their order, whichever of them were cancelled since. Linear in
    the refunds and the lines.
    """
    refunded = NOTHING
    for asked in taken:
        refunded, _ = apply(frame, refunded, asked, was_taken=True)
    return refunded


def apply(frame: Frame, refunded: Refunded, asked: Return, *, was_taken: bool = False) -> tuple[Refunded, int]:
    """What is refunded with one more refund, and what that gives back beyond the order. Each line takes what it and the
    order have left; the rest counts against the order as a whole. Raises `Refused`.

    What units are worth follows from those that came back before. So lines that fitted the amount may be above it by a
    penny, or by all that another gave back, where that one was cancelled since: `was_taken`, they take no more than the
    amount.
    """
    count_of = len(frame.net)
    lines = list(refunded.lines) or [0] * count_of
    units = list(refunded.units) or [0] * count_of
    left = frame.total - sum(lines) - refunded.other
    named = over = 0
    for each in asked.lines:
        if not 1 <= each.line <= count_of:
            raise Refused(f"the order has no line {each.line}")
        line = each.line - 1
        amount = each.amount if each.amount is not None else _by_units(frame, lines, units, line, each.quantity or 0)
        if was_taken and asked.amount is not None:
            amount = min(amount, asked.amount - named)
        named += amount
        fits = min(amount, frame.net[line] - lines[line], left)
        lines[line] += fits
        left -= fits
        over += amount - fits
    if asked.amount is not None and asked.amount < named:
        raise Refused("the lines are more than the amount")
    rest = over + (asked.amount - named if asked.amount is not None else 0)
    fits = min(rest, left)
    after = Refunded(tuple(lines) if any(lines) else (), refunded.other + fits, tuple(units) if any(units) else ())
    return after, rest - fits


def _by_units(frame: Frame, lines: list[int], units: list[int], line: int, quantity: int) -> int:
    """What so many units of a line are worth: cumulative, so that they end at its net; the last one closes it."""
    net, whole, before = frame.net[line], frame.quantity_of(line), units[line]
    after = units[line] = min(whole, before + quantity)
    if after == whole:
        return net - lines[line]
    return divide_half_up(net * after, whole) - divide_half_up(net * before, whole)


def _move(
    program: "Program",
    frame: Frame,
    before: Refunded,
    after: Refunded,
    member: ProgramState,
    *,
    order: str,
    now: int,
    in_force: "Program | None",
    beyond: int,
    cut: Cut,
    lapsed: int = 0,
) -> Reversal:
    current = in_force if in_force is not None else program
    account = Account(member)
    let_pass(account, now, current)
    account.moves.clear()
    was = let_tiers_pass(current, account, now)
    judged = narrowed(program, frame, cut)
    had, keeps = worth(program, judged, before), worth(program, judged, after)
    change, carried = whole_points(program, account, frame.currency, keeps.grains - had.grains)
    budgets = use(program, account, day_text(frame.at, program.zone), had, keeps, now=now)
    account.orders += keeps.kept - had.kept
    count(program, account, frame.at, had, keeps)
    found = 0
    if change < 0:
        found = take_back(account, -change, order=order, active_at=frame.active_at, expires=frame.expires_at, now=now)
    elif change:
        found = give_again(
            account,
            change,
            current,
            order=order,
            active_at=frame.active_at,
            expires=frame.expires_at,
            lapsed=lapsed,
            taken=(worth(program, frame, NOTHING).grains - keeps.grains) // GRAIN,
            now=now,
        )
    moved = moves(account)
    let_pass(account, now, current, since=now)
    tier = note_tier(current, account, now, was)
    left, covered = before.left(frame), before.left(frame) - after.left(frame)
    kept = dict(keeps.parts)
    fell = [(name, kept.get(name, 0) - grains) for name, grains in had.parts if kept.get(name, 0) != grains]
    details = _details(program, frame, had, keeps, fell, left=left, carried=carried, moved=moved)
    if found:
        details = replace(details, lapsed=found)
    return Reversal(
        points=-change,
        parts=tuple(fell),
        refunded_after=after,
        member_after=account.state(),
        covered=covered,
        beyond=beyond,
        keeps=keeps.grains,
        details=details,
        reason=word_reverse(program, covered, frame.currency, details),
        beyond_reason=word_beyond(beyond, frame.currency) if beyond else None,
        budgets=budgets,
        lapses=tuple(account.lapses),
        tier=tier,
        cut=cut,
    )


def _details(
    program: "Program",
    frame: Frame,
    had: Worth,
    keeps: Worth,
    fell: list[tuple[str, int]],
    *,
    left: int,
    carried: tuple[int, int] | None,
    moved: tuple[tuple[int, int, int], ...],
) -> Details:
    """What the entry says of it: of a program in depth, all that its reason is worded from."""
    if program.plain:
        return Details(left=left, lots=moved)
    unit = unit_of(program)
    return Details(
        left=left,
        had=had.grains // unit,
        keeps=keeps.grains // unit,
        parts=tuple([(name, grains // unit) for name, grains in fell]),
        carried=carried,
        lots=moved,
        frame=digest(frame.encode()),
    )
