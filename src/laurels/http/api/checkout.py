"""Checkout: a signed-in member buys from the catalogue. The same path as a service's order, with another body."""

from laurels.checkout import CheckoutForm, Failure, Success
from laurels.errors import CheckoutClosed, Conflict, LedgerUnavailable, PaymentsUnavailable
from laurels.http.routes import Access, Request, Response, route


@route(
    "POST",
    "/order/{order_id}",
    access=Access(members="any"),
    answers={201: Success, 402: Failure},
    problems=(CheckoutClosed, Conflict, LedgerUnavailable, PaymentsUnavailable),
)
async def check_out(request: Request, form: CheckoutForm) -> Response:
    """Buy what is in the basket: priced from the catalogue, paid, and accepted.

    The same again gives the same answer, and finishes what broke off; so does a retry after a 503. A declined order
    stays declined under its id.
    """
    assert request.caller.member_id is not None, "only members are led here"
    request.limits.purchase(request.caller.member_id)
    answer = await request.services.checkout.buy(request.caller.member_id, request.ids["order_id"], form)
    return Response(201 if isinstance(answer, Success) else 402, answer)
