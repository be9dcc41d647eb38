"""The judgement of a claim: which entries its documents lead to. Pure; the ledger calls it inside its transaction."""

from operator import attrgetter
from typing import TypeVar

import msgspec

from laurels.awarding.programs import Programs
from laurels.errors import InsufficientPoints, LaurelsError, PointsOutOfRange, Refused, UnknownProgramVersion
from laurels.ledger import Award, Claim, Item, Outcome, Posting, Quarantined, Reached
from laurels.model import Adjustment, Balance, DocumentKind, EntryKind, Order, Redemption, Refund
from laurels.program import earn, reverse, reverse_unlinked

T = TypeVar("T")

_order = msgspec.json.Decoder(Order)
_refund = msgspec.json.Decoder(Refund)
_adjustment = msgspec.json.Decoder(Adjustment)
_redemption = msgspec.json.Decoder(Redemption)


def decide(claim: Claim, programs: Programs) -> Outcome:
    """Judge every item of a claim, in order. One that cannot be awarded is quarantined with its reason; the rest
    goes on.
    """
    judge = _Judge(claim, programs)
    for item in claim.items:
        judge.try_item(item)
    for item in claim.overdue:
        if item.order_key not in claim.awards:
            judge.quarantine(item, f"the order {item.order_id} did not come within 30 days")
    return judge.outcome


def decide_or_raise(claim: Claim, programs: Programs) -> Outcome:
    """The same for what is answered at once: a refusal is raised, not quarantined."""
    judge = _Judge(claim, programs)
    for item in claim.items:
        judge.take(item)
    return judge.outcome


class _Judge:
    """Carries the claim's state from one item to the next, since an order and its refunds may come in one batch."""

    def __init__(self, claim: Claim, programs: Programs) -> None:
        self._claim = claim
        self._programs = programs
        self.outcome = Outcome(postings=[], awards={}, waiting=[], quarantined=[], reached=[])

    def try_item(self, item: Item) -> None:
        try:
            self.take(item)
        except UnknownProgramVersion:  # not the document's fault: this process has to load it
            raise
        except LaurelsError as error:
            self.quarantine(item, error.message)

    def quarantine(self, item: Item, reason: str) -> None:
        self.outcome.quarantined.append(Quarantined(item, reason))

    def take(self, item: Item) -> None:
        match item.kind:
            case DocumentKind.ORDER:
                self._take_order(item)
            case DocumentKind.REFUND if item.order_id is not None:
                self._take_refund(item)
            case DocumentKind.REFUND:
                self._take_unlinked_refund(item)
            case DocumentKind.ADJUSTMENT:
                self._take_adjustment(item)
            case DocumentKind.REDEMPTION:
                self._take_redemption(item)

    def _take_order(self, item: Item) -> None:
        order = _read(_order, item)
        program = self._programs.current
        earned = earn(program, order.total, order.currency)
        at = item.accepted_at if order.occurred_at is None else order.occurred_at
        self._post(
            Posting(
                item=item,
                kind=EntryKind.EARN,
                member=_known(item),
                points=earned.points,
                reason=earned.reason,
                occurred_at=at,
                board_at=at,
                currency=order.currency,
                amount=order.total,
                order_id=order.order_id,
                program_version=program.version,
            ),
            quiet=order.quiet,
        )
        key = (item.source, order.order_id)
        self._keep(
            Award(
                source=item.source,
                order_id=order.order_id,
                member=_known(item),
                program_version=program.version,
                currency=order.currency,
                amount=order.total,
                left=order.total,
                points=earned.points,
                reversed=0,
                board_at=at,
            )
        )
        released = sorted(self._claim.waiting.pop(key, []), key=attrgetter("sequence"))
        self.outcome.waiting = [waiting for waiting in self.outcome.waiting if waiting not in released]
        for waiting in released:
            self.try_item(waiting)

    def _take_refund(self, item: Item) -> None:
        refund = _read(_refund, item)
        assert refund.order_id is not None, "an item with an order names it in its content"
        key = (item.source, refund.order_id)
        award = self._claim.awards.get(key)
        if award is None:
            self.outcome.waiting.append(item)
            self._claim.waiting.setdefault(key, []).append(item)
            return
        if item.member != award.member:
            raise Refused(f"the order {refund.order_id} is another member's")
        if refund.currency != award.currency:
            raise Refused(f"the order {refund.order_id} is in {award.currency}, the refund in {refund.currency}")
        program = self._programs.published.get(award.program_version)
        if program is None:
            raise UnknownProgramVersion
        for taken in reverse(program, award.left, refund.amount, refund.currency):
            self._post(
                Posting(
                    item=item,
                    kind=EntryKind.REVERSE,
                    member=award.member,
                    points=-taken.points,
                    reason=taken.reason,
                    occurred_at=item.accepted_at if refund.occurred_at is None else refund.occurred_at,
                    board_at=award.board_at,
                    currency=refund.currency,
                    amount=taken.amount,
                    order_id=refund.order_id,
                    refund_id=refund.refund_id,
                    program_version=program.version,
                )
            )
            award = msgspec.structs.replace(
                award, left=award.left - taken.covered, reversed=award.reversed + taken.points
            )
        self._keep(award)

    def _take_unlinked_refund(self, item: Item) -> None:
        refund = _read(_refund, item)
        program = self._programs.current
        taken = reverse_unlinked(program, refund.amount, refund.currency)
        at = item.accepted_at if refund.occurred_at is None else refund.occurred_at
        self._post(
            Posting(
                item=item,
                kind=EntryKind.REVERSE,
                member=_known(item),
                points=-taken.points,
                reason=taken.reason,
                occurred_at=at,
                board_at=at,
                currency=refund.currency,
                amount=refund.amount,
                refund_id=refund.refund_id,
                program_version=program.version,
            )
        )

    def _take_adjustment(self, item: Item) -> None:
        adjustment = _read(_adjustment, item)
        self._post(
            Posting(
                item=item,
                kind=EntryKind.ADJUST,
                member=_known(item),
                points=adjustment.points,
                reason=adjustment.reason,
                occurred_at=item.accepted_at,
                board_at=item.accepted_at,
                actor=adjustment.actor,
            )
        )

    def _take_redemption(self, item: Item) -> None:
        redemption = _read(_redemption, item)
        member = _known(item)
        if self._balance(member).balance < redemption.points:
            raise InsufficientPoints
        self._post(
            Posting(
                item=item,
                kind=EntryKind.REDEEM,
                member=member,
                points=-redemption.points,
                reason=redemption.reason,
                occurred_at=item.accepted_at,
                board_at=item.accepted_at,
            )
        )

    def _post(self, posting: Posting, *, quiet: bool = False) -> None:
        before = self._balance(posting.member)
        after = before.plus(posting.kind, posting.points)
        if not after.in_range():
            raise PointsOutOfRange
        self._claim.balances[posting.member] = after
        self.outcome.postings.append(posting)
        for milestone in self._programs.current.milestones:
            if before.score <= milestone.above < after.score:
                self.outcome.reached.append(Reached(posting.member, milestone.name, after.score, quiet))

    def _keep(self, award: Award) -> None:
        key = (award.source, award.order_id)
        self._claim.awards[key] = self.outcome.awards[key] = award

    def _balance(self, member: int) -> Balance:
        return self._claim.balances.get(member, Balance())


def _read(decoder: "msgspec.json.Decoder[T]", item: Item) -> T:
    try:
        return decoder.decode(item.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the content cannot be read: {error}") from error


def _known(item: Item) -> int:
    if item.member is None:
        raise Refused("the member is not enrolled")
    return item.member
