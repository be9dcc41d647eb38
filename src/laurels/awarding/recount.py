"""What is kept beside the entries, counted again from them: what `laurels verify` holds it against. Pure."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from laurels.awarding.programs import Programs, published_programs
from laurels.awarding.refunds import EarlierFrame, GivenBack, Refunds, read_refunds, write_refunds
from laurels.errors import Refused
from laurels.ledger import Award, ProgramStore, Recount
from laurels.model import Entry, EntryKind
from laurels.model.details import Details
from laurels.program import Frame
from laurels.program.frame import digest


def recount_of(programs: Programs) -> Recount:
    """How to count again under the published programs."""
    return Recount(month_of=programs.boards.month_of, fits=fits)


async def published_recount(store: ProgramStore) -> Recount | None:
    """The same under what a ledger has published; None where that is nothing yet. Raises `ProgramError`."""
    return recount_of(await published_programs(store)) if await store.programs() else None


def fits(award: Award, entries: Sequence[Entry]) -> bool:
    """Whether what is kept of an order is what its entries say, oldest first. Raises `ValueError` where they make no
    sense.

    Of lines that came back entries say what those were worth, and no more; frames that an order had before a change
    are not worked out, but vouched for. Where remainders are carried from one order
    to the next, a change of an order need not take back what that had earned: then the entries since the change count.
    """
    counted = award_of(entries)
    try:
        kept = read_refunds(award.refunded)
    except msgspec.MsgspecError:
        return False
    if _is_carried(entries):
        counted = replace(counted, reversed=-sum(entry.points for entry in since_carried(entries)[1:]))
    if any(refund.lines for refund in kept.given_back):
        refunded = write_refunds(_with_lines(refunds_of(entries), kept))
        counted = replace(counted, left=_left_after(entries[-1]), refunded=refunded)
    if not all(_is_vouched_for(earlier, entries) for earlier in kept.earlier):
        return False
    if kept.earlier:
        refunded = write_refunds(replace(read_refunds(counted.refunded), earlier=kept.earlier))
        counted = replace(counted, refunded=refunded)
    if award.frame is None and _names_a_frame(entries):
        return False
    is_whole = award.left or award.points == award.reversed or award.frame is not None  # a bonus needs no amount
    return bool(is_whole) and replace(counted, member=award.member, frame=award.frame, content=award.content) == award


def _names_a_frame(entries: Sequence[Entry]) -> bool:
    """Whether the entry by which an order earned last vouches for a frame."""
    earned = [entry for entry in entries if entry.kind is EntryKind.EARN]
    return bool(earned) and Details.decode(earned[-1].details).frame is not None


def _is_vouched_for(earlier: EarlierFrame, entries: Sequence[Entry]) -> bool:
    """Whether an entry says that the order earned in this frame, as the revision that it is of."""
    try:
        frame = Frame.decode(earlier.frame)
    except Refused:
        return False
    said = [(entry, Details.decode(entry.details)) for entry in entries if entry.kind is EntryKind.EARN]
    return any(
        (details.amended or 0) == earlier.revision
        and details.frame in {None, digest(earlier.frame)}
        and (frame.total, frame.version) == (entry.amount, entry.program_version)
        for entry, details in said
    )


def since_carried(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries whose points are those of an order as it was changed last, its earning first: all, but where
    remainders were carried.
    """
    if not _is_carried(entries):
        return entries
    return entries[max(at for at, entry in enumerate(entries) if entry.kind is EntryKind.EARN) :]


def award_of(entries: Sequence[Entry]) -> Award:
    """What is kept of an order that knows no frame and of which no lines came back, by all entries that it led to,
    oldest first. Raises `ValueError` where none of them is an earning.
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
        details = Details.decode(entry.details)
        if entry.kind is EntryKind.EARN:
            kept = kept.with_lapsed(-details.lapsed)
            if details.amended is not None:
                kept = _carried(walk, replace(kept, revision=details.amended, cut=()))
            continue
        kept = kept.with_lapsed(-details.lapsed if details.cancelled else details.lapsed)
        if entry.refund_id is not None:
            kept = _with(kept, entry, entry.source or "", entry.refund_id)
    return kept


def _with(kept: Refunds, entry: Entry, source: str, refund_id: str) -> Refunds:
    details, known = Details.decode(entry.details), kept.find(source, refund_id)
    if details.cancelled:  # where it is not known, the cancellation came before its refund
        known = known or GivenBack(source, refund_id, 0)
        kept = replace(kept, cut=tuple(sorted({**dict(kept.cut), **dict(details.bound)}.items())))
        return (kept if kept.find(source, refund_id) else kept.plus(known)).without(known)
    if known is None:
        return kept.plus(GivenBack(source, refund_id, entry.amount or 0))
    if known.cancelled:
        return kept
    more = replace(known, amount=known.amount + (entry.amount or 0))  # its second part
    return replace(kept, given_back=tuple(more if each == known else each for each in kept.given_back))


def _with_lines(counted: Refunds, kept: Refunds) -> Refunds:
    """With the lines that the entries cannot tell; an amount that is what lines are worth is kept as 0."""
    given_back = list(counted.given_back)
    for at, (each, known) in enumerate(zip(counted.given_back, kept.given_back, strict=False)):
        if known.lines:
            amount = known.amount and each.amount
            given_back[at] = replace(each, amount=amount, lines=known.lines)
    return replace(counted, given_back=tuple(given_back))


def _carried(walk: Iterator[Entry], kept: Refunds) -> Refunds:
    """A change takes all refunds again that were not cancelled, each in as many parts as it needs."""
    for refund in kept.given_back:
        left = 0 if refund.cancelled else refund.amount
        while left > 0:
            part = next(walk, None)
            if part is None:
                raise ValueError("a refund was not carried over")
            left -= part.amount or 0
            kept = kept.with_lapsed(Details.decode(part.details).lapsed)
    return kept


def _is_carried(entries: Sequence[Entry]) -> bool:
    return any(Details.decode(entry.details).carried for entry in entries)


def _left_after(entry: Entry) -> int:
    """What is left of an order behind one of its entries, in minor units."""
    details, amount = Details.decode(entry.details), entry.amount or 0
    if entry.kind is EntryKind.EARN:
        return amount
    left = details.left or 0
    if details.beyond:
        return left
    return left + amount if details.cancelled else left - amount
