"""The judgement of a claim: which entries its documents lead to. Pure; the ledger calls it inside its transaction."""

from contextlib import suppress
from operator import attrgetter

import msgspec

from laurels.awarding.frames import FrameRules
from laurels.awarding.holding import HELD, Holding
from laurels.awarding.orders import Judged, OrderRules
from laurels.awarding.postings import changed_before
from laurels.awarding.programs import Programs
from laurels.awarding.purses import Accounting, Balances, Lots, write_spent
from laurels.awarding.reading import order_named, read, whose
from laurels.awarding.refunds import read_refunds
from laurels.awarding.workspace import Workspace
from laurels.clock import DAY
from laurels.errors import Conflict, LaurelsError, Refused, UnknownMember, UnknownProgramVersion
from laurels.ledger import Award, Claim, Item, Outcome, Posting, Quarantined, RedemptionState
from laurels.model import (
    Adjustment,
    Amendment,
    Cancellation,
    DocumentKind,
    EntryKind,
    Order,
    Redemption,
    Refund,
    Restoration,
)
from laurels.model.details import AdjustDetails, RedeemDetails, RestoreDetails, encode
from laurels.model.times import check_ahead
from laurels.program import Frame, touch

_ORDER = DocumentKind.ORDER
_order = msgspec.json.Decoder(Order)
_refund = msgspec.json.Decoder(Refund)
_adjustment = msgspec.json.Decoder(Adjustment)
_redemption = msgspec.json.Decoder(Redemption)
_amendment = msgspec.json.Decoder(Amendment)
_cancellation = msgspec.json.Decoder(Cancellation)
_restoration = msgspec.json.Decoder(Restoration)


def decide(claim: Claim, programs: Programs) -> Outcome:
    """Judge every item of a claim, in order. One that cannot be awarded is quarantined with its reason, and nothing
    that it did stays; the rest goes on. Raises `UnknownProgramVersion` where a version is published that this process
    does not know.
    """
    judge = _Judge(claim, programs)
    for item in claim.items:
        judge.try_item(item)
    for item in claim.overdue:
        judge.end_waiting(item)
    return judge.work.finish()


def decide_or_raise(claim: Claim, programs: Programs) -> Outcome:
    """The same for what is answered at once: a refusal is raised, not quarantined."""
    judge = _Judge(claim, programs)
    for item in claim.items:
        judge.take(item)
    return judge.work.finish()


def decide_again(claim: Claim, programs: Programs, frame: Frame) -> Outcome:
    """Judge a claim of one order, or of one change of an order, again in the frame that it was awarded in. Raises
    `UnknownProgramVersion`, `Refused`, `PointsOutOfRange`.
    """
    work = Workspace(claim, programs)
    [item] = claim.items
    rules = FrameRules(programs, work)
    if item.kind is DocumentKind.AMENDMENT:
        assert item.order_key is not None, "a change names its order"
        rules.amend(item, read(_amendment, item), claim.awards[item.order_key], again=frame)
    else:
        rules.earn(item, read(_order, item), whose(item), again=frame)
    return work.finish()


