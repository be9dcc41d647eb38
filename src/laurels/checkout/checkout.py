"""The flow of a purchase: intent -> payment -> outcome -> order.

Each arrow is durable before the next begins, and each step may be repeated: by the client that asks again, by recovery,
by several processes at once. Two facts make that safe. The provider answers a payment once and for ever, so it does not
matter who asks or how often. And the ledger accepts the order and closes its intent in one transaction, so there is no
moment at which only one of them is so.
"""

import asyncio
import hashlib
from collections.abc import Awaitable

import msgspec
import structlog
from msgspec import Struct

from laurels import clock
from laurels.checkout.catalogue import Catalogue
from laurels.checkout.forms import CheckoutForm
from laurels.checkout.intents import SOURCE, Intent, IntentState, IntentStore
from laurels.checkout.payments import PaymentOutcome, Payments
from laurels.clock import SECOND, Clock
from laurels.errors import CheckoutClosed, Conflict, LaurelsError, PaymentsUnavailable
from laurels.intake import Intake
from laurels.model import Channel, Order
from laurels.model.money import format_amount

PATIENCE_S = 20.0
"""How long the payment provider may take to answer."""

LEFT_ALONE_S = 60.0
"""How long recovery leaves an intent to whoever began it: longer than the provider may take. Nothing but politeness: a
payment that is given up too early ends in one failure, and charges nothing."""

PAGE = 50
"""Intents that recovery works on at once."""

log = structlog.get_logger(__name__)


class Success(Struct, frozen=True, kw_only=True, tag_field="status", tag="success"):
    """Paid and accepted. `total` is a decimal string in major units."""

    order_id: str
    total: str
    currency: str


class Failure(Struct, frozen=True, kw_only=True, tag_field="status", tag="failure"):
    """Not paid, and never will be under this order id. `reason`: `declined`, `interrupted`, or the provider's word."""

    order_id: str
    reason: str


Answer = Success | Failure


