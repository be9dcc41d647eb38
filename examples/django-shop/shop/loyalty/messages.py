"""What Laurels is told of an order and of a refund: facts alone. How many points they are worth, its program says.

Money goes as text, exactly; times carry their offset. A customer is known by the shop's own id, which never changes and
tells nobody anything; of an e-mail address neither is true.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User

from shop.models import Order, OrderLine, Refund


def member_id(customer: User) -> str:
    """Who a customer is to Laurels."""
    return str(customer.pk)


def order_content(order: Order, lines: Iterable[OrderLine]) -> dict[str, Any]:
    """An order as Laurels takes it. The address is for the mail at a milestone, and left out where there is none."""
    content = {
        "member_id": member_id(order.customer),
        "currency": order.currency,
        "channel": order.channel,
        "occurred_at": order.placed_at.isoformat(),
        "lines": [{"sku": line.sku, "quantity": line.quantity, "unit_price": str(line.unit_price)} for line in lines],
        "total": f"{order.total:.2f}",
    }
    return content | ({"email": order.customer.email} if order.customer.email else {})


def refund_content(refund: Refund) -> dict[str, Any]:
    """A refund as Laurels takes it."""
    return {
        "refund_id": str(refund.pk),
        "member_id": member_id(refund.order.customer),
        "currency": refund.order.currency,
        "amount": f"{refund.amount:.2f}",
        "occurred_at": refund.refunded_at.isoformat(),
    }
