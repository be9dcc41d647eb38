"""What an order earns: the frame of its moment, the points of it, and the member afterwards. Pure, and without a clock.

Nothing here knows where anything is kept: a member's state, an order's frame and what was refunded of it go in and come
out as values, and an engine keeps them as bytes.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.errors import PointsOutOfRange
from laurels.model.details import Details
from laurels.program.basket import (
    NOBODY,
    Basket,
    MemberFacts,
    paid_share,
)
from laurels.program.caps import use
from laurels.program.details import word_earn
from laurels.program.frame import NOTHING, Frame, digest
from laurels.program.grains import GRAIN
from laurels.program.local_time import NEVER
from laurels.program.lots import bring_in, forget, give_again, let_pass, moves
from laurels.program.opening import NO_BUDGETS, OpenedOrder, check_currency, open_again, open_order
from laurels.program.plan import DISCOUNT, excluded
from laurels.program.rounding import ROUNDINGS
from laurels.program.state import Account, Lapse, Lot, ProgramState
from laurels.program.tiers import count, let_tiers_pass, note_tier
from laurels.program.worth import (
    MOST_POINTS,
    Goods,
    Worth,
    counts_spend,
    in_all,
    unit_of,
)

if TYPE_CHECKING:
    from laurels.program.program import Program

_NO_DETAILS = Details()


class Evaluation(Struct, frozen=True, kw_only=True, gc=False):
    """What an order leads to.

    `counted` are the parts by name, base first, in units of the program (`unit_of`). `encoded` is the frame's bytes,
    None under a `simple` program: `frame_of` makes it again. `budgets` is what it used of each budget, in grains.
    `lapses` are entries that the clock led to before it; `tier` is (from, to) where the member's tier changed.
    """

    points: int
    counted: tuple[tuple[str, int], ...]
    member_after: ProgramState
    details: Details
    program: "Program"
    basket: Basket
    budgets: tuple[tuple[str, int], ...] = ()
    lapses: tuple[Lapse, ...] = ()
    tier: tuple[str | None, str | None] | None = None
    encoded: bytes | None = None

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """Grains by name, base first."""
        unit = unit_of(self.program)
        return tuple([(name, n * unit) for name, n in self.counted])

    @property
    def frame(self) -> Frame | None:
        """The frame, read from its bytes."""
        return None if self.encoded is None else Frame.decode(self.encoded)

    @property
    def reason(self) -> str:
        """A sum that a person can add up."""
        return word_earn(self.program, self.basket.total, self.basket.currency, self.details)


def evaluate(
    program: "Program",
    basket: Basket,
    member: ProgramState,
    *,
    now: int,
    person: MemberFacts = NOBODY,
    budgets: Mapping[str, int] = NO_BUDGETS,
    in_force: "Program | None" = None,
    again: Frame | None = None,
    before: Frame | None = None,
    lapsed: int = 0,
) -> Evaluation:
    """Judge an order by the version of its `occurred_at`; `in_force` is the version of `now` where that is another.
    `again` is the frame that it was awarded in, where that is all that is known of it; `before` the one that it had
    before a change, in which it was taken back, where so many points of it had
    `lapsed`.

    `budgets` is what is left of budgets for this order, in grains; of one that is not named, all. Linear in the lines
    and the campaigns that match them. Raises `Refused` for what has to be quarantined, and `PointsOutOfRange`.
    """
    current = in_force if in_force is not None else program
    if program.simple and current.simple and _is_simple(member):
        return _simply(program, basket, member)
    return _judge(
        program,
        basket,
        member,
        now=now,
        person=person,
        budgets=budgets,
        current=current,
        again=again,
        before=before,
        lapsed=lapsed,
    )


def _is_simple(member: ProgramState) -> bool:
    """Whether a member has nothing but points that never expire, so that no clock can change anything."""
    lots = member.lots
    return not (
        member.owed
        or member.pending
        or member.holds
        or member.tiers
        or len(lots) > 1
        or (lots and (lots[0].expires, lots[0].origin) != (NEVER, NEVER))
    )


def _simply(program: "Program", basket: Basket, member: ProgramState) -> Evaluation:
    """The usual case, by a tenth of the work: one rate of the total, whatever the lines are."""
    units, over = program.plan.units(basket.currency)
    if units[0] is None:
        check_currency(program, basket.currency, [0])
    if basket.payments:
        paid_share(basket, program.exclude_payments)
    points = ROUNDINGS[program.earn.rounding](basket.total * (units[0] or 0), over)
    if points > MOST_POINTS:
        raise PointsOutOfRange
    lot = member.lots[0] if member.lots else Lot(NEVER, NEVER, 0)
    active = lot.active + points
    at, last = basket.occurred_at, member.last_active
    return Evaluation(
        points=points,
        counted=(("base", points),),
        member_after=ProgramState(
            (Lot(NEVER, NEVER, active, lot.expired, lot.compensated),) if active or lot.expired else (),
            (),
            0,
            member.carried,
            member.used,
            member.orders + (basket.total > 0),
            member.counted,
            member.grants,
            (),
            (),
            at if last is None or at > last else last,
        ),
        details=_NO_DETAILS,
        program=program,
        basket=basket,
    )


def _judge(
    program: "Program",
    basket: Basket,
    member: ProgramState,
    *,
    now: int,
    person: MemberFacts,
    budgets: Mapping[str, int],
    current: "Program",
    again: Frame | None,
    before: Frame | None,
    lapsed: int,
) -> Evaluation:
    account = Account(member)
    let_pass(account, now, current)
    account.moves.clear()
    was = let_tiers_pass(current, account, now)
    opened = open_order(program, basket, account, person, budgets) if again is None else open_again(program, again)
    frame = opened.frame
    counted, value = _worth(program, opened)
    points, carried = whole_points(program, account, frame.currency, value.grains)
    used = use(program, account, opened.day, None, value, now=now)
    if basket.total:
        account.orders += 1
    count(program, account, frame.at, None, value)
    order, active_at, expires, lapsed_again = basket.order, frame.active_at, frame.expires_at, 0
    if before is not None and (before.active_at, before.expires_at) == (active_at, expires):
        lapsed_again = give_again(
            account,
            points,
            current,
            order=order,
            active_at=active_at,
            expires=expires,
            lapsed=lapsed,
            taken=0,
            now=now,
        )
    elif points:
        bring_in(account, points, order=order, active_at=active_at, expires=expires, now=now)
    moved = moves(account)
    account.active_at_least(frame.at)
    let_pass(account, now, current, since=now)
    forget(account, now, current)
    change = note_tier(current, account, now, was)
    encoded = None if program.simple else opened.encoded()
    details = _details(program, opened, counted, encoded=encoded, carried=carried, moved=moved)
    if lapsed_again:
        details = replace(details, lapsed=lapsed_again)
    return Evaluation(
        points=points,
        counted=counted,
        member_after=account.state(),
        details=details,
        program=program,
        basket=basket,
        budgets=used,
        lapses=tuple(account.lapses),
        tier=change,
        encoded=encoded,
    )


def whole_points(
    program: "Program", account: Account, currency: str, change: int
) -> tuple[int, tuple[int, int] | None]:
    """Whole points of a change in grains. Where remainders are carried, the member's takes what is not whole: points
    and remainder are always the whole and the rest of everything that is kept. Gives the remainder before and after.
    """
    if not program.plan.carries:
        points, rest = divmod(change, GRAIN)
        assert not rest, "what is rounded within the order is whole points"
        return points, None
    before = account.carried.get(currency, 0)
    points, after = divmod(before + change, GRAIN)
    account.carried[currency] = after
    return points, (before, after)


def _worth(program: "Program", opened: OpenedOrder) -> tuple[tuple[tuple[str, int], ...], Worth]:
    """The parts of an order that is awarded, in units of the program; and what it is worth, with the parts that caps or
    tiers count.
    """
    applied, frame, unit = opened.applied, opened.frame, unit_of(program)
    whole = applied.whole * unit
    counting = [("base", applied.base * unit), *[(name, n * unit) for name, n in applied.limited]]
    spend = Goods(program, frame, NOTHING).spend() if counts_spend(program) else 0
    value = in_all(program, counting, whole, opened.room, kept=any(frame.net), spend=spend)
    cut = () if value.grains == whole else (("cap", (value.grains - whole) // unit),)
    return (("base", applied.base), *applied.parts, *cut), value


def _details(
    program: "Program",
    opened: OpenedOrder,
    counted: tuple[tuple[str, int], ...],
    *,
    encoded: bytes | None,
    carried: tuple[int, int] | None,
    moved: tuple[tuple[int, int, int], ...],
) -> Details:
    if program.plain:
        return Details(lots=moved)
    frame = opened.frame
    left_out, by_rate = shares(program, frame)
    return Details(
        excluded=left_out,
        rates=by_rate,
        parts=counted,
        bound=tuple(opened.applied.bound),
        carried=carried,
        tier=program.tiers.levels[frame.tier].name if program.tiers is not None and frame.tier >= 0 else None,
        lots=moved,
        frame=None if encoded is None else digest(encoded),
    )


def shares(program: "Program", frame: Frame) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, str], ...]]:
    """What of an order earns nothing, by exclusion in minor units; and what earns by each rate, exactly: minor units,
    or millionths where the rate counts quantity.
    """
    plain_rates = program.plan.rates
    if not (frame.rate or frame.taxed or frame.paid or plain_rates[0].per_quantity):
        return (), ((0, str(sum(frame.net))),)
    left_out: dict[int, int] = {}
    by_rate: dict[int, Fraction | int] = {}
    paid = Fraction(*frame.paid) if frame.paid is not None else 1
    for line, net in enumerate(frame.net):
        rate = frame.rate[line] if frame.rate else 0
        if rate == DISCOUNT:
            continue
        if rate < 0:
            number = excluded(rate) if rate != -1 else -1
            left_out[number] = left_out.get(number, 0) + net
            continue
        amount = frame.quantity_of(line) if plain_rates[rate].per_quantity else net
        share = Fraction(frame.taxed[line]) * paid if frame.taxed else paid
        by_rate[rate] = by_rate.get(rate, 0) + amount * share
    return tuple(left_out.items()), tuple([(rate, str(amount)) for rate, amount in by_rate.items()])
