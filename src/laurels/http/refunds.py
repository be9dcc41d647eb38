"""Refunds: of an order, or of an amount that names none."""

import msgspec
from msgspec import Struct

from laurels.errors import Conflict, LedgerUnavailable, UnknownOrder
from laurels.http.routes import Access, Answer, Call, route
from laurels.intake import AnySource, RefundForm, UnlinkedRefundForm
from laurels.ledger import DocumentState
from laurels.model import Cancellation, DocumentKind, Refund, Status

WRITE = Access(("orders:write",))


class CircleQuery(Struct, forbid_unknown_fields=True):
    """Which system numbered the refund, and which the order, where that is another."""

    source: AnySource = "shop"
    order_source: AnySource | None = None


class RefundAccepted(Struct, frozen=True):
    """A refund that is durable, and how far it got."""

    refund_id: str
    status: Status


@route(
    "POST",
    "/order/{order_id}/refund",
    access=WRITE,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(Conflict, LedgerUnavailable),
)
async def refund_order(call: Call, form: RefundForm) -> Answer:
    """Accept a refund of an order. It may come before its order; then it waits.

    It takes back what the refunded part of the order had earned, under the rules of that time.
    """
    return await _accept(call, form.refund(form.member_id, call.services.now(), call.ids["order_id"]))


@route(
    "POST",
    "/loyalty/{member_id}/refund",
    access=WRITE,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(Conflict, LedgerUnavailable),
)
async def refund_member(call: Call, form: UnlinkedRefundForm) -> Answer:
    """Accept a refund that names no order: it takes back what its amount would earn."""
    return await _accept(call, form.refund(call.ids["member_id"], call.services.now()))


@route(
    "POST",
    "/order/{order_id}/refund/{refund_id}/cancel",
    access=WRITE,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(UnknownOrder, Conflict, LedgerUnavailable),
)
async def cancel_refund(call: Call, query: CircleQuery) -> Answer:
    """Cancel a refund that failed or was a mistake: its order is worth what the other refunds leave.

    The cancelled refund's id stays used. A refund that waits for its order can be cancelled too.
    """
    refund_id = call.ids["refund_id"]
    call.caller.check_source(query.source)
    refund = await call.services.ledger.document(DocumentKind.REFUND, query.source, refund_id)
    if refund is None or not _is_of(refund, call.ids["order_id"]):
        raise UnknownOrder("This order has no such refund.")
    cancellation = Cancellation(
        source=query.source,
        refund_id=refund_id,
        order_id=call.ids["order_id"],
        order_source=query.order_source if query.order_source != query.source else None,
    )
    receipt = await call.services.intake.cancel(cancellation, call.caller.actor)
    return Answer(200 if receipt.repeated else 202, RefundAccepted(refund_id, receipt.status))


def _is_of(refund: DocumentState, order_id: str) -> bool:
    """Whether a refund is of this order; true where what it said is not kept, for then the awarding tells."""
    if refund.entry is not None:
        return refund.entry.order_id == order_id
    return refund.content is None or msgspec.json.decode(refund.content, type=Refund).order_id == order_id


async def _accept(call: Call, refund: Refund) -> Answer:
    call.caller.check_source(refund.source)
    receipt = await call.services.intake.accept(refund, call.raw, call.caller.actor)
    return Answer(200 if receipt.repeated else 202, RefundAccepted(refund.refund_id, receipt.status))


ROUTES = (refund_order, cancel_refund, refund_member)