class Checkout:
    """Sells what is in `catalogue`. Any number of processes may, over one ledger and one provider."""

    def __init__(
        self,
        catalogue: Catalogue,
        payments: Payments,
        intents: IntentStore,
        intake: Intake,
        now: Clock = clock.now,
        *,
        is_open: bool = True,
    ) -> None:
        """`is_open` False sells nothing; what was begun before is still finished."""
        self.catalogue = catalogue
        self._payments = payments
        self._intents = intents
        self._intake = intake
        self._now = now
        self._is_open = is_open

    async def buy(self, member_id: str, order_id: str, form: CheckoutForm) -> Answer:
        """Price, charge and accept an order. The same again gives the same answer, and finishes what broke off.

        What makes it the same is the member, by the own circle of ids, the items in their order, and the method. A new
        token is not new content: clients make one for each try. The price is the first one, whatever the catalogue says
        by then. Costs the provider's time and three commits: intent, outcome, order.

        Raises `CheckoutClosed` and `InvalidInput` before anything is kept;
        `Conflict` where this member used the id for anything else;
        `PaymentsUnavailable` and `LedgerUnavailable` where it is open what became of it: ask again.
        """
        if not self._is_open:
            raise CheckoutClosed
        form.check()
        method = form.payment.method
        fingerprint, with_buyer = _fingerprint(form.item_ids, method), _with_buyer(member_id, form.item_ids, method)
        circle = await self._intents.circle(member_id)
        intent = await self._begun(circle, order_id, with_buyer)
        if intent is None:
            order = self._priced(member_id, order_id, form.item_ids)
            circle = circle or await self._intents.new_circle(member_id)
            order = msgspec.structs.replace(order, source=circle)
            intent = await self._intents.begin(_intent(order, fingerprint, method))
        if intent.fingerprint not in {fingerprint, with_buyer}:
            raise Conflict
        if intent.state is IntentState.OPEN:
            outcome = await _answered(self._payments.pay(intent.payment, form.payment.token))
            intent = await self._intents.settle(order_id, outcome, intent.source)
        return await self._complete(intent)

    async def _begun(self, circle: str | None, order_id: str, with_buyer: bytes) -> Intent | None:
        """The member's purchase under an id, whether it was begun in the own circle or before there were any."""
        intent = await self._intents.find(order_id, circle) if circle is not None else None
        if intent is None:
            shared = await self._intents.find(order_id)
            intent = shared if shared is not None and shared.fingerprint == with_buyer else None
        return intent

    async def recover(self, *, left_alone_s: float = LEFT_ALONE_S) -> int:
        """Finish every purchase that broke off, but for those begun in the last `left_alone_s` seconds; gives how many.

        A payment that was made gets its order. One that was not is given up, for its token is gone. Where the provider
        cannot say, the intent waits for the next call. Raises `LedgerUnavailable`.
        """
        begun_before = self._now() - int(left_alone_s * SECOND)
        finished, last = 0, None
        while page := await self._intents.under_way(begun_before=begun_before, after=last, limit=PAGE):
            ended = sum(await asyncio.gather(*(self._recover_one(intent) for intent in page)))
            if not ended:  # nobody answers: the rest would only wait as long for the same
                break
            finished, last = finished + ended, page[-1]
        return finished

    def _priced(self, member_id: str, order_id: str, item_ids: list[str]) -> Order:
        basket = self.catalogue.price(item_ids)
        return Order(
            source=SOURCE,
            order_id=order_id,
            member_id=member_id,
            currency=basket.currency,
            channel=Channel.WEB,
            # A purchase counts when it was made, even where it is recovered in the next month.
            occurred_at=self._now(),
            lines=basket.lines,
            traits=basket.traits,
            total=basket.total,
        )

    async def _complete(self, intent: Intent) -> Answer:
        """Accept the order of a paid intent; the answer to any intent whose payment is settled."""
        if intent.state is IntentState.FAILURE:
            return Failure(order_id=intent.order_id, reason=intent.reason or "")
        if intent.state is IntentState.PAID:
            # What was received held the token, so the order as it was priced stands in for it.
            await self._intake.accept(intent.order, raw=intent.content)
        return Success(
            order_id=intent.order_id, total=format_amount(intent.total, intent.currency), currency=intent.currency
        )

    async def _recover_one(self, intent: Intent) -> bool:
        """Whether an intent ended; one that could not be finished stands in nobody's way."""
        try:
            if intent.state is IntentState.OPEN:
                outcome = await _answered(self._payments.give_up(intent.payment))
                intent = await self._intents.settle(intent.order_id, outcome, intent.source)
            answer = await self._complete(intent)
        except LaurelsError as error:
            log.warning("checkout.waiting", state=intent.state, error=error.message)
            return False
        log.info("checkout.recovered", success=isinstance(answer, Success))
        return True


async def _answered(asking: Awaitable[PaymentOutcome]) -> PaymentOutcome:
    """The provider's answer, or `PaymentsUnavailable` where it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asking
    except TimeoutError as error:
        raise PaymentsUnavailable from error


def _intent(order: Order, fingerprint: bytes, method: str) -> Intent:
    assert order.occurred_at is not None, "it was priced now"
    return Intent(
        order_id=order.order_id,
        source=order.source,
        fingerprint=fingerprint,
        member_id=order.member_id,
        content=order.document().content,
        total=order.total,
        currency=order.currency,
        method=method,
        begun_at=order.occurred_at,
    )


def _fingerprint(item_ids: list[str], method: str) -> bytes:
    """16 bytes that differ where one buyer's purchase differs. Whose it is, the circle says: a hash of the buyer's id,
    kept for ever, would give that back to whoever guesses it, also when the member was erased.
    """
    return hashlib.blake2b(msgspec.json.encode([item_ids, method]), digest_size=16).digest()


def _with_buyer(member_id: str, item_ids: list[str], method: str) -> bytes:
    """The same as it was before, with the buyer: of what was bought in one circle for all, and a while longer."""
    return hashlib.blake2b(msgspec.json.encode([member_id, item_ids, method]), digest_size=16).digest()