class _Judge:
    """Carries the claim's state from one item to the next, since an order and its refunds may come in one batch."""

    def __init__(self, claim: Claim, programs: Programs) -> None:
        if claim.program_version > programs.current.version:
            raise UnknownProgramVersion
        self.work = Workspace(claim, programs)
        self._claim = claim
        self._programs = programs
        self._all_simple = programs.simple
        self._simple, self._in_frames = _SimpleRules(programs, self.work), FrameRules(programs, self.work)
        self._balances, self._lots = Balances(self.work), Lots(self.work)
        self._holding = Holding(self.work)
        self._released: set[int] = set()

    def try_item(self, item: Item) -> None:
        before = self.work.mark()
        try:
            self.take(item)
        except UnknownProgramVersion:  # not the document's fault: this process has to load it
            raise
        except LaurelsError as error:
            self.work.undo(before)
            self.quarantine(item, error.message)
            if item.kind is DocumentKind.ORDER:
                self._end_waiting_of_others(item)

    def _end_waiting_of_others(self, order: Item) -> None:
        """What names an order as another member's will not be right when that is awarded at last. Where the order was
        here first it is judged so as it comes.
        """
        key = order_named(order)
        others = [each for each in self._claim.waiting.get(key, []) if each.member != order.member]
        for each in others:
            self._claim.waiting[key].remove(each)
            self._released.add(each.sequence)
            self.quarantine(each, f"the order {key[1]} is another member's")
        outcome = self.work.outcome
        outcome.waiting = [each for each in outcome.waiting if each not in others]

    def end_waiting(self, item: Item) -> None:
        """Judge a document that waited too long, unless its order came among these and released it."""
        if item.sequence in self._released:
            return
        if item.order_key is not None and self.work.award(item.order_key):  # of another shard's member
            self.try_item(item)
        else:
            self.quarantine(item, f"the order {item.order_id} did not come within 30 days")

    def _rules_of(self, member: int) -> "_SimpleRules | FrameRules":
        """A member of whom the program keeps something is judged in depth, whatever the programs."""
        return self._simple if self._all_simple and not self.work.has_state(member) else self._in_frames

    def _accounting_of(self, member: int) -> Accounting:
        return self._balances if self._all_simple and not self.work.has_state(member) else self._lots

    def quarantine(self, item: Item, reason: str) -> None:
        self.work.outcome.quarantined.append(Quarantined(item, reason))

    def take(self, item: Item) -> None:
        if item.kind is _ORDER:  # most are
            if order_named(item) in self._claim.waiting:
                self._take_awaited(item)
            else:
                self._earn(item, read(_order, item), None)
            return
        match item.kind:
            case DocumentKind.REFUND:
                self._take_refund(item)
            case DocumentKind.CANCELLATION:
                self._take_cancellation(item)
            case DocumentKind.AMENDMENT:
                self._take_amendment(item)
            case _:
                self._take_points(item)

    def _take_points(self, item: Item) -> None:
        """What no order gives or takes."""
        match item.kind:
            case DocumentKind.ADJUSTMENT:
                self._take_adjustment(item)
            case DocumentKind.REDEMPTION:
                self._take_redemption(item)
            case DocumentKind.RESTORATION:
                self._take_restoration(item)
            case DocumentKind.EXPIRY:
                self._let_pass(item)
            case _ if item.kind in HELD:
                self._holding.take(item)
            case DocumentKind.MESSAGE:
                raise Refused("it is a message that could not be taken, and no document")

    def _earn(self, item: Item, order: Order, revision: int | None) -> None:
        member = whose(item)
        self._rules_of(member).earn(item, order, member, revision)

    def _take_awaited(self, item: Item) -> None:
        """Judge an order that others wait for, and then those."""
        key = order_named(item)
        waiting = sorted(self._claim.waiting[key], key=attrgetter("sequence"))
        changes = [
            (each, read(_amendment, each))
            for each in waiting
            if each.kind is DocumentKind.AMENDMENT and each.member == item.member
        ]
        if changes:
            item, order, revision = _as_changed(item, [amendment for _, amendment in changes])
        else:
            order, revision = read(_order, item), None
        self._earn(item, order, revision)
        for change, amendment in changes:
            self.work.post(changed_before(change, amendment.revision, self.work.outcome.awards[key]))
        self._claim.waiting.pop(key, None)
        self._release(waiting, {change.sequence for change, _ in changes})

    def _release(self, waiting: list[Item], done: set[int]) -> None:
        """Judge what waited for an order, now that it is awarded, but for the changes that it was awarded by."""
        outcome = self.work.outcome
        outcome.waiting = [each for each in outcome.waiting if each not in waiting]
        self._released |= {each.sequence for each in waiting}
        for each in waiting:
            if each.sequence not in done:
                self.try_item(each)

    def _take_refund(self, item: Item) -> None:
        refund = read(_refund, item)
        if item.order_id is None:
            member = whose(item)
            self._rules_of(member).unlinked(item, refund, member)
            return
        award = self._award_of(item)
        if award is None:
            return
        if refund.currency != award.currency:
            raise Refused(f"the order {refund.order_id} is in {award.currency}, the refund in {refund.currency}")
        self._check_in_time(item, award)
        self._rules_of(award.member).refund(item, refund, award)

    def _take_cancellation(self, item: Item) -> None:
        cancellation = read(_cancellation, item)
        award = self._award_of(item)
        if award is not None:
            self._rules_of(award.member).cancel(item, cancellation, award)

    def _take_amendment(self, item: Item) -> None:
        amendment = read(_amendment, item)
        award = self._award_of(item)
        if award is None:
            return
        if amendment.order.currency != award.currency:
            raise Refused(
                f"the order {award.order_id} is in {award.currency}, its change in {amendment.order.currency}"
            )
        if amendment.revision <= read_refunds(award.refunded).revision:
            raise Refused(f"a later revision of the order {award.order_id} was taken before")
        self._check_in_time(item, award)
        self._rules_of(award.member).amend(item, amendment, award)

    def _check_in_time(self, item: Item, award: Award) -> None:
        """Raise `Refused` for what comes when refunds of an order are taken no more, by its version or by the one in
        force then: what of its points has lapsed may be forgotten, and would be taken twice.
        """
        for program in (self._programs.version(award.program_version), self._programs.at(item.accepted_at)):
            if program.refund_days is not None and item.accepted_at - award.board_at > program.refund_days * DAY:
                raise Refused(
                    f"refunds are taken for {program.refund_days} days (version {program.version}), and the order "
                    f"{award.order_id} is older"
                )

    def _take_adjustment(self, item: Item) -> None:
        adjustment, member = read(_adjustment, item), whose(item)
        at = item.accepted_at if adjustment.occurred_at is None else adjustment.occurred_at
        expires = adjustment.expires_at
        check_ahead(expires, self.work.now)
        accounting = self._lots if expires is not None else self._accounting_of(member)
        change = accounting.adjust(member, adjustment.points, expires)
        posting = Posting(
            item=item,
            kind=EntryKind.ADJUST,
            member=member,
            points=adjustment.points,
            reason=adjustment.reason,
            note=adjustment.note,
            occurred_at=at,
            board_at=at,
            details=encode(AdjustDetails(board=adjustment.board, lots=change.lots, expires_at=expires)),
        )
        self.work.post(posting, quiet=adjustment.quiet)
        accounting.settle(item, member, change)

    def _take_redemption(self, item: Item) -> None:
        redemption, member = read(_redemption, item), whose(item)
        accounting = self._accounting_of(member)
        change = accounting.redeem(member, redemption.points)
        posting = Posting(
            item=item,
            kind=EntryKind.REDEEM,
            member=member,
            points=-redemption.points,
            reason=redemption.reason,
            occurred_at=item.accepted_at,
            board_at=item.accepted_at,
            details=encode(RedeemDetails(change.lots)),
        )
        self.work.post(posting)
        accounting.settle(item, member, change)
        spent = write_spent(change.spent)
        if spent is not None:
            key = redemption.source, redemption.redemption_id
            self.work.keep_redeemed(
                key, RedemptionState(member=member, points=redemption.points, restored=0, spent=spent)
            )

    def _take_restoration(self, item: Item) -> None:
        restoration = read(_restoration, item)
        key = restoration.source, restoration.redemption_id
        redeemed = self._claim.redemptions.get(key)
        if redeemed is None or redeemed.member != item.member:
            raise UnknownMember("There is no such redemption of this member.")
        left = redeemed.points - redeemed.restored
        points = left if restoration.points is None else restoration.points
        if points > left or not points:
            raise Conflict(f"Of this redemption {left} points can come back. Nothing was changed.")
        accounting = self._accounting_of(redeemed.member)
        change = accounting.restore(redeemed, points)
        posting = Posting(
            item=item,
            kind=EntryKind.RESTORE,
            member=redeemed.member,
            points=points,
            occurred_at=item.accepted_at,
            board_at=item.accepted_at,
            details=encode(RestoreDetails(restoration.redemption_id, change.lots)),
        )
        self.work.post(posting)
        accounting.settle(item, redeemed.member, change)
        restored, spent = redeemed.restored + points, write_spent(change.spent)
        self.work.keep_redeemed(key, msgspec.structs.replace(redeemed, restored=restored, spent=spent))

    def _let_pass(self, item: Item) -> None:
        """Write down what the clock has done to a member."""
        member = whose(item)
        state, lapses = touch(self.work.state(member), self.work.now, self.work.in_force)
        self.work.keep_state(item, member, state, lapses)
        self.work.remind(member)
        self.work.look_again(member)

    def _award_of(self, item: Item) -> Award | None:
        """What the order earned that an item names; None where that has not come yet, and the item waits for it."""
        key = order_named(item)
        award = self.work.award(key)
        if award is not None:
            if item.member != award.member:
                raise Refused(f"the order {key[1]} is another member's")
            return award
        owner = self._claim.orders.get(key)
        if owner is not None and owner != item.member:
            raise Refused(f"the order {key[1]} is another member's")
        self.work.outcome.waiting.append(item)
        self._claim.waiting.setdefault(key, []).append(item)
        return None


