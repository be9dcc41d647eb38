"""What a ledger keeps of members and budgets, as the program takes it."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from laurels.ledger import MemberState
from laurels.program import GRAIN, MemberFacts, Program, ProgramState
from laurels.program.state import begun


class Attributes(Struct, frozen=True, omit_defaults=True):
    """What the shop has said of a member: birthday as `MM-DD`, segments. Personal data: kept as JSON that is erased
    with the member.
    """

    birthday: str | None = None
    segments: tuple[str, ...] = ()

    def encode(self) -> bytes | None:
        """The bytes to keep; None where nothing is said."""
        written = msgspec.json.encode(self)
        return None if written == b"{}" else written

    @staticmethod
    def decode(content: bytes | None) -> "Attributes":
        """From `encode`."""
        return Attributes() if content is None else _attributes.decode(content)


_attributes = msgspec.json.Decoder(Attributes)


def program_state_of(kept: MemberState) -> ProgramState:
    """A member's state, as it was when it was last written."""
    if kept.state is None:
        return begun(kept.totals.balance, kept.orders, kept.last_order_at)
    return ProgramState.decode(kept.state)


def facts_of(kept: MemberState) -> MemberFacts:
    """What campaigns may ask of a member beyond its orders."""
    said = Attributes.decode(kept.attributes)
    return MemberFacts(birthday=said.birthday, segments=said.segments, enrolled_at=kept.enrolled_at, draw=kept.draw)


def budgets_left(program: Program, used: Mapping[str, int]) -> dict[str, int]:
    """What is left of a version's budgets, in grains."""
    budgets = program.plan.budgets
    return {name: points * GRAIN - used.get(name, 0) for name, points in budgets.items()} if budgets else {}
