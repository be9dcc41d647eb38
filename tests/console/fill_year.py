"""Fill a ledger with a year of a shop, for pictures of the console: python -m tests.console.fill_year STATE.

The clock is turned, so that what happened in a month was recorded in it.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.console.one_customer import TOTALS, WHO, after_orders, enrol, order

from laurels import clock
from laurels.clock import DAY, SECOND
from laurels.model import Adjustment, Channel, Order, Redemption, Refund
from laurels.rollups import RollingUp
from laurels.settings import load
from laurels.wiring import Services, build

CUSTOMERS, MONTHS = 60, 12
CHANNELS = (*Channel,)
RULES = """version = 1
value = {{ GBP = "0.10", EUR = "0.12" }}
[earn]
points = 1
per = {{ GBP = "10.00", EUR = "10.00" }}
rounding = "half-up"
[expiry]
kind = "after-months"
months = 13
round = "end-of-month"
[tiers]
counts = "base"
period = "year"
levels = [ {{ name = "blue", reach = 0 }}, {{ name = "gold", reach = 150, multiply = "1.5" }} ]
[[milestones]]
name = "regular"
above = 300
[[campaigns]]
name = "double dairy"
from = "{0}"
until = "{1}"
multiply = "2"
budget = 4000
[[campaigns]]
name = "welcome"
where = {{ nth_order = 1 }}
spend_min = {{ GBP = "10.00" }}
points = 10
[[campaigns]]
name = "winter"
from = "{2}"
until = "{3}"
points = 25
spend_min = {{ GBP = "100.00" }}
"""


class Turned:
    """A clock that stands where it was turned to."""

    def __init__(self) -> None:
        self.at = clock.now() - MONTHS * 30 * DAY

    def __call__(self) -> int:
        return self.at


def day(days: int) -> str:
    """A local midnight, so many days from now."""
    at = datetime.now(UTC) + timedelta(days=days)
    return f"{at:%Y-%m-%d}T00:00"


def refund(refund_id: str, of: Order) -> Refund:
    """Nine pounds of an order given back."""
    order_id, member_id = of.order_id, of.member_id
    return Refund(
        source="shop", refund_id=refund_id, order_id=order_id, member_id=member_id, currency="GBP", amount=900
    )


async def month(services: Services, number: int, rng: Random) -> None:
    """What happens in one month: orders, refunds, points spent, a correction."""
    ledger = services.ledger
    orders = []
    for n in range(40 + 3 * number):
        who = f"{12000 + rng.randrange(CUSTOMERS)}"
        orders.append(order(f"{number:02}{n:03}", who, f"{rng.randrange(8, 240)}.{rng.randrange(100):02}"))
    orders.append(order(f"69287{number}", WHO, TOTALS[number % len(TOTALS)], channel=CHANNELS[number % 3]))
    orders += [order(f"E{number}-{n}", f"{12000 + n}", "80.00", "EUR") for n in range(6)]
    await ledger.accept([each.document() for each in orders])
    await services.awarder.drain()
    back = [refund(f"R{number}-{n}", orders[n]) for n in range(4)]
    await ledger.accept([each.document() for each in back])
    await services.awarder.drain()
    for n in range(8):
        who = orders[n].member_id
        found = await ledger.balance(who)
        if found is not None and found[0].balance > 20:
            spent = Redemption(source="till", redemption_id=f"V{number}-{n}", points=12, member_id=who)
            await services.points.redeem(spent, "till")
    late = Adjustment(
        id=f"k{number}", points=5, actor="person:niamh", member_id=orders[0].member_id, reason="late parcel"
    )
    await services.points.adjust(late)


async def fill(state: Path) -> None:
    """A year, month by month."""
    now, rng = Turned(), Random(7)
    rules = state.parent / "rules.toml"
    rules.write_text(RULES.format(day(-12), day(9), day(4), day(40)), "utf-8")
    settings = load({"state": state, "program.file": rules}, environment={})
    async with build(settings, now=now) as services:
        ledger = services.ledger
        await enrol(services)
        await ledger.enrol([(f"{12000 + n}", f"c{n}@example.ie") for n in range(CUSTOMERS)], actor="shop")
        for number in range(MONTHS):
            now.at = min(now.at + 30 * DAY, clock.now() - SECOND)
            await month(services, number, rng)
        now.at = clock.now()
        await after_orders(services)
        await services.projector.catch_up()
        await RollingUp(ledger, services.programs.current.zone).reach()


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1])))
