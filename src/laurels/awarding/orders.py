"""What happens to an order's points where every version is simple: earned, taken back by refunds, given again, changed.
Nothing is kept of a member but its totals, and no frame of an order.

With f(amount) the points of an amount under the order's version, an order is worth f(what is kept of it) at any time:
each of these writes the difference between f before and f after, so that the differences telescope.
"""

import msgspec

from laurels.awarding.baskets import basket_of, frame_of_award
from laurels.awarding.postings import (
    changed_award,
    earned,
    nothing_taken,
    parts_taken,
    refunded_award,
    taken_back,
    unlinked,
)
from laurels.awarding.programs import Programs
from laurels.awarding.refunds import GivenBack, Refunds, read_refunds, refuse_lines, write_refunds
from laurels.ledger import Award, Item, Posting
from laurels.model import Amendment, Cancellation, Order, Refund
from laurels.model.details import NO_DETAILS, Details
from laurels.program import NEW, frame_of, points_of, reverse_unlinked
from laurels.program.unwind import apply

Judged = tuple[list[Posting], Award]


class OrderRules:
    """The rules of orders under the published programs."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def earn(self, item: Item, order: Order, member: int, revision: int | None = None) -> tuple[Posting, Award]:
        """What an order earns by the version in force when it was placed; with a revision, as it was changed to before
        it was awarded.
        """
        at = item.accepted_at if order.occurred_at is None else order.occurred_at
        if revision is None:
            return self._earn(item, order, member, at)
        posting, award = self._earn(item, order, member, at, details=Details(amended=revision))
        return posting, changed_award(award, revision)

    def refund(self, item: Item, refund: Refund, award: Award) -> Judged:
        """What a refund takes back: f(left) - f(left - refund). What goes beyond the order is a part of 0 points."""
        kept = read_refunds(award.refunded)
        known = kept.find(refund.source, refund.refund_id)
        if known is not None and known.cancelled:  # the cancellation came first
            return [nothing_taken(item, refund, award)], award
        return self._take_back(item, refund, award, kept)

    def cancel(self, item: Item, cancellation: Cancellation, award: Award) -> Judged:
        """What comes back when a refund is cancelled: f(kept without it) - f(kept with it)."""
        kept = read_refunds(award.refunded).without_refund(cancellation.source, cancellation.refund_id)
        left = self._left(award, kept)
        program = self._programs.version(award.program_version)
        points = points_of(program, left, award.currency) - points_of(program, award.left, award.currency)
        details = Details(left=award.left, cancelled=True, order_source=cancellation.order_source)
        posting = taken_back(item, cancellation, award, points=points, amount=left - award.left, details=details)
        return [posting], refunded_award(award, [posting], kept, left)

    def amend(self, item: Item, amendment: Amendment, award: Award) -> Judged:
        """An order that was changed: taken back whole, earned anew by the version of its time, its refunds carried
        over.
        """
        kept = read_refunds(award.refunded)
        order, revision = amendment.order, amendment.revision
        refuse_lines(kept)
        program = self._programs.version(award.program_version)
        had = points_of(program, award.left, award.currency)
        details = Details(left=award.left, amended=revision)
        back = taken_back(item, None, award, points=-had, amount=award.left, details=details)
        at = award.board_at if order.occurred_at is None else order.occurred_at
        earned, new = self._earn(item, order, award.member, at, details=Details(amended=revision))
        frame = frame_of(self._programs.at(at), basket_of(order, at), NEW)  # the kept content is the order's before
        new = msgspec.structs.replace(new, content=None, frame=frame.encode())
        postings, carried = [back, earned], kept.changed(revision, award.frame)
        for refund in kept.given_back:
            if refund.cancelled:
                carried = carried.plus(refund)
                continue
            taken, new = self._take_back(item, refund.again(new), new, carried)
            postings += taken
            carried = carried.plus(refund)
        return postings, msgspec.structs.replace(new, refunded=write_refunds(carried))

    def unlinked(self, item: Item, refund: Refund, member: int) -> list[Posting]:
        """What a refund that names no order takes back, by the version in force when it happened."""
        at = item.accepted_at if refund.occurred_at is None else refund.occurred_at
        program = self._programs.at(at)
        points = reverse_unlinked(program, refund.amount, refund.currency).points
        return [unlinked(item, refund, member, at, points=-points, version=program.version)]

    def _earn(
        self, item: Item, order: Order, member: int, at: int, *, details: Details = NO_DETAILS
    ) -> tuple[Posting, Award]:
        program = self._programs.at(at)
        points = points_of(program, order.total, order.currency)
        return earned(item, order, member, at, points=points, version=program.version, details=details)

    def _take_back(self, item: Item, refund: Refund, award: Award, kept: Refunds) -> Judged:
        program = self._programs.version(award.program_version)
        after = kept.plus(GivenBack.of(refund))
        left, beyond = self._left_after(award, kept, after, refund)
        points = points_of(program, award.left, award.currency) - points_of(program, left, award.currency)
        postings = parts_taken(item, refund, award, points=-points, left=left, beyond=beyond)
        return postings, refunded_award(award, postings, after, left)

    def _left_after(self, award: Award, before: Refunds, after: Refunds, refund: Refund) -> tuple[int, int]:
        """What is left of an order after one more refund, and what that gives back beyond it."""
        if not after.by_line:
            left = max(0, award.left - refund.amount)
            return left, refund.amount - (award.left - left)
        frame = frame_of_award(award, self._programs.version(award.program_version), by_line=True)
        refunded, beyond = apply(frame, before.of_frame(frame), GivenBack.of(refund).asked)
        return refunded.left(frame), beyond

    def _left(self, award: Award, kept: Refunds) -> int:
        if not kept.by_line:
            return max(0, award.amount - kept.amount)
        frame = frame_of_award(award, self._programs.version(award.program_version), by_line=True)
        return kept.of_frame(frame).left(frame)
