"""Fill a ledger for the console's browser tests and pictures: python fill.py STATE."""

import asyncio
import sys
from pathlib import Path

from laurels.model import Adjustment, Order, Redemption, Refund
from laurels.model.money import parse_amount
from laurels.rollups import RollingUp
from laurels.settings import load
from laurels.wiring import build

TOTALS = ("227.60", "58.00", "1200.00", "99.00", "45.50", "310.00", "18.99", "76.40")


def order(order_id: str, member_id: str, total: str, currency: str = "GBP") -> Order:
    """An order of the shop."""
    amount = parse_amount(total, currency, "total")
    return Order(source="shop", order_id=order_id, member_id=member_id, currency=currency, total=amount)


async def fill(state: Path) -> None:
    """One customer with all kinds of entries, forty others, three orders in a currency without a rule."""
    async with build(load({"state": state}, environment={})) as services:
        ledger = services.ledger
        await ledger.enrol([("16133", "mary.hennessy@example.ie")], actor="shop")
        orders = [order(f"69287{number}", "16133", total) for number, total in enumerate(TOTALS)]
        orders += [order(f"7{number:05}", f"{12000 + number}", f"{50 * number + 10}.00") for number in range(40)]
        orders += [order(f"USD/{number}", "16133", "25.00", "USD") for number in range(3)]
        await ledger.accept([each.document() for each in orders])
        await services.awarder.drain()
        spent = Redemption(source="till", redemption_id="V1", points=40, member_id="16133", reason="free delivery")
        await services.points.redeem(spent, "till")
        given = Adjustment(
            id="k1",
            points=25,
            actor="person:niamh",
            member_id="16133",
            reason="parcel came four days late; ticket 48213",
            note="Sorry that your parcel came late",
        )
        await services.points.adjust(given)
        back = Refund(source="shop", refund_id="R1", order_id="692871", member_id="16133", currency="GBP", amount=1200)
        await ledger.accept([back.document()])
        await services.awarder.drain()
        await services.projector.catch_up()
        await RollingUp(ledger, services.programs.current.zone).reach()


asyncio.run(fill(Path(sys.argv[1])))
