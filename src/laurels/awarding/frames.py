"""What happens to an order's points under programs in depth: each order is judged in the frame of its moment, and what
it is worth afterwards, in that frame, is what its kept goods earn.
"""

import msgspec

from laurels.awarding.baskets import basket_of, frame_of_award, goods_of, known_by
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
from laurels.awarding.workspace import Workspace
from laurels.ledger import Award, Item, Posting
from laurels.model import Amendment, Cancellation, Order, Refund
from laurels.program import (
    NEW,
    NOBODY,
    Frame,
    Return,
    Reversal,
    cancel,
    evaluate,
    frame_of,
    unwind,
    unwind_unlinked,
)


class FrameRules:
    """The rules of orders where a version is not simple. Each call keeps the member's state; entries that the clock led
    to come after its own.
    """

    def __init__(self, programs: Programs, work: Workspace) -> None:
        self._programs = programs
        self._work = work

    def earn(
        self, item: Item, order: Order, member: int, revision: int | None = None, again: Frame | None = None
    ) -> None:
        """Award an order by the version of its moment; with a revision, as it was changed to before it was awarded;
        with a frame, in that.
        """
        at = item.accepted_at if order.occurred_at is None else order.occurred_at
        award = self._earn(item, order, member, at, quiet=order.quiet, revision=revision, again=again)
        self._work.keep(award if revision is None else changed_award(award, revision))

    def refund(self, item: Item, refund: Refund, award: Award) -> None:
        """Take back what a refund is worth in its order's frame."""
        kept = read_refunds(award.refunded)
        known = kept.find(refund.source, refund.refund_id)
        if known is not None and known.cancelled:  # the cancellation came first
            self._work.post(nothing_taken(item, refund, award))
            self._work.keep(award)
            return
        self._work.keep(self._take_back(item, refund, award, kept))

    def cancel(self, item: Item, cancellation: Cancellation, award: Award) -> None:
        """Give again what a refund took that is cancelled."""
        before = read_refunds(award.refunded)
        kept = before.without_refund(cancellation.source, cancellation.refund_id)
        frame = self._frame(award, by_line=before.by_line)
        refunded = before.of_frame(frame)
        got = cancel(
            self._programs.version(award.program_version),
            frame,
            refunded,
            [refund.asked for refund in kept.standing],
            self._work.state(award.member),
            order=known_by(award.source, award.order_id),
            now=self._work.now,
            in_force=self._work.in_force,
            lapsed=before.lapsed,
            cut=before.cut,
            used=self._work.claim.budgets,
            versions=self._programs.published.values(),
        )
        kept = msgspec.structs.replace(kept, cut=got.cut).with_lapsed(-got.details.lapsed)
        details = msgspec.structs.replace(got.details, cancelled=True, order_source=cancellation.order_source)
        posting = taken_back(item, cancellation, award, points=-got.points, amount=-got.covered, details=details)
        self._moved(item, award.member, [posting], got)
        self._work.keep(refunded_award(award, [posting], kept, got.refunded_after.left(frame)))

    def amend(self, item: Item, amendment: Amendment, award: Award, again: Frame | None = None) -> None:
        """Take an order back whole and award it anew, its refunds carried over; with a frame, in that."""
        kept = read_refunds(award.refunded)
        order, revision = amendment.order, amendment.revision
        refuse_lines(kept)
        frame = self._frame(award, by_line=False)
        got = self._unwind(award, frame, kept, Return(award.left))
        details = msgspec.structs.replace(got.details, left=award.left, amended=revision)
        back = taken_back(item, None, award, points=-got.points, amount=award.left, details=details)
        self._moved(item, award.member, [back], got)
        at = award.board_at if order.occurred_at is None else order.occurred_at
        lapsed = kept.lapsed + got.details.lapsed
        new = self._earn(
            item, order, award.member, at, quiet=False, revision=revision, again=again, before=frame, lapsed=lapsed
        )
        carried = kept.changed(revision, award.frame).with_lapsed(read_refunds(new.refunded).lapsed)
        for refund in kept.given_back:
            if not refund.cancelled:
                new = self._take_back(item, refund.again(new), new, carried)
                carried = carried.with_lapsed(read_refunds(new.refunded).lapsed - carried.lapsed)
            carried = carried.plus(refund)
        self._work.keep(msgspec.structs.replace(new, refunded=write_refunds(carried)))

    def unlinked(self, item: Item, refund: Refund, member: int) -> None:
        """Take back the base of what a refund gives back that names no order."""
        at = item.accepted_at if refund.occurred_at is None else refund.occurred_at
        program = self._programs.at(at)
        basket = goods_of(refund, at)
        state = self._work.state(member)
        got = unwind_unlinked(program, basket, state, now=self._work.now, in_force=self._work.in_force)
        posting = unlinked(item, refund, member, at, points=-got.points, version=program.version, details=got.details)
        self._moved(item, member, [posting], got)

    def _earn(
        self,
        item: Item,
        order: Order,
        member: int,
        at: int,
        *,
        quiet: bool,
        revision: int | None = None,
        again: Frame | None = None,
        before: Frame | None = None,
        lapsed: int = 0,
    ) -> Award:
        work = self._work
        program = self._programs.at(at) if again is None else self._programs.version(again.version)
        basket = basket_of(order, at)
        got = evaluate(
            program,
            basket,
            work.state(member),
            now=work.now,
            person=work.person(member) if program.plan.asks_people else NOBODY,
            budgets=work.budgets(program),
            in_force=work.in_force,
            again=again,
            before=before,
            lapsed=lapsed,
        )
        encoded = got.encoded
        if encoded is None and revision is not None:  # the kept content is the order's before it was changed
            encoded = frame_of(program, basket, NEW).encode()
        details = got.details if revision is None else msgspec.structs.replace(got.details, amended=revision)
        posting, award = earned(
            item,
            order,
            member,
            at,
            points=got.points,
            version=program.version,
            details=details,
            frame=encoded,
        )
        work.post(posting, quiet=quiet)
        work.use(got.budgets)
        work.keep_state(item, member, got.member_after, got.lapses, got.tier)
        rest = lapsed - got.details.lapsed
        return msgspec.structs.replace(award, refunded=write_refunds(Refunds(lapsed=rest))) if rest else award

    def _take_back(self, item: Item, refund: Refund, award: Award, kept: Refunds) -> Award:
        given = GivenBack.of(refund)
        frame = self._frame(award, by_line=kept.by_line or bool(refund.lines))
        got = self._unwind(award, frame, kept, given.asked)
        left = got.refunded_after.left(frame)
        postings = parts_taken(
            item, refund, award, points=-got.points, left=left, beyond=got.beyond, details=got.details
        )
        self._moved(item, award.member, postings, got)
        return refunded_award(award, postings, kept.plus(given).with_lapsed(got.details.lapsed), left)

    def _unwind(self, award: Award, frame: Frame, kept: Refunds, asked: Return) -> Reversal:
        return unwind(
            self._programs.version(award.program_version),
            frame,
            kept.of_frame(frame),
            asked,
            self._work.state(award.member),
            order=known_by(award.source, award.order_id),
            now=self._work.now,
            in_force=self._work.in_force,
            cut=kept.cut,
        )

    def _moved(self, item: Item, member: int, postings: list[Posting], got: Reversal) -> None:
        for posting in postings:
            self._work.post(posting)
        self._work.use(got.budgets)
        self._work.keep_state(item, member, got.member_after, got.lapses, got.tier)

    def _frame(self, award: Award, *, by_line: bool) -> Frame:
        return frame_of_award(award, self._programs.version(award.program_version), by_line=by_line)
