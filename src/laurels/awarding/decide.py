"""The judgement of a claim: which entries its documents lead to. Pure; the ledger calls it inside its transaction."""

from operator import attrgetter
from typing import TypeVar

import msgspec

from laurels.awarding.orders import OrderRules
from laurels.awarding.programs import Programs
from laurels.awarding.refunds import read_refunds
from laurels.errors import (
    Conflict,
    InsufficientPoints,
    LaurelsError,
    PointsOutOfRange,
    Refused,
    UnknownMember,
    UnknownProgramVersion,
)
from laurels.ledger import Award, Claim, Item, MemberState, OrderKey, Outcome, Posting, Quarantined, Reached
from laurels.model import (
    Adjustment,
    Amendment,
    Balance,
    Cancellation,
    DocumentKind,
    EntryKind,
    Order,
    Redemption,
    Refund,
    Restoration,
)
from laurels.model.details import AdjustDetails, RestoreDetails, encode, scores
from laurels.model.entries import SCORED

T = TypeVar("T")

_order = msgspec.json.Decoder(Order)
_refund = msgspec.json.Decoder(Refund)
_adjustment = msgspec.json.Decoder(Adjustment)
_redemption = msgspec.json.Decoder(Redemption)
_amendment = msgspec.json.Decoder(Amendment)
_cancellation = msgspec.json.Decoder(Cancellation)
_restoration = msgspec.json.Decoder(Restoration)


