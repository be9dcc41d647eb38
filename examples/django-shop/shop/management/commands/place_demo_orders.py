"""`./manage.py place_demo_orders`: a busy day of made-up orders and refunds, for trying things out."""

import random
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from shop.orders import Item, place_order, refund_order

CUSTOMERS = ("ann", "ben", "cat", "dan", "eve", "fay")


class Command(BaseCommand):
    """Place orders as a checkout would; refund every fourth, in parts."""

    help = "Place made-up orders and refunds."

    def add_arguments(self, parser: CommandParser) -> None:
        """The same seed makes the same baskets."""
        parser.add_argument("--orders", type=int, default=40)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *, orders: int, seed: int, **_: Any) -> None:
        """Customers are made at their first order; they cannot sign in."""
        chance = random.Random(seed)  # noqa: S311 - made-up baskets
        for number in range(orders):
            customer, _ = User.objects.get_or_create(username=chance.choice(CUSTOMERS))
            items = [
                Item(f"SKU-{chance.randint(1, 99)}", chance.randint(1, 3), Decimal(chance.randint(50, 6000)) / 100)
                for _ in range(chance.randint(1, 4))
            ]
            order = place_order(customer, items, channel=chance.choice(("web", "mobile", "store")))
            if number % 4 == 0:
                part = (order.total * Decimal(chance.random())).quantize(Decimal("0.01"))
                for amount in filter(None, (part, order.total - part)[: chance.randint(1, 2)]):
                    refund_order(order.pk, amount)
        self.stdout.write(f"{orders} orders are placed (seed {seed}).")