class _SimpleRules:
    """The rules of orders where every version is simple, with their outcome written down."""

    def __init__(self, programs: Programs, work: Workspace) -> None:
        self._rules = OrderRules(programs)
        self._work = work

    def earn(self, item: Item, order: Order, member: int, revision: int | None = None) -> None:
        posting, award = self._rules.earn(item, order, member, revision)
        self._work.post(posting, quiet=order.quiet)
        self._work.keep(award)

    def refund(self, item: Item, refund: Refund, award: Award) -> None:
        self._keep(self._rules.refund(item, refund, award))

    def cancel(self, item: Item, cancellation: Cancellation, award: Award) -> None:
        self._keep(self._rules.cancel(item, cancellation, award))

    def amend(self, item: Item, amendment: Amendment, award: Award) -> None:
        self._keep(self._rules.amend(item, amendment, award))

    def unlinked(self, item: Item, refund: Refund, member: int) -> None:
        for posting in self._rules.unlinked(item, refund, member):
            self._work.post(posting)

    def _keep(self, taken: Judged) -> None:
        postings, award = taken
        for posting in postings:
            self._work.post(posting)
        self._work.keep(award)


def _as_changed(item: Item, changes: list[Amendment]) -> tuple[Item, Order, int]:
    """An order as the last of its changes has it, which is its content from then on. A time that the change leaves out
    is the order's own.
    """
    last = max(changes, key=attrgetter("revision"))
    order = last.order
    if order.occurred_at is None:
        with suppress(Refused):  # what could not be read says no time
            order = msgspec.structs.replace(order, occurred_at=read(_order, item).occurred_at)
    return msgspec.structs.replace(item, content=msgspec.json.encode(order)), order, last.revision
