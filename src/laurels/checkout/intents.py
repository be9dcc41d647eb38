"""The port of the intents: what somebody is about to pay, noted durably before any money moves.

An intent goes one way: `open` -> `paid` -> `success`, or `open` -> `failure`. It is kept for ever under its order id,
so that a repeat is answered as the first time.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec
from msgspec import Struct

from laurels.checkout.payments import PaymentOutcome, PaymentRequest
from laurels.model import Document, DocumentKind, Order

SOURCE = "checkout"
"""What members call the source of what they bought here. Orders of version 0.1 are kept under it, in one circle of ids
for all; every other is in its buyer's own circle.
"""

CIRCLE = "member:"
"""What the name of a member's own circle begins with; the member's number follows."""


def is_bought(source: str) -> bool:
    """Whether orders of this source were bought here."""
    return source == SOURCE or source.startswith(CIRCLE)


def is_purchase(document: Document) -> bool:
    """Whether a document is an order that was bought here: it has an intent."""
    return document.kind is DocumentKind.ORDER and is_bought(document.source)


class IntentState(StrEnum):
    """How far a purchase got. `paid`: the order is still to be accepted."""

    OPEN = "open"
    PAID = "paid"
    SUCCESS = "success"
    FAILURE = "failure"


class Intent(Struct, frozen=True, kw_only=True):
    """A purchase. `fingerprint` tells a repeat from other content; `total` is in minor units.

    `member_id` and `content` (the order without its buyer) are there while it is under way and empty once it ended.
    """

    order_id: str
    source: str = SOURCE
    fingerprint: bytes
    member_id: str
    content: bytes
    total: int
    currency: str
    method: str
    begun_at: int
    state: IntentState = IntentState.OPEN
    reference: str | None = None
    reason: str | None = None

    @property
    def payment(self) -> PaymentRequest:
        """What is to be paid. One key for one order, so that none is paid twice."""
        return PaymentRequest(
            key=f"{self.source}/{self.order_id}", amount=self.total, currency=self.currency, method=self.method
        )

    @property
    def order(self) -> Order:
        """The order to accept once it is paid for; for an intent that is under way."""
        return msgspec.structs.replace(msgspec.json.decode(self.content, type=Order), member_id=self.member_id)


class IntentStore(Protocol):
    """Keeps intents, in the ledger's own transactions.

    * What returned is on disk.
    * **An order that has an intent is accepted only as it was paid for.** Before the intent is
      `paid`, after it failed, and with other content, accepting it is a conflict, whichever way it comes in.
    * **Accepting that order makes its intent a `success` in the same transaction.**
    * Erasing a member takes the member out of the intents under way. One that is paid for later is accepted under the
      member's number, like everything else that came before; its order's `member_id` is empty.

    Writes raise `LedgerUnavailable` where nothing was written.
    """

    async def circle(self, member_id: str) -> str | None:
        """The source of what a member buys: each has a circle of order ids of its own, so that none can use up, or find
        out, the ids of others. It says the member's number, because the id has to go when the member is erased; None
        for one who is unknown.
        """
        ...

    async def new_circle(self, member_id: str) -> str:
        """The same; who is unknown is numbered, and the feed does not hear of it."""
        ...

    async def find(self, order_id: str, source: str = SOURCE) -> Intent | None:
        """The intent under an order id of a circle."""
        ...

    async def begin(self, intent: Intent) -> Intent:
        """Note a new intent; gives the one that stands under this order id of this circle, which may be older.

        Raises `Conflict` where the ledger has an order of this source and id without an intent, or the member bought
        another one under it before there were circles.
        """
        ...

    async def settle(self, order_id: str, outcome: PaymentOutcome, source: str = SOURCE) -> Intent:
        """Note what became of the payment of an open intent; gives the intent as it now is. Twice is as once."""
        ...

    async def under_way(self, *, begun_before: int, after: Intent | None, limit: int) -> Sequence[Intent]:
        """Intents that are `open` or `paid` and were begun before an instant, oldest first, from behind `after`."""
        ...
