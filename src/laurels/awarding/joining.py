"""Two members become one: what the program keeps of both is added up. Pure; the ledger calls it in its transaction."""

from laurels.awarding.programs import Programs
from laurels.awarding.workspace import Workspace
from laurels.errors import Conflict, Refused, UnknownProgramVersion
from laurels.ledger import Claim, Outcome, Posting
from laurels.model import EntryKind
from laurels.program import NEW, merge


def join(claim: Claim, programs: Programs) -> Outcome:
    """Judge a claim whose items are the member that ends and the one that goes on. What had lapsed of both, and the
    whole points that their remainders make together, are entries of the one that goes on. Raises `Conflict` where the
    other has points set aside, and `UnknownProgramVersion`.
    """
    if claim.program_version > programs.current.version:
        raise UnknownProgramVersion
    work = Workspace(claim, programs)
    ends, goes_on = claim.items
    assert ends.member is not None, "who ends is known"
    assert goes_on.member is not None, "and so is who goes on"
    nothing_is_kept = programs.simple and not (work.has_state(ends.member) or work.has_state(goes_on.member))
    # What is not kept is worked out from a member's own entries. The orders of who ends are others': they are kept.
    if nothing_is_kept and work.state(ends.member).last_active is None:
        return work.finish()
    try:
        got = merge(work.in_force, work.state(ends.member), work.state(goes_on.member), now=work.now)
    except Refused as error:
        raise Conflict("Points of this member are set aside. Nothing was changed.") from error
    if got.whole:
        work.post(
            Posting(
                item=goes_on,
                kind=EntryKind.EARN,
                member=goes_on.member,
                points=got.whole,
                occurred_at=work.now,
                board_at=work.now,
                program_version=work.in_force.version,
            ),
            quiet=True,
        )
    work.keep_state(ends, ends.member, NEW)
    work.keep_state(goes_on, goes_on.member, got.member_after, (*got.of_lapses, *got.lapses), got.tier)
    work.look_again(goes_on.member)
    return work.finish()
