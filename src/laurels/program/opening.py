"""An order as its frame is made: what counts of its lines, when its points become active and expire, and which bonuses
apply. What caps cut, what is carried, and what becomes of the member is judged after that.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.clock import DAY
from laurels.errors import Refused
from laurels.program.applying import Applied, Moment, apply, apply_best, multiplies
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
from laurels.program.caps import room_of_day
from laurels.program.frame import NO_ROOM_SAID, NOTHING, Frame, encode_part
from laurels.program.local_time import day_text
from laurels.program.lots import expires_at
from laurels.program.native import judge
from laurels.program.state import Account, ProgramState
from laurels.program.tiers import tier_index, tier_of_order
from laurels.program.worth import Goods, bonus_name, unit_of, worth_of_bonus

if TYPE_CHECKING:
    from laurels.program.program import Program

NO_BUDGETS: Mapping[str, int] = {}


class OpenedOrder(Struct, gc=False):
    """An order as its frame is made: the frame but for bonuses and room, and those two; `day` is its own."""

    frame: Frame
    applied: Applied
    room: int | None
    day: str

    def encoded(self) -> bytes:
        """The whole frame's bytes."""
        return self.frame.encode_with(self.applied.pieces, len(self.applied.parts), self.room)


def open_order(
    program: "Program", basket: Basket, account: Account, person: MemberFacts, budgets: Mapping[str, int]
) -> OpenedOrder:
    """Open an order of a member as it is at the order's moment. Raises `Refused` for a currency without points."""
    at = basket.occurred_at
    lines = basket.lines or (WHOLE,)
    paid = paid_share(basket, program.exclude_payments)
    tier = tier_index(program, tier_of_order(program, account, at))
    moment = Moment(program, basket, account, person, budgets, tier=tier)
    judged = judge(moment, lines, paid)
    if judged is None:
        frame, applied = _open_here(program, moment, lines, paid)
    else:
        frame, applied = _frame_of(moment, judged.net, judged.quantity, judged.rate, paid), judged.applied
        if judged.grouped or multiplies(moment):
            rates = frame.rate or (0,) * len(lines)
            apply_best(applied, moment, Goods(program, frame, NOTHING), judged.grouped, rates)
    return OpenedOrder(frame, applied, room_of_day(program, account, moment.day), moment.day)


def open_again(program: "Program", frame: Frame) -> OpenedOrder:
    """An order as it was opened when its frame was made."""
    goods, unit = Goods(program, frame, NOTHING), unit_of(program)
    base = goods.count(None, 0)
    applied = Applied(base, base, [], [], [], [])
    for bonus in frame.bonuses:
        piece = encode_part(replace(bonus, room=None))[: -len(NO_ROOM_SAID)]
        applied.add(bonus_name(program, bonus), worth_of_bonus(goods, bonus) // unit, bonus.room, piece, unit)
    return OpenedOrder(replace(frame, bonuses=(), room=None), applied, frame.room, day_text(frame.at, program.zone))


def _open_here(
    program: "Program", moment: Moment, lines: tuple[BasketLine, ...], paid: tuple[int, int] | None
) -> tuple[Frame, Applied]:
    """The same in Python alone."""
    basket, weighed = moment.basket, weights(lines)
    rates, hits = program.plan.classes(lines, basket.region)
    taxed: tuple[str, ...] = ()
    if program.tax == "excluded":
        taxed = tuple(
            [
                taxed_share(*pair) if rate >= 0 else "1"
                for rate, pair in zip(rates, zip(lines, weighed, strict=True), strict=True)
            ]
        )
    check_currency(program, basket.currency, rates)
    quantity = tuple([line.quantity for line in lines])
    frame = _frame_of(
        moment,
        nets(basket.total, weighed, basket.currency),
        () if quantity.count(ONE) == len(quantity) else quantity,
        tuple(rates) if any(rates) else (),
        paid,
        taxed,
    )
    goods = Goods(program, frame, NOTHING)
    applied, grouped = apply(moment, goods, hits)
    apply_best(applied, moment, goods, grouped, rates)
    return frame, applied


def _frame_of(  # noqa: PLR0917 - a frame's columns
    moment: Moment,
    net: tuple[int, ...],
    quantity: tuple[int, ...],
    rate: tuple[int, ...],
    paid: tuple[int, int] | None,
    taxed: tuple[str, ...] = (),
) -> Frame:
    """A frame but for bonuses and room."""
    program, basket = moment.program, moment.basket
    at = basket.occurred_at
    active_at = at + program.pending_days * DAY
    expires = expires_at(program, active_at)
    return Frame(
        program.version, basket.currency, at, active_at, expires, net, quantity, rate, paid, taxed, moment.tier
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
    opened = open_order(program, basket, Account(member), person, budgets)
    return Frame.decode(opened.encoded())


def check_currency(program: "Program", currency: str, rates: list[int]) -> None:
    """Raise `Refused` where one of the rates gives no points for a currency."""
    units, _ = program.plan.units(currency)
    for rate in set(rates):
        if rate >= 0 and units[rate] is None:
            if len(units) == 1 and program.plan.rates[0].name == "all":
                raise Refused(f"the program (version {program.version}) gives no points for {currency}")
            name = program.plan.rates[rate].name
            raise Refused(f"the rate {name} gives no points for {currency} (version {program.version})")
