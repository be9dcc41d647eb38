"""Placing and refunding orders: the shop's own facts and the news for Laurels, in one transaction each.

Nothing here talks to Laurels. A checkout that called it would be as slow as the network, would fail when Laurels is
away, and would sometimes tell of an order that was rolled back, or keep one that it never told of.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum

from shop.loyalty import messages
from shop.models import LoyaltyOutbox, Order, OrderLine, Refund


class Item(NamedTuple):
    """Goods in a basket, with the price that the shop asks: never one that came from a browser."""

    sku: str
    quantity: int
    unit_price: Decimal


def place_order(customer: User, items: Sequence[Item], channel: str = "web") -> Order:
    """Place a paid order. It and its outbox row are there together, or neither is."""
    total = sum((item.quantity * item.unit_price for item in items), Decimal())
    with transaction.atomic():
        order = Order.objects.create(customer=customer, channel=channel, total=total)
        lines = OrderLine.objects.bulk_create(OrderLine(order=order, **item._asdict()) for item in items)
        LoyaltyOutbox.objects.create(order=order, content=messages.order_content(order, lines))
    return order


def refund_order(order_id: int, amount: Decimal) -> Refund:
    """Give back a part of an order, or the rest. Raises `ValidationError` for more than is left of it."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order_id)  # two refunds at once: the second sees the first
        left = order.total - (order.refunds.aggregate(sum=Sum("amount"))["sum"] or 0)
        if not 0 < amount <= left:
            raise ValidationError(f"{amount} cannot be refunded: {left} is left of order {order_id}.")
        refund = Refund.objects.create(order=order, amount=amount)
        LoyaltyOutbox.objects.create(order=order, refund=refund, content=messages.refund_content(refund))
    return refund
