"""Customer 16133, to whom everything happens that a page of the console can show: what the ledgers of browser tests and
of pictures have in common.
"""

from laurels.model import Adjustment, Channel, Order, Redemption, Refund
from laurels.model.money import parse_amount
from laurels.wiring import Services

WHO = "16133"
TOTALS = ("227.60", "58.00", "1200.00", "99.00", "45.50", "310.00", "18.99", "76.40")
"""Of its orders 692870, 692871 and so on."""


def order(order_id: str, member_id: str, total: str, currency: str = "GBP", channel: Channel = Channel.WEB) -> Order:
    """An order of the shop."""
    return Order(
        source="shop",
        order_id=order_id,
        member_id=member_id,
        currency=currency,
        total=parse_amount(total, currency, "total"),
        channel=channel,
    )


async def enrol(services: Services) -> None:
    """The customer is the first one, number 0, and has an address."""
    await services.ledger.enrol([(WHO, "mary.hennessy@example.ie")], actor="shop")


async def after_orders(services: Services) -> None:
    """Points spent, a correction, a refund; and three orders that wait on the work list."""
    spent = Redemption(source="till", redemption_id="V1", points=40, member_id=WHO, reason="free delivery")
    await services.points.redeem(spent, "till")
    given = Adjustment(
        id="k-16133",
        points=25,
        actor="person:niamh",
        member_id=WHO,
        reason="parcel came four days late; ticket 48213",
        note="Sorry that your parcel came late",
    )
    await services.points.adjust(given)
    back = Refund(source="shop", refund_id="R1", order_id="692871", member_id=WHO, currency="GBP", amount=1200)
    dollars = [order(f"USD/{number}", WHO, "25.00", "USD") for number in range(3)]
    await services.ledger.accept([back.document(), *(each.document() for each in dollars)])
    await services.awarder.drain()
