"""What is kept of members and orders, read for people: as of an instant, and line by line."""

from collections.abc import Mapping

from msgspec import Struct

from laurels.awarding.baskets import basket_of, frame_of_award
from laurels.awarding.keeping import budgets_left, facts_of, program_state_of
from laurels.awarding.programs import Programs
from laurels.awarding.refunds import read_refunds
from laurels.errors import InvalidInput, Refused
from laurels.ledger import Award, MemberState
from laurels.model import Order
from laurels.program import (
    Frame,
    LineOf,
    Program,
    ProgramState,
    Refunded,
    evaluate,
    explain,
    format_grains,
    lines_of,
    payable_points,
    touch,
    worth,
)
from laurels.program.worth import narrowed


class OrderWorth(Struct, frozen=True, kw_only=True):
    """What an order is worth now, in the frame of its moment: `parts` and `keeps` in grains, base first. `by_line` is
    False where its lines are not known (any more): then it is one line.
    """

    program: Program
    frame: Frame
    refunded: Refunded
    by_line: bool
    parts: tuple[tuple[str, int], ...]
    keeps: int

    @property
    def lines(self) -> tuple[LineOf, ...]:
        """Every line, as it is kept now."""
        return lines_of(self.program, self.frame, self.refunded)

    @property
    def left(self) -> int:
        """What is kept, in minor units."""
        return self.refunded.left(self.frame)

    def in_words(self) -> list[str]:
        """A text for each line and each part."""
        return explain(self.program, self.frame, self.refunded)


class Quote(Struct, frozen=True, kw_only=True):
    """What an order would earn: `parts` in grains; `carried` what would be carried afterwards, in points, where the
    version carries; `payable` how many points it may be paid with, where the program says what they are worth.
    """

    points: int
    parts: tuple[tuple[str, int], ...]
    reason: str
    carried: str | None
    payable: int | None


def quote(programs: Programs, order: Order, kept: MemberState, used: Mapping[str, int], now: int) -> Quote:
    """Judge an order as if it came now, and write nothing. `used` is of budgets. Raises `InvalidInput` for one that
    would be quarantined, `PointsOutOfRange`.
    """
    at = now if order.occurred_at is None else order.occurred_at
    program = programs.at(at)
    basket = basket_of(order, at)
    try:
        got = evaluate(
            program,
            basket,
            program_state_of(kept),
            now=now,
            person=facts_of(kept),
            budgets=budgets_left(program, used),
            in_force=programs.at(now),
        )
    except Refused as error:
        raise InvalidInput.of("body", error.message) from error
    carried = format_grains(got.details.carried[1]) if got.details.carried is not None else None
    return Quote(
        points=got.points,
        parts=got.parts,
        reason=got.reason,
        carried=carried,
        payable=payable_points(program, basket),
    )


def member_at(kept: MemberState, programs: Programs, now: int) -> ProgramState:
    """A member at an instant, whether or not a sweep ran."""
    return touch(program_state_of(kept), now, programs.at(now))[0]


def order_worth(award: Award, programs: Programs) -> OrderWorth:
    """What an order is worth now. Linear in its lines and refunds."""
    program, refunds = programs.version(award.program_version), read_refunds(award.refunded)
    by_line = True
    try:
        frame = frame_of_award(award, program, by_line=True)
    except Refused:
        frame, by_line = frame_of_award(award, program, by_line=False), False
    refunded, frame = refunds.of_frame(frame), narrowed(program, frame, refunds.cut)
    value = worth(program, frame, refunded)
    return OrderWorth(
        program=program,
        frame=frame,
        refunded=refunded,
        by_line=by_line,
        parts=tuple(value.parts),
        keeps=value.grains,
    )
