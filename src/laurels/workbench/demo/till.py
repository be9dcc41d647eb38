"""The demo shop's till, for orders that are paid with points in part: what a shop writes to let customers spend them.

Points are set aside first, then the card is charged, then the points are taken, then Laurels is told of the order. Each
step may be repeated under the order's id, by a customer who presses "Buy" again after a break in the line: it gives the
first answer. One who never does gets the points back when the hold lapses; what the card paid by then is the provider's
to give back, which the sandbox has no need for.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from laurels.checkout import CheckoutForm, Declined, Failure, PaymentRequest, PricedItems, Success
from laurels.errors import Conflict, InsufficientPoints, InvalidInput, LedgerUnavailable, PaymentsUnavailable
from laurels.http.routes import Access, Request, Response, route
from laurels.model import Channel, DocumentKind, Order, Restoration
from laurels.model.currencies import DECIMALS
from laurels.model.lines import Payment
from laurels.model.money import format_amount
from laurels.model.spending import Capture, Hold, Void
from laurels.points import SHOP
from laurels.wiring.payments import open_payments

ACTOR = "till"
POINTS = "points"
"""The method of payment, as the program's `exclude_payments` calls it."""


class PointsCheckoutForm(CheckoutForm, forbid_unknown_fields=True, kw_only=True):
    """A checkout, and how many points it is paid with; the card pays the rest."""

    points: Annotated[int, Meta(ge=1)]


@route(
    "POST",
    "/demo/orders/{order_id}",
    access=Access(members="any"),
    answers={201: Success, 402: Failure},
    problems=(Conflict, InsufficientPoints, LedgerUnavailable, PaymentsUnavailable),
)
async def pay_with_points(request: Request, form: PointsCheckoutForm) -> Response:
    """Sell what is in the basket for points and the rest by card."""
    member_id, order_id = request.caller.member_id, request.ids["order_id"]
    assert member_id is not None, "services have no basket"
    form.check()
    services, points = request.services, request.services.points
    basket = services.checkout.catalogue.price(form.item_ids)
    paid = _paid_by(request, basket, form)
    await points.hold(Hold(source=SHOP, hold_id=order_id, points=form.points, member_id=member_id), ACTOR)
    for card in paid[1:]:
        payment = PaymentRequest(
            key=f"{SHOP}/{order_id}", amount=card.amount, currency=basket.currency, method=form.payment.method
        )
        outcome = await open_payments(services.settings).pay(payment, form.payment.token)
        if isinstance(outcome, Declined):
            await points.void(Void(source=SHOP, hold_id=order_id, member_id=member_id), ACTOR)
            return Response(402, Failure(order_id=order_id, reason=outcome.reason))
    await points.capture(Capture(source=SHOP, hold_id=order_id, points=form.points, member_id=member_id), ACTOR)
    order = _order(member_id, order_id, basket, paid)
    await services.intake.accept(order, order.document().content, ACTOR)
    total = format_amount(basket.total, basket.currency)
    return Response(201, Success(order_id=order_id, total=total, currency=basket.currency))


async def give_points_back(request: Request, source: str, order_id: str, member_id: str) -> None:
    """Cancel what an order was paid with in points, before the order itself is taken back: then nothing that lapsed
    meanwhile is missed. Twice is as once.
    """
    document = await request.services.ledger.document(DocumentKind.ORDER, source, order_id)
    if document is None or document.content is None:
        return
    paid = msgspec.json.decode(document.content, type=_Paid).payments
    if any(payment.method == POINTS for payment in paid):
        back = Restoration(source=source, cancel_id="returned", redemption_id=f"hold:{order_id}", member_id=member_id)
        await request.services.points.cancel(back, ACTOR)


def point_value(request: Request, currency: str) -> str | None:
    """What a point pays for, as a decimal string; None where the program says nothing."""
    worth = _millionths(request, currency)
    return None if worth is None else format_amount(worth // _per_minor(currency), currency)


class _Paid(Struct):
    """What an order's kept content says of how it was paid."""

    payments: tuple[Payment, ...] = ()


def _paid_by(request: Request, basket: PricedItems, form: PointsCheckoutForm) -> tuple[Payment, ...]:
    """The points' share of the total, and the card's, where there is any."""
    worth = _millionths(request, basket.currency)
    if worth is None:
        raise InvalidInput.of("points", f"pay for nothing in {basket.currency}")
    amount = form.points * worth // _per_minor(basket.currency)
    if amount > basket.total:
        raise InvalidInput.of("points", "are worth more than the order")
    rest = basket.total - amount
    return (Payment(POINTS, amount), *((Payment(form.payment.method, rest),) if rest else ()))


def _order(member_id: str, order_id: str, basket: PricedItems, paid: tuple[Payment, ...]) -> Order:
    return Order(
        source=SHOP,
        order_id=order_id,
        member_id=member_id,
        currency=basket.currency,
        channel=Channel.WEB,
        lines=basket.lines,
        traits=basket.traits,
        total=basket.total,
        payments=paid,
    )


def _millionths(request: Request, currency: str) -> int | None:
    """What a point is worth in millionths of the currency's major unit."""
    services = request.services
    return dict(services.programs.at(services.now()).value).get(currency)


def _per_minor(currency: str) -> int:
    """Millionths of a major unit in a minor one."""
    return int(10 ** (6 - DECIMALS[currency]))