def decide(claim: Claim, programs: Programs) -> Outcome:
    """Judge every item of a claim, in order. One that cannot be awarded is quarantined with its reason; the rest
    goes on. Raises `UnknownProgramVersion` where a version is published that this process does not know.
    """
    judge = _Judge(claim, programs)
    for item in claim.items:
        judge.try_item(item)
    for item in claim.overdue:
        judge.end_waiting(item)
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
        if claim.program_version > programs.current.version:
            raise UnknownProgramVersion
        self._claim = claim
        self._programs = programs
        self._rules = OrderRules(programs)
        self._released: set[int] = set()
        self.outcome = Outcome()

    def try_item(self, item: Item) -> None:
        try:
            self.take(item)
        except UnknownProgramVersion:  # not the document's fault: this process has to load it
            raise
        except LaurelsError as error:
            self.quarantine(item, error.message)

    def end_waiting(self, item: Item) -> None:
        """Judge a document that waited too long, unless its order came among these and released it."""
        if item.sequence in self._released:
            return
        if item.order_key in self._claim.awards:  # of another shard's member
            self.try_item(item)
        else:
            self.quarantine(item, f"the order {item.order_id} did not come within 30 days")

    def quarantine(self, item: Item, reason: str) -> None:
        self.outcome.quarantined.append(Quarantined(item, reason))

    def take(self, item: Item) -> None:
        match item.kind:
            case DocumentKind.ORDER:
                self._take_order(item)
            case DocumentKind.REFUND if item.order_id is not None:
                self._take_refund(item)
            case DocumentKind.REFUND:
                refund = _read(_refund, item)
                self._post(self._rules.unlinked(item, refund, _known(item)))
            case DocumentKind.CANCELLATION:
                self._take_cancellation(item)
            case DocumentKind.AMENDMENT:
                self._take_amendment(item)
            case DocumentKind.ADJUSTMENT:
                self._take_adjustment(item)
            case DocumentKind.REDEMPTION:
                self._take_redemption(item)
            case DocumentKind.RESTORATION:
                self._take_restoration(item)

    def _take_order(self, item: Item) -> None:
        order = _read(_order, item)
        posting, award = self._rules.earn(item, order, _known(item))
        self._post(posting, quiet=order.quiet)
        self._keep(award)
        key = award.source, award.order_id
        released = sorted(self._claim.waiting.pop(key, []), key=attrgetter("sequence"))
        self.outcome.waiting = [waiting for waiting in self.outcome.waiting if waiting not in released]
        for waiting in released:
            self._released.add(waiting.sequence)
            self.try_item(waiting)

    def _take_refund(self, item: Item) -> None:
        refund = _read(_refund, item)
        award = self._award_of(item)
        if award is None:
            return
        if refund.currency != award.currency:
            raise Refused(f"the order {refund.order_id} is in {award.currency}, the refund in {refund.currency}")
        self._post_all(*self._rules.refund(item, refund, award))

    def _take_cancellation(self, item: Item) -> None:
        cancellation = _read(_cancellation, item)
        award = self._award_of(item)
        if award is not None:
            self._post_all(*self._rules.cancel(item, cancellation, award))

    def _take_amendment(self, item: Item) -> None:
        amendment = _read(_amendment, item)
        award = self._award_of(item)
        if award is None:
            return
        if amendment.order.currency != award.currency:
            raise Refused(
                f"the order {award.order_id} is in {award.currency}, its change in {amendment.order.currency}"
            )
        if amendment.revision <= read_refunds(award.refunded).revision:
            raise Refused(f"a later revision of the order {award.order_id} was taken before")
        self._post_all(*self._rules.amend(item, amendment, award))

    def _take_adjustment(self, item: Item) -> None:
        adjustment = _read(_adjustment, item)
        at = item.accepted_at if adjustment.occurred_at is None else adjustment.occurred_at
        posting = Posting(
            item=item,
            kind=EntryKind.ADJUST,
            member=_known(item),
            points=adjustment.points,
            reason=adjustment.reason,
            note=adjustment.note,
            occurred_at=at,
            board_at=at,
            details=encode(AdjustDetails(board=adjustment.board)),
        )
        self._post(posting, quiet=adjustment.quiet)

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

    def _take_restoration(self, item: Item) -> None:
        restoration = _read(_restoration, item)
        key = restoration.source, restoration.redemption_id
        redeemed = self._claim.redemptions.get(key)
        if redeemed is None or redeemed.member != item.member:
            raise UnknownMember("There is no such redemption of this member.")
        left = redeemed.points - redeemed.restored
        points = left if restoration.points is None else restoration.points
        if points > left or not points:
            raise Conflict(f"Of this redemption {left} points can come back. Nothing was changed.")
        self._post(
            Posting(
                item=item,
                kind=EntryKind.RESTORE,
                member=redeemed.member,
                points=points,
                occurred_at=item.accepted_at,
                board_at=item.accepted_at,
                details=encode(RestoreDetails(restoration.redemption_id)),
            )
        )
        restored = msgspec.structs.replace(redeemed, restored=redeemed.restored + points)
        self._claim.redemptions[key] = self.outcome.redemptions[key] = restored

    def _award_of(self, item: Item) -> Award | None:
        """What the order earned that an item names; None where that has not come yet, and the item waits for it."""
        key = _named(item)
        award = self._claim.awards.get(key)
        if award is not None:
            if item.member != award.member:
                raise Refused(f"the order {key[1]} is another member's")
            return award
        owner = self._claim.orders.get(key)
        if owner is not None and owner != item.member:
            raise Refused(f"the order {key[1]} is another member's")
        self.outcome.waiting.append(item)
        self._claim.waiting.setdefault(key, []).append(item)
        return None

    def _post_all(self, postings: list[Posting], award: Award) -> None:
        for posting in postings:
            self._post(posting)
        self._keep(award)

    def _post(self, posting: Posting, *, quiet: bool = False) -> None:
        before = self._balance(posting.member)
        after = before.plus(posting.kind, posting.points, posting.details)
        if not after.in_range():
            raise PointsOutOfRange
        state = self._claim.members.get(posting.member, MemberState())
        self._claim.members[posting.member] = MemberState(after, state.state)
        self.outcome.postings.append(self._dated(posting))
        for milestone in self._programs.at(self._claim.now).milestones:
            if before.score <= milestone.above < after.score:
                self.outcome.reached.append(Reached(posting.member, milestone.name, after.score, quiet))

    def _dated(self, posting: Posting) -> Posting:
        """With the month in which its points count, where they count on boards."""
        if not posting.points or posting.kind not in SCORED:
            return posting
        if posting.kind is EntryKind.ADJUST and not scores(posting.details):
            return posting
        month = self._programs.boards.month_of(posting.board_at, self._claim.now)
        return msgspec.structs.replace(posting, month=month)

    def _keep(self, award: Award) -> None:
        key = (award.source, award.order_id)
        self._claim.awards[key] = self.outcome.awards[key] = award

    def _balance(self, member: int) -> Balance:
        return self._claim.members.get(member, MemberState()).totals


def _read(decoder: "msgspec.json.Decoder[T]", item: Item) -> T:
    try:
        return decoder.decode(item.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the content cannot be read: {error}") from error


def _known(item: Item) -> int:
    if item.member is None:
        raise Refused("the member is not enrolled")
    return item.member


def _named(item: Item) -> OrderKey:
    assert item.order_key is not None, "an item of this kind names its order"
    return item.order_key
