"""What is kept beside the entries, counted again from them: what `laurels verify` holds it against. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from laurels.awarding.programs import Programs
from laurels.awarding.refunds import GivenBack, Refunds, write_refunds
from laurels.ledger import Award, Recount
from laurels.model import Entry, EntryKind
from laurels.model.details import earn_details, reverse_details


def recount_of(programs: Programs) -> Recount:
    """How to count again under the published programs."""
    return Recount(month_of=programs.boards.month_of, award=award_of)


def award_of(entries: Sequence[Entry]) -> Award:
    """What is kept of an order, by all entries that it led to, oldest first. Raises `ValueError` where none of them is
    an earning.
    """
    earned = [entry for entry in entries if entry.kind is EntryKind.EARN]
    if not earned:
        raise ValueError("nothing was earned")
    last, kept = earned[-1], refunds_of(entries)
    if last.source is None or last.order_id is None or last.currency is None or last.amount is None:
        raise ValueError("an earning says of which order it is")
    return Award(
        source=last.source,
        order_id=last.order_id,
        member=last.member,
        program_version=last.program_version or 0,
        currency=last.currency,
        amount=last.amount,
        left=max(0, last.amount - kept.amount),
        points=last.points,
        reversed=last.points - sum(entry.points for entry in entries),
        board_at=last.board_at,
        refunded=write_refunds(kept) if kept != Refunds() else None,
    )


def refunds_of(entries: Sequence[Entry]) -> Refunds:
    """An order's refunds, and its last revision: what a reversal names is new, or carried over from before a change."""
    kept = Refunds()
    walk = iter(entries)
    for entry in walk:
        if entry.kind is EntryKind.EARN:
            revision = earn_details(entry.details).amended
            if revision is not None:
                kept = msgspec.structs.replace(kept, revision=revision)
                _pass_over_carried(walk, kept)
        elif entry.refund_id is not None:
            kept = _with(kept, entry, entry.source or "", entry.refund_id)
    return kept


def _with(kept: Refunds, entry: Entry, source: str, refund_id: str) -> Refunds:
    details, known = reverse_details(entry.details), kept.find(source, refund_id)
    if details.cancelled:  # where it is not known, the cancellation came before its refund
        known = known or GivenBack(source, refund_id, 0)
        return (kept if kept.find(source, refund_id) else kept.plus(known)).without(known)
    if known is None:
        return kept.plus(GivenBack(source, refund_id, entry.amount or 0))
    if known.cancelled:
        return kept
    more = msgspec.structs.replace(known, amount=known.amount + (entry.amount or 0))  # its second part
    return msgspec.structs.replace(kept, given_back=tuple(more if each == known else each for each in kept.given_back))


def _pass_over_carried(walk: Iterator[Entry], kept: Refunds) -> None:
    """A change takes all refunds again that were not cancelled, each in as many parts as it needs."""
    for refund in kept.given_back:
        left = 0 if refund.cancelled else refund.amount
        while left > 0:
            part = next(walk, None)
            if part is None:
                raise ValueError("a refund was not carried over")
            left -= part.amount or 0
