"""Adjust, redeem, cancel, hold, give: what may be said with them, whose circle of ids they are in, and what they lead
to.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from laurels.awarding import Awarder, Foreseen
from laurels.errors import InsufficientPoints, InvalidInput, LaurelsError, Refused, UnknownMember, after_writing
from laurels.intake import WIRE_NAMES, conflict_of
from laurels.ledger import Ledger, Receipt, is_some_in
from laurels.model import Adjustment, Document, DocumentKind, Redemption, Restoration
from laurels.model.cards import looks_like_card
from laurels.model.details import transfer_details
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void

SHOP = "shop"
"""The circle of ids of services that name none."""


class Points:
    """Corrections, spending and its cancellation, settled at once. Raises `LedgerUnavailable` where nothing was
    written.
    """

    def __init__(self, awarder: Awarder, ledger: Ledger) -> None:
        self._awarder = awarder
        self._ledger = ledger
        self.on_receipts: Callable[[DocumentKind, Sequence[Receipt]], object] = _nobody
        """Told of every receipt, for whoever counts."""

    async def adjust(self, adjustment: Adjustment) -> Receipt:
        """Correct a member's points. An unknown member is enrolled. Raises `InvalidInput`, `Conflict`,
        `PointsOutOfRange`.
        """
        [receipt] = await self.adjust_all([adjustment])
        if isinstance(receipt, LaurelsError):
            raise receipt
        return receipt

    async def foresee_adjustment(self, adjustment: Adjustment) -> Foreseen | None:
        """What `adjust` would do now, with nothing written; None: it was done before. Raises what that raises."""
        fault = _fault_of(adjustment)
        if fault is not None:
            raise fault
        return await self._foresee(adjustment.document(), WIRE_NAMES)

    async def adjust_all(
        self, adjustments: Sequence[Adjustment], members: Sequence[int] = ()
    ) -> list[Receipt | LaurelsError]:
        """The same of many together, each judged alone; what was raised for one is its answer. With `members`,
        whose each is, by number, nobody is enrolled: `UnknownMember` where its id means another one by now.
        """
        answers: list[Receipt | LaurelsError | None] = [_fault_of(each) for each in adjustments]
        sound = [n for n, answer in enumerate(answers) if answer is None]
        whose = [members[n] for n in sound] if members else ()
        receipts = await self._awarder.settle_all([adjustments[n].document() for n in sound], whose) if sound else []
        for n, receipt in zip(sound, receipts, strict=True):
            answers[n] = receipt
            if isinstance(receipt, Receipt) and receipt.conflict:
                with after_writing(is_some_in=is_some_in(receipts)):
                    answers[n] = await conflict_of(self._ledger, adjustments[n].document(), WIRE_NAMES)
        self.on_receipts(DocumentKind.ADJUSTMENT, [each for each in receipts if isinstance(each, Receipt)])
        return [answer for answer in answers if answer is not None]

    async def redeem(self, redemption: Redemption, actor: str) -> Receipt:
        """Spend points; refused, never cut, where the balance does not cover them. Raises `InvalidInput`, `Conflict`,
        `InsufficientPoints`.
        """
        _refuse_card("reason", redemption.reason)
        return await self._settle(redemption.document(actor))

    async def cancel(self, restoration: Restoration, actor: str) -> Receipt:
        """Give spent points back, whole or in part: no board moves, no mail is sent. Raises `UnknownMember` for a
        redemption that is not this member's, `Conflict` where less is left of it.
        """
        return await self._settle(restoration.document(actor))

    async def foresee_cancellation(self, restoration: Restoration) -> Foreseen | None:
        """What `cancel` would do now, with nothing written; None: it was done before. Raises what that raises."""
        return await self._foresee(restoration.document())

    async def hold(self, hold: Hold, actor: str) -> Receipt:
        """Set points aside for a till. Raises `Conflict`, `InsufficientPoints`."""
        return await self._settle(hold.document(actor))

    async def capture(self, capture: Capture, actor: str) -> Receipt:
        """Take what was set aside, or a part of it. Raises `UnknownMember` for a hold that is not this member's, before
        its id is used; `Conflict`, also for one that was let go; `InsufficientPoints`.
        """
        await self._check_held(capture)
        return await self._settle(capture.document(actor))

    async def void(self, void: Void, actor: str) -> Receipt:
        """Let go of what was set aside, for good. Raises `UnknownMember` for a hold that is not this member's,
        `Conflict` for one that was taken.
        """
        await self._check_held(void)
        return await self._settle(void.document(actor))

    async def transfer(self, transfer: Transfer, actor: str) -> Receipt:
        """Give points to another member. Raises `Conflict`, `InsufficientPoints`."""
        to = await self._named_first(transfer)  # asked before: a try in vain would be counted, and recorded as refused
        return await self._settle(replace(transfer, to=to).document(actor))

    async def grant(self, grant: TierGrant, actor: str) -> Receipt:
        """Give a tier by hand. Raises `Conflict`, `InvalidInput` for a tier that is not there, or would be gone."""
        _refuse_card("reason", grant.reason)
        try:
            return await self._settle(grant.document(actor))
        except Refused as error:
            raise InvalidInput.of("tier", error.message) from error

    async def own_sources(self, member_id: str) -> list[str]:
        """Each member numbers its own redemptions, so that none can use up, or find out, the ids of others or of the
        shop. The source says the number that the id was given, whoever became whom since: a redemption that is sent
        again after a merge is the same one. Further sources are of those who are this member too.

        Raises `InsufficientPoints` for one who is unknown, and so has nothing to spend.
        """
        numbers = await self._ledger.numbers(member_id)
        if not numbers:
            raise InsufficientPoints
        return own_circles(numbers)

    async def _check_held(self, of: Capture | Void) -> None:
        """Without this a slip in the member would spend another one's points: a hold that is over is taken like any
        redemption, and one that never was looks the same to the rules. Who holds what never changes, so it may be asked
        before.
        """
        held = await self._ledger.document(DocumentKind.HOLD, of.source, of.hold_id, of_member=of.member_id)
        if held is None:
            raise UnknownMember("There is no such hold of this member.")

    async def _named_first(self, transfer: Transfer) -> int:
        """Whom a transfer names, by number. One that is sent again is the same one as long as it names whoever the
        member became since that it named as it came first.
        """
        key = transfer.source, transfer.transfer_id
        first = await self._ledger.document(DocumentKind.TRANSFER, *key, of_member=transfer.member_id)
        given = None if first is None else await self._ledger.document(DocumentKind.GIVEN, *key)
        if first is None or first.entry is None or given is None or given.member_id is None:
            return transfer.to
        now, named = await self._ledger.member(given.member_id), transfer_details(first.entry.details).to
        return named if named is not None and now is not None and now.number == transfer.to else transfer.to

    async def _foresee(self, document: Document, names: Mapping[str, str] | None = None) -> Foreseen | None:
        found = await self._awarder.foresee(document)
        if isinstance(found, Foreseen):
            return found
        if found.conflict:
            raise await conflict_of(self._ledger, document, names)
        return None

    async def _settle(self, document: Document) -> Receipt:
        receipt = await self._awarder.settle(document)
        if receipt.repeated:
            with after_writing():  # the first time
                found = await self._ledger.balance(document.member_id)
            if found is not None:
                receipt = replace(receipt, balance=found[0].balance)  # whoever the member became since
        self.on_receipts(document.kind, [receipt])
        if receipt.conflict:
            raise await conflict_of(self._ledger, document)
        return receipt


def own_circles(numbers: Sequence[int]) -> list[str]:
    """The sources of what members with these numbers number for themselves."""
    return [f"member:{number}" for number in numbers]


def _fault_of(adjustment: Adjustment) -> InvalidInput | None:
    try:
        _refuse_card("reason", adjustment.reason)
        _refuse_card("note", adjustment.note)
    except InvalidInput as fault:
        return fault
    return None


def _refuse_card(field: str, text: str) -> None:
    if looks_like_card(text):
        raise InvalidInput.of(field, "must not hold a card number: take it out, it would be kept for ever")


def _nobody(kind: DocumentKind, receipts: Sequence[Receipt]) -> None:
    """Count nothing."""
