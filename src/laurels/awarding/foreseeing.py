"""What a document would lead to if it were settled now: judged as it would be, in a transaction that writes nothing."""

from msgspec import Struct

from laurels.awarding.decide import decide_or_raise
from laurels.awarding.programs import Programs
from laurels.errors import LaurelsError
from laurels.ledger import Claim, MemberState, Outcome
from laurels.model.entries import EntryKind


class Foreseen(Struct, frozen=True, kw_only=True):
    """What a document would do to its member: the points of its entry, the member before and after it, and the
    milestones that it would cross, whether or not they were crossed before.
    """

    points: int
    before: MemberState
    after: MemberState
    reached: tuple[str, ...] = ()


class JudgedOnly(LaurelsError):
    """This was judged, and nothing of it was written."""

    def __init__(self, foreseen: Foreseen) -> None:
        self.foreseen = foreseen
        super().__init__()


def judge_only(claim: Claim, programs: Programs) -> Outcome:
    """Judge a claim of one document that moves a member's points. Raises what judging it raises, else always
    `JudgedOnly`: of a document whose judge raises, a ledger writes nothing.
    """
    [item] = claim.items
    none = MemberState()
    before = none if item.member is None else claim.members.get(item.member, none)
    outcome = decide_or_raise(claim, programs)
    first = outcome.postings[0]
    assert first.kind is not EntryKind.EXPIRE, "a document's own entry is its first"
    after = claim.members[first.member]
    state = outcome.states.get(first.member, before.state)
    raise JudgedOnly(
        Foreseen(
            points=first.points,
            before=before,
            after=MemberState(after.totals, state, after.attributes, after.enrolled_at, after.draw),
            reached=tuple([each.milestone for each in outcome.reached if not each.quiet]),
        )
    )
