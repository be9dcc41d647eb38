"""The made-up customers of the demo, of a simulated day and of the bench: who they are, what they spent before, and
what is in their baskets.
"""

import random

from laurels.clock import DAY
from laurels.model import Channel, Order

SOURCE = "shop"
"""The system that numbered what they bought before."""

DEAREST = 60_000
"""No basket costs more, in minor units."""

_KEENNESS = 2.32
"""With this power, every fifth customer places half of the orders (0.2 = 0.5 ** 2.32)."""


def member_id(number: int) -> str:
    """The shop's id for its customer number `number`."""
    return f"c{number:06d}"


def spent_points(rank: int, members: int) -> int:
    """How many points the customer with so many better ones has. The best are some 6 points apart; half have 16 at
    most, as shops have it.
    """
    return 1 + int(1900 * (411 / (rank + 411)) ** 1.3 + 25 * (1 - rank / members))


def earlier_order(number: int, members: int, now: int) -> Order:
    """All that customer number `number` of so many spent until now, as one order in the year before; the same content
    for the same arguments.
    """
    chance = random.Random(number)  # noqa: S311 - made-up orders, not secrets
    points = spent_points(number, members)
    return Order(
        source=SOURCE,
        order_id=earlier_order_id(number),
        member_id=member_id(number),
        currency="GBP",
        total=max(0, points * 1000 + chance.randrange(-499, 500)),
        channel=chance.choice(list(Channel)),
        occurred_at=now - chance.randrange(365 * DAY),
        quiet=True,
    )


def earlier_order_id(number: int) -> str:
    """The id of what customer number `number` spent before."""
    return f"H{number:06d}"


def customer(chance: random.Random, members: int) -> int:
    """Who orders next, of so many: every fifth customer places half of the orders."""
    return int(members * chance.random() ** _KEENNESS)


def basket(chance: random.Random) -> int:
    """What a basket costs in minor units: some pounds, seldom hundreds. Baskets follow Pareto's law."""
    return min(int(600 * chance.paretovariate(1.3)), DEAREST)
