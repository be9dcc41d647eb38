"""Checkout: a signed-in member buys from the catalogue. The same path as a service's order, with another body."""

from laurels.checkout import CheckoutForm, Failure, Success
from laurels.errors import CheckoutClosed, Conflict, LedgerUnavailable, PaymentsUnavailable
from laurels.http.routes import Access, Answer, Call, route


@route(
    "POST",
    "/order/{order_id}",
    access=Access(members="any"),
    answers={201: Success, 402: Failure},
    problems=(CheckoutClosed, Conflict, LedgerUnavailable, PaymentsUnavailable),
)
async def check_out(call: Call, form: CheckoutForm) -> Answer:
    """Buy what is in the basket: priced from the catalogue, paid, and accepted.

    The same again gives the same answer, and finishes what broke off; so does a retry after a 503. A declined order
    stays declined under its id.
    """
    assert call.caller.member_id is not None, "only members are led here"
    call.limits.purchase(call.caller.member_id)
    answer = await call.services.checkout.buy(call.caller.member_id, call.ids["order_id"], form)
    return Answer(201 if isinstance(answer, Success) else 402, answer)
