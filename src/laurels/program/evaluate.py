"""What an order earns: the frame of its moment, the points of it, and the member afterwards. Pure, and without a clock.

Nothing here knows where anything is kept: a member's state, an order's frame and what was refunded of it go in and come
out as values, and an engine keeps them as bytes.
"""

from collections.abc import Mapping
from fractions import Fraction
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct

from laurels.clock import DAY
from laurels.errors import PointsOutOfRange, Refused
from laurels.model.details import Details
from laurels.program.applying import Moment, bonuses
from laurels.program.basket import (
    NOBODY,
    ONE,
    WHOLE,
    Basket,
    BasketLine,
    MemberFacts,
    nets,
    paid_share,
    taxed_share,
    weights,
)
from laurels.program.caps import room_of_day, use
from laurels.program.details import unit_of, word_earn
from laurels.program.frame import NOTHING, Frame
from laurels.program.grains import GRAIN
from laurels.program.local_time import NEVER, day_text
from laurels.program.lots import credit, expires_at, forget, let_pass
from laurels.program.plan import DISCOUNT, excluded
from laurels.program.rounding import ROUNDINGS
from laurels.program.state import Account, Lapse, Lot, ProgramState, Waiting
from laurels.program.tiers import count, note_tier, tier_index, tier_of_order
from laurels.program.worth import MOST_POINTS, Worth, worth

if TYPE_CHECKING:
    from laurels.program.program import Program

NO_BUDGETS: Mapping[str, int] = {}
_NO_DETAILS = Details()


class Evaluation(Struct, frozen=True, kw_only=True, gc=False):
    """What an order leads to.

    `parts` are grains by name, base first. `frame` is None under a `simple` program: `frame_of` makes it again;
    `encoded` is its bytes.
    `budgets` is what it used of each budget, in grains. `lapses` are entries that the clock led to before it; `tier` is
    (from, to) where the member's tier changed.
    """

    points: int
    parts: tuple[tuple[str, int], ...]
    frame: Frame | None
    member_after: ProgramState
    details: Details
    program: "Program"
    basket: Basket
    budgets: tuple[tuple[str, int], ...] = ()
    lapses: tuple[Lapse, ...] = ()
    tier: tuple[str | None, str | None] | None = None
    encoded: bytes | None = None

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
) -> Evaluation:
    """Judge an order by the version of its `occurred_at`; `in_force` is the version of `now` where that is another.

    `budgets` is what is left of budgets for this order, in grains; of one that is not named, all. Linear in the lines
    and the campaigns that match them. Raises `Refused` for what has to be quarantined, and `PointsOutOfRange`.
    """
    current = in_force if in_force is not None else program
    if program.simple and current.simple and _is_simple(member):
        return _simply(program, basket, member)
    return _judge(program, basket, member, now=now, person=person, budgets=budgets, current=current)


def _is_simple(member: ProgramState) -> bool:
    """Whether a member has nothing but points that never expire, so that no clock can change anything."""
    lots = member.lots
    return not (
        member.owed
        or member.pending
        or member.holds
        or member.tiers
        or len(lots) > 1
        or (lots and lots[0].origin != NEVER)
    )


def _simply(program: "Program", basket: Basket, member: ProgramState) -> Evaluation:
    """The usual case, by a tenth of the work: one rate of the total, whatever the lines are."""
    units, over = program.plan.units(basket.currency)
    if units[0] is None:
        _check_currency(program, basket.currency, [0])
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
        parts=(("base", points * GRAIN),),
        frame=None,
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
) -> Evaluation:
    account = Account(member)
    let_pass(account, now, current)
    account.moves.clear()
    frame, day = _frame(program, basket, account, person, budgets)
    value = worth(program, frame, NOTHING)
    points, carried = whole_points(program, account, frame.currency, value.grains)
    used = use(program, account, day, None, value, now=now)
    if basket.total:
        account.orders += 1
    count(program, account, frame.at, None, value)
    if points and frame.active_at > now:
        account.pending.append(Waiting(frame.active_at, frame.expires_at, basket.order, points))
    elif points:
        credit(account, (frame.expires_at, frame.expires_at), points)
    moved = moves(account)
    account.active_at_least(frame.at)
    let_pass(account, now, current, since=now)
    forget(account, now, current)
    change = note_tier(current, account, now)
    encoded = None if program.simple else frame.encode()
    details = _details(program, frame, value, encoded=encoded, carried=carried, moved=moved)
    return Evaluation(
        points=points,
        parts=tuple(value.parts),
        frame=None if program.simple else frame,
        member_after=account.state(),
        details=details,
        program=program,
        basket=basket,
        budgets=used,
        lapses=tuple(account.lapses),
        tier=change,
        encoded=encoded,
    )


