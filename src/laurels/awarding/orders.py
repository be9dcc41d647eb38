"""What happens to an order's points: earned, taken back by refunds, given again, changed. Pure.

With f(amount) the points of an amount under the order's version, an order is worth f(what is kept of it) at any time:
each of these writes the difference between f before and f after, so that the differences telescope.
"""

import msgspec

from laurels.awarding.programs import Programs
from laurels.awarding.refunds import GivenBack, Refunds, read_refunds, write_refunds
from laurels.ledger import Award, Item, Posting
from laurels.model import Amendment, Cancellation, EntryKind, Order, Refund
from laurels.model.details import EarnDetails, ReverseDetails, encode
from laurels.program import points_of, reverse, reverse_unlinked

Taken = tuple[list[Posting], Award]


class OrderRules:
    """The rules of orders under the published programs."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def earn(self, item: Item, order: Order, member: int) -> tuple[Posting, Award]:
        """What an order earns by the version in force when it was placed."""
        at = item.accepted_at if order.occurred_at is None else order.occurred_at
        return self._earn(item, order, member, at)

    def refund(self, item: Item, refund: Refund, award: Award) -> Taken:
        """What a refund takes back: f(left) - f(left - refund). What goes beyond the order is a part of 0 points."""
        kept = read_refunds(award.refunded)
        known = kept.find(refund.source, refund.refund_id)
        if known is not None and known.cancelled:  # the cancellation came first
            details = ReverseDetails(left=award.left, cancelled=True, order_source=refund.order_source)
            return [self._reverse(item, refund, award, points=0, amount=0, details=details)], award
        postings = self._take_back(item, refund, award)
        kept = kept.plus(GivenBack(refund.source, refund.refund_id, refund.amount))
        return postings, self._after(award, postings, kept)

    def cancel(self, item: Item, cancellation: Cancellation, award: Award) -> Taken:
        """What comes back when a refund is cancelled: f(kept without it) - f(kept with it)."""
        kept = read_refunds(award.refunded)
        refund = kept.find(cancellation.source, cancellation.refund_id)
        if refund is None:
            refund = GivenBack(cancellation.source, cancellation.refund_id, 0)
            kept = kept.plus(refund)
        kept = kept.without(refund)
        left = max(0, award.amount - kept.amount)
        program = self._programs.version(award.program_version)
        points = points_of(program, left, award.currency) - points_of(program, award.left, award.currency)
        details = ReverseDetails(left=award.left, cancelled=True, order_source=cancellation.order_source)
        posting = self._reverse(item, cancellation, award, points=points, amount=left - award.left, details=details)
        return [posting], self._after(award, [posting], kept)

    def amend(self, item: Item, amendment: Amendment, award: Award) -> Taken:
        """An order that was changed: taken back whole, earned anew by the version of its time, its refunds carried
        over.
        """
        kept = read_refunds(award.refunded)
        order, revision = amendment.order, amendment.revision
        program = self._programs.version(award.program_version)
        had = points_of(program, award.left, award.currency)
        back = self._reverse(
            item,
            None,
            award,
            points=-had,
            amount=award.left,
            details=ReverseDetails(left=award.left, amended=revision),
        )
        at = award.board_at if order.occurred_at is None else order.occurred_at
        earned, new = self._earn(
            item, order, award.member, at, details=EarnDetails(amended=revision), frame=award.frame
        )
        postings, carried = [back, earned], Refunds(revision=revision)
        for refund in kept.given_back:
            carried = carried.plus(refund)
            if not refund.cancelled:
                again = Refund(
                    source=refund.source,
                    refund_id=refund.refund_id,
                    order_id=new.order_id,
                    currency=new.currency,
                    amount=refund.amount,
                )
                taken = self._take_back(item, again, new)
                postings += taken
                new = self._after(new, taken, carried)
        return postings, msgspec.structs.replace(new, refunded=write_refunds(carried))

    def unlinked(self, item: Item, refund: Refund, member: int) -> Posting:
        """What a refund that names no order takes back, by the version in force when it happened."""
        at = item.accepted_at if refund.occurred_at is None else refund.occurred_at
        program = self._programs.at(at)
        return Posting(
            item=item,
            kind=EntryKind.REVERSE,
            member=member,
            points=-reverse_unlinked(program, refund.amount, refund.currency).points,
            occurred_at=at,
            board_at=at,
            currency=refund.currency,
            amount=refund.amount,
            refund_id=refund.refund_id,
            program_version=program.version,
        )

    def _earn(
        self,
        item: Item,
        order: Order,
        member: int,
        at: int,
        *,
        details: EarnDetails = EarnDetails(),  # noqa: B008 - frozen
        frame: bytes | None = None,
    ) -> tuple[Posting, Award]:
        program = self._programs.at(at)
        points = points_of(program, order.total, order.currency)
        key = order.source, order.order_id
        posting = Posting(
            item=item,
            kind=EntryKind.EARN,
            member=member,
            points=points,
            occurred_at=at,
            board_at=at,
            currency=order.currency,
            amount=order.total,
            order_key=key,
            program_version=program.version,
            details=encode(details),
        )
        award = Award(
            source=key[0],
            order_id=key[1],
            member=member,
            program_version=program.version,
            currency=order.currency,
            amount=order.total,
            left=order.total,
            points=points,
            reversed=0,
            board_at=at,
            frame=frame,
        )
        return posting, award

    def _take_back(self, item: Item, refund: Refund, award: Award) -> list[Posting]:
        program = self._programs.version(award.program_version)
        left, postings = award.left, []
        for part in reverse(program, award.left, refund.amount, refund.currency):
            order_source = refund.order_source if refund.order_source != refund.source else None
            details = ReverseDetails(
                left=left, beyond=not part.covered and bool(part.amount), order_source=order_source
            )
            postings.append(
                self._reverse(item, refund, award, points=-part.points, amount=part.amount, details=details)
            )
            left -= part.covered
        return postings

    def _reverse(
        self,
        item: Item,
        of: Refund | Cancellation | None,
        award: Award,
        *,
        points: int,
        amount: int,
        details: ReverseDetails,
    ) -> Posting:
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
            details=encode(details),
        )

    def _after(self, award: Award, postings: list[Posting], kept: Refunds) -> Award:
        """What is kept of the order now: what is left follows from all refunds, whatever their order."""
        return msgspec.structs.replace(
            award,
            left=max(0, award.amount - kept.amount),
            reversed=award.reversed - sum(posting.points for posting in postings),
            refunded=write_refunds(kept),
        )
