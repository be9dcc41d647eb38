"""What a judgement works on: a claim, the outcome that grows, and the members' states between one item and the next.

What an item did before it was refused is undone, so that nothing of it is written.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from laurels.awarding.keeping import budgets_left, facts_of, program_state_of
from laurels.awarding.programs import Programs
from laurels.errors import PointsOutOfRange
from laurels.ledger import (
    Award,
    Claim,
    Due,
    Item,
    MemberState,
    Onward,
    OrderKey,
    Outcome,
    Posting,
    Reached,
    RedemptionKey,
    RedemptionState,
    Reminded,
)
from laurels.model import Balance, DocumentKind, EntryKind
from laurels.model.details import ExpireDetails, TierDetails, encode
from laurels.program import Lapse, MemberFacts, Program, ProgramState, next_look, reminders

CLOCK_SOURCE = "laurels"
"""In whose name the clock's entries are."""

_NEW_MEMBER = MemberState()
"""What is kept of a member of whom nothing is."""

Undone = tuple[int, int, int, int]
"""How far the log, the postings, the milestones and what is sent on were."""


class Workspace:
    """One claim under judgement."""

    def __init__(self, claim: Claim, programs: Programs) -> None:
        self.claim = claim
        self.outcome = Outcome()
        self.now = claim.now
        self._programs = programs
        self.in_force = programs.at(claim.now)
        """The version that the clock goes by."""
        self._states: dict[int, ProgramState] = {}
        self._found: dict[int, ProgramState] = {}
        self._encoded: dict[int, bytes] = {}
        self._looked_at: set[int] = set()
        self._log: list[tuple[dict[Any, Any], Any, Any]] = []
        self._month_of = programs.boards.month_of

    def mark(self) -> Undone:
        """Where to go back to."""
        return len(self._log), len(self.outcome.postings), len(self.outcome.reached), len(self.outcome.onward)

    def undo(self, mark: Undone) -> None:
        """Forget what was done since."""
        log, postings, reached, onward = mark
        while len(self._log) > log:
            where, key, before = self._log.pop()
            if before is None:
                where.pop(key, None)
            else:
                where[key] = before
        del self.outcome.postings[postings:]
        del self.outcome.reached[reached:]
        del self.outcome.onward[onward:]

    def balance(self, member: int) -> Balance:
        """A member's totals now."""
        return self.claim.members.get(member, _NEW_MEMBER).totals

    def post(self, posting: Posting, *, quiet: bool = False) -> None:
        """Write an entry. Raises `PointsOutOfRange`."""
        members, member = self.claim.members, posting.member
        kept = members.get(member, _NEW_MEMBER)
        before = kept.totals
        after = before.plus(posting.kind, posting.points, posting.details)
        if not after.in_range():
            raise PointsOutOfRange
        now = MemberState(
            after,
            kept.state,
            kept.attributes,
            kept.enrolled_at,
            kept.draw,
            kept.orders,
            kept.last_order_at,
        )
        self._set(members, member, now)
        self.outcome.postings.append(posting)
        if before.score == after.score:
            return
        posting.month = self._month_of(posting.board_at, self.now)
        if before.score < after.score:
            for milestone in self.in_force.milestones:
                if before.score <= milestone.above < after.score:
                    crossed_by = len(self.outcome.postings) - 1
                    reached = Reached(posting.member, milestone.name, after.score, quiet, crossed_by)
                    self.outcome.reached.append(reached)

    def keep(self, award: Award) -> None:
        """Keep what an order earned, and what of it is left."""
        self._set(self.outcome.awards, (award.source, award.order_id), award)

    def award(self, key: OrderKey) -> Award | None:
        """What an order earned, and what of it is left now; None where it is not awarded."""
        return self.outcome.awards.get(key) or self.claim.awards.get(key)

    def keep_redeemed(self, key: RedemptionKey, redeemed: RedemptionState) -> None:
        """Keep what of a redemption can come back."""
        self._set(self.claim.redemptions, key, redeemed)
        self._set(self.outcome.redemptions, key, redeemed)

    def has_state(self, member: int) -> bool:
        """Whether the program keeps anything of a member but totals."""
        kept = self.claim.members.get(member)
        return member in self._states or (kept is not None and kept.state is not None)

    def send_on(self, document: Onward) -> None:
        """Hand a document to another member's inbox."""
        self.outcome.onward.append(document)

    def state(self, member: int) -> ProgramState:
        """What the program keeps of a member."""
        state = self._states.get(member)
        if state is None:
            state = self._states[member] = self._found[member] = program_state_of(
                self.claim.members.get(member, _NEW_MEMBER)
            )
        return state

    def keep_state(
        self,
        item: Item,
        member: int,
        state: ProgramState,
        lapses: Sequence[Lapse] = (),
        tier: tuple[str | None, str | None] | None = None,
    ) -> None:
        """Keep a member's state, and write down what the clock, and the change itself, led to. It is encoded here, so
        that a figure past all range refuses the document that led to it, and nothing beside it. Raises
        `PointsOutOfRange`.
        """
        self._set(self._encoded, member, state.encode())
        self._set(self._states, member, state)
        if not lapses and tier is None:
            return
        by_clock = msgspec.structs.replace(item, kind=DocumentKind.EXPIRY, source=CLOCK_SOURCE, actor=None)
        for lapse in lapses:
            details = encode(ExpireDetails(lapse.expires, lapse.origin))
            self.post(_event(by_clock, EntryKind.EXPIRE, member, lapse.at, points=lapse.points, details=details))
        if tier is not None:
            self.post(_event(by_clock, EntryKind.TIER, member, self.now, details=encode(TierDetails(*tier))))

    def look_again(self, member: int) -> None:
        """Have the ledger remember when something next happens to a member, though nothing else has changed."""
        self.state(member)
        self._looked_at.add(member)

    def person(self, member: int) -> MemberFacts:
        """What campaigns may ask of a member beyond its orders."""
        return facts_of(self.claim.members.get(member, _NEW_MEMBER))

    def budgets(self, program: Program) -> dict[str, int]:
        """What is left of a version's budgets, in grains."""
        return budgets_left(program, self.claim.budgets)

    def use(self, budgets: Sequence[tuple[str, int]]) -> None:
        """Use more, or less, of budgets."""
        for name, grains in budgets:
            self._set(self.claim.budgets, name, self.claim.budgets.get(name, 0) + grains)
            self._set(self.outcome.budgets, name, self.outcome.budgets.get(name, 0) + grains)

    def finish(self) -> Outcome:
        """The outcome, with the states that are others now, and when something next happens to their members."""
        for member, state in self._states.items():
            before = self._found[member]
            if state != before:
                self.outcome.states[member] = self._encoded[member]
            elif member not in self._looked_at:
                continue
            at = next_look(state, self.now, self.in_force)
            if at is not None and (self._is_looked_for(member) or at != next_look(before, self.now, self.in_force)):
                self.outcome.due.append(Due(member, at, b""))
        return self.outcome

    def remind(self, member: int) -> None:
        """Send the reminders of points that are about to lapse; each once for ever."""
        for reminder in reminders(self.state(member), self.now, self.in_force):
            self.outcome.reminders.append(Reminded(member, reminder.name, reminder.points))

    def _is_looked_for(self, member: int) -> bool:
        """Whether it has to be said when a member is looked at, whatever was said before: a version that begins to
        remind finds members of whom only is known when their points lapse.
        """
        return member in self._looked_at or bool(self.in_force.expiry.remind_days)

    def _set(self, where: dict[Any, Any], key: Any, value: Any) -> None:
        self._log.append((where, key, where.get(key)))
        where[key] = value


def _event(
    item: Item, kind: EntryKind, member: int, at: int, *, points: int = 0, details: bytes | None = None
) -> Posting:
    return Posting(item=item, kind=kind, member=member, points=points, occurred_at=at, board_at=at, details=details)