def frame_of(
    program: "Program",
    basket: Basket,
    member: ProgramState,
    *,
    person: MemberFacts = NOBODY,
    budgets: Mapping[str, int] = NO_BUDGETS,
) -> Frame:
    """The frame alone. For a `plain` program it follows from the order alone, so none has to be kept."""
    return _frame(program, basket, Account(member), person, budgets)[0]


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


def moves(account: Account) -> tuple[tuple[int, int, int], ...]:
    """What moved in each lot; not said of the one that never expires, since that follows from the points."""
    return tuple([(*key, n) for key, n in sorted(account.moves.items()) if n and key != (NEVER, NEVER)])


def digest(frame: bytes) -> str:
    """Of a frame's bytes, so that an entry vouches for it."""
    return blake2b(frame, digest_size=16).hexdigest()


def day_of(program: "Program", at: int) -> str:
    """The day of an instant by the program's clock: `YYYY-MM-DD`."""
    return day_text(at, program.zone)


def _frame(
    program: "Program", basket: Basket, account: Account, person: MemberFacts, budgets: Mapping[str, int]
) -> tuple[Frame, str]:
    plan, at = program.plan, basket.occurred_at
    lines = basket.lines or (WHOLE,)
    weighed = weights(lines)
    quantity = [line.quantity for line in lines]
    rates, hits = _classes(program, basket, lines)
    paid = paid_share(basket, program.exclude_payments)
    taxed: tuple[str, ...] = ()
    if program.tax == "excluded":
        taxed = tuple(
            [
                taxed_share(*pair) if rate >= 0 else "1"
                for rate, pair in zip(rates, zip(lines, weighed, strict=True), strict=True)
            ]
        )
    _check_currency(program, basket.currency, rates)
    tier = tier_index(program, tier_of_order(program, account, at))
    moment = Moment(program, basket, account, person, budgets, tier=tier)
    active_at = at + program.pending_days * DAY
    return (
        Frame(
            program.version,
            basket.currency,
            at,
            active_at,
            expires_at(program, active_at),
            nets(basket.total, weighed, basket.currency),
            () if quantity.count(ONE) == len(quantity) else tuple(quantity),
            tuple(rates) if any(rates) else (),
            paid,
            taxed,
            tier,
            bonuses(moment, rates, hits) if plan.campaigns or tier >= 0 else (),
            room_of_day(program, account, moment.day),
        ),
        moment.day,
    )


def _classes(
    program: "Program", basket: Basket, lines: tuple[BasketLine, ...]
) -> tuple[list[int], list[tuple[int, ...]]]:
    classify, region = program.plan.classify, basket.region
    rates: list[int] = []
    hits: list[tuple[int, ...]] = []
    for line in lines:
        if line.unit_price < 0:
            rates.append(DISCOUNT)
            hits.append(())
            continue
        rate, matching = classify((line.sku, line.category, line.brand, line.kind, line.tags), region)
        rates.append(rate)
        hits.append(matching)
    return rates, hits


def _check_currency(program: "Program", currency: str, rates: list[int]) -> None:
    units, _ = program.plan.units(currency)
    for rate in set(rates):
        if rate >= 0 and units[rate] is None:
            if len(units) == 1 and program.plan.rates[0].name == "all":
                raise Refused(f"the program (version {program.version}) gives no points for {currency}")
            name = program.plan.rates[rate].name
            raise Refused(f"the rate {name} gives no points for {currency} (version {program.version})")


def _details(
    program: "Program",
    frame: Frame,
    value: Worth,
    *,
    encoded: bytes | None,
    carried: tuple[int, int] | None,
    moved: tuple[tuple[int, int, int], ...],
) -> Details:
    if program.plain:
        return Details(lots=moved)
    unit = unit_of(program)
    left_out, by_rate = shares(program, frame)
    return Details(
        excluded=left_out,
        rates=by_rate,
        parts=tuple(value.parts if unit == 1 else [(name, grains // unit) for name, grains in value.parts]),
        bound=tuple(
            [
                (name, grains // unit)
                for bonus, (name, grains) in zip(frame.bonuses, value.parts[1:], strict=False)  # the last may be `cap`
                if grains == bonus.room
            ]
        ),
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
