"""Refunds: of an order, or of an amount that names none."""

from msgspec import Struct

from laurels.errors import Conflict, LedgerUnavailable
from laurels.http.routes import Access, Answer, Call, route
from laurels.intake import RefundForm, UnlinkedRefundForm
from laurels.model import Refund, Status

WRITE = Access(("orders:write",))


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


async def _accept(call: Call, refund: Refund) -> Answer:
    call.caller.check_source(refund.source)
    receipt = await call.services.intake.accept(refund, call.raw)
    return Answer(200 if receipt.repeated else 202, RefundAccepted(refund.refund_id, receipt.status))


ROUTES = (refund_order, refund_member)
