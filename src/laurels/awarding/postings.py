"""The entries of orders and refunds, whichever rules judged them."""

from collections.abc import Sequence

import msgspec

from laurels.awarding.refunds import Refunds, write_refunds
from laurels.ledger import Award, Item, Posting
from laurels.model import Cancellation, EntryKind, Order, Refund
from laurels.model.details import NO_DETAILS, Details

_EARN = EntryKind.EARN  # asked of its class for each order it costs more than the entry's other fields together


def earned(
    item: Item,
    order: Order,
    member: int,
    at: int,
    *,
    points: int,
    version: int,
    details: Details = NO_DETAILS,
    frame: bytes | None = None,
) -> tuple[Posting, Award]:
    """What an order earned, and what is kept of that."""
    key = order.source, order.order_id
    posting = Posting(
        item=item,
        kind=_EARN,
        member=member,
        points=points,
        occurred_at=at,
        board_at=at,
        currency=order.currency,
        amount=order.total,
        order_key=key,
        program_version=version,
        details=details.encode(),
    )
    award = Award(
        source=key[0],
        order_id=key[1],
        member=member,
        program_version=version,
        currency=order.currency,
        amount=order.total,
        left=order.total,
        points=points,
        reversed=0,
        board_at=at,
        frame=frame,
        content=item.content if frame is None else None,
    )
    return posting, award


def changed_award(award: Award, revision: int) -> Award:
    """What is kept of an order that was changed before it was awarded: no earlier revision is taken any more."""
    return msgspec.structs.replace(award, refunded=write_refunds(Refunds(revision=revision)))


def changed_before(item: Item, revision: int, award: Award) -> Posting:
    """The trace of a change that came before its order was awarded: it moves nothing, the order earned by it."""
    details = Details(left=award.left, amended=revision)
    return taken_back(item, None, award, points=0, amount=0, details=details)


def parts_taken(
    item: Item,
    refund: Refund,
    award: Award,
    *,
    points: int,
    left: int,
    beyond: int,
    details: Details = NO_DETAILS,
) -> list[Posting]:
    """What a refund took back of an order, of which `left` minor units are left; and what it gave back `beyond` that: a
    part of 0 points that says so.
    """
    source = refund.order_source if refund.order_source != refund.source else None
    postings, covered = [], award.left - left
    if covered or not beyond:
        said = msgspec.structs.replace(details, left=award.left, order_source=source)
        postings.append(taken_back(item, refund, award, points=points, amount=covered, details=said))
    if beyond:
        said = Details(left=left, beyond=True, order_source=source)
        postings.append(taken_back(item, refund, award, points=0, amount=beyond, details=said))
    return postings


def nothing_taken(item: Item, refund: Refund, award: Award) -> Posting:
    """The entry of a refund that was cancelled before it came."""
    details = Details(left=award.left, cancelled=True, order_source=refund.order_source)
    return taken_back(item, refund, award, points=0, amount=0, details=details)


def taken_back(
    item: Item, of: Refund | Cancellation | None, award: Award, *, points: int, amount: int, details: Details
) -> Posting:
    """Points of an order that are taken back, or come again."""
    occurred_at = of.occurred_at if isinstance(of, Refund) else None
    return Posting(
        item=item,
        kind=EntryKind.REVERSE,
        member=award.member,
        points=points,
        occurred_at=item.accepted_at if occurred_at is None else occurred_at,
        board_at=award.board_at,
        currency=award.currency,
        amount=amount,
        order_key=(award.source, award.order_id),
        refund_id=None if of is None else of.refund_id,
        program_version=award.program_version,
        details=details.encode(),
    )


def unlinked(
    item: Item,
    refund: Refund,
    member: int,
    at: int,
    *,
    points: int,
    version: int,
    details: Details = NO_DETAILS,
) -> Posting:
    """What a refund took back that names no order."""
    return Posting(
        item=item,
        kind=EntryKind.REVERSE,
        member=member,
        points=points,
        occurred_at=at,
        board_at=at,
        currency=refund.currency,
        amount=refund.amount,
        refund_id=refund.refund_id,
        program_version=version,
        details=details.encode(),
    )


def refunded_award(award: Award, postings: Sequence[Posting], kept: Refunds, left: int) -> Award:
    """What is kept of the order now: what is left follows from all refunds, whatever their order."""
    return msgspec.structs.replace(
        award,
        left=left,
        reversed=award.reversed - sum(posting.points for posting in postings),
        refunded=write_refunds(kept),
    )
