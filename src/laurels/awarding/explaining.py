"""What is kept of members and orders, read for people: as of an instant, and line by line."""

from msgspec import Struct

from laurels.awarding.baskets import frame_of_award
from laurels.awarding.programs import Programs
from laurels.awarding.refunds import read_refunds
from laurels.errors import Refused
from laurels.ledger import Award
from laurels.ledger import MemberState as Kept
from laurels.program import Frame, LineOf, MemberState, Program, Refunded, explain, lines_of, touch, worth
from laurels.program.state import begun


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


def member_at(kept: Kept, programs: Programs, now: int) -> MemberState:
    """A member at an instant, whether or not a sweep ran. Of one of whom the program keeps nothing, all points are
    active for ever.
    """
    if kept.state is None:
        return begun(kept.totals.balance)
    return touch(MemberState.decode(kept.state), now, programs.at(now))[0]


def order_worth(award: Award, programs: Programs) -> OrderWorth:
    """What an order is worth now. Linear in its lines and refunds."""
    program, refunds = programs.version(award.program_version), read_refunds(award.refunded)
    by_line = True
    try:
        frame = frame_of_award(award, program, by_line=True)
    except Refused:
        frame, by_line = frame_of_award(award, program, by_line=False), False
    refunded = refunds.of_frame(frame)
    value = worth(program, frame, refunded)
    return OrderWorth(
        program=program,
        frame=frame,
        refunded=refunded,
        by_line=by_line,
        parts=tuple(value.parts),
        keeps=value.grains,
    )
