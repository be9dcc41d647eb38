"""Undoing a correction whose points have lapsed: the opposite would take others, so it is neither offered nor done."""

from laurels.errors import InvalidInput
from laurels.http.routes import Request
from laurels.model import Adjustment, DocumentKind, Entry, EntryKind
from laurels.model.details import adjust_details
from laurels.model.undoing import UNDO_SOURCE, before_undone, undo_key
from laurels.program import Program


def has_lapsed(entry: Entry, program: Program, now: int) -> bool:
    """Whether what a correction gave has lapsed at its day; `program` is the one in force. What went for want of
    activity is not told of a correction.
    """
    details = adjust_details(entry.details)
    if details.expires_at is not None and program.extended(details.expires_at) <= now:
        return True
    given = [expires for expires, _, points in details.lots if points > 0]
    return entry.points > 0 and bool(given) and all(program.extended(expires) <= now for expires in given)


async def check_undo(request: Request, adjustment: Adjustment) -> None:
    """Raise `InvalidInput` for the opposite of a correction whose points have lapsed. One that was taken before is
    answered as it was. Costs a look at the ledger, for what undoes alone.
    """
    before = before_undone(adjustment.id) if adjustment.source == UNDO_SOURCE else None
    if before is None:
        return
    services = request.services
    entries = await services.ledger.entries(adjustment.member_id, before=before, limit=1)
    now, program = services.now(), services.programs.at(services.now())
    undone = [
        entry
        for entry in entries
        if adjustment.id == undo_key(entry.loyalty_id)
        and entry.kind is EntryKind.ADJUST
        and has_lapsed(entry, program, now)
    ]
    if undone and not await services.ledger.known_documents(DocumentKind.ADJUSTMENT, UNDO_SOURCE, {adjustment.id}):
        raise InvalidInput.of("loyalty-points", "have lapsed: the opposite would take others")
