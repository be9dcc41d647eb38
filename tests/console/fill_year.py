"""Fill a ledger with a year of a shop, for pictures of the console: python -m tests.console.fill_year STATE.

The clock is turned, so that what happened on a day was recorded on it.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.console.one_customer import TOTALS, WHO, after_orders, enrol, order

from laurels import clock
from laurels.clock import DAY, HOUR, SECOND
from laurels.model import Adjustment, Channel, Order, Redemption, Refund
from laurels.rollups import RollingUp
from laurels.settings import load
from laurels.testing.ledger_contract.base import TurnedClock
from laurels.wiring import Services, build

CUSTOMERS, DAYS = 60, 360
SATURDAY = 5
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


async def day_of(services: Services, number: int, orders: list[Order], rng: Random) -> None:
    """What happens on the day of this number: its orders; now and then a refund, points spent, a correction."""
    await services.ledger.accept([each.document() for each in orders])
    await services.awarder.drain()
    some = rng.choice([each for each in orders if each.currency == "GBP"])
    if number % 8 == 3:
        await services.ledger.accept([refund(f"R{number}", some).document()])
        await services.awarder.drain()
    if number % 4 == 1:
        found = await services.ledger.balance(some.member_id)
        if found is not None and found[0].balance > 20:
            spent = Redemption(source="till", redemption_id=f"V{number}", points=12, member_id=some.member_id)
            await services.points.redeem(spent, "till")
    if number % 30 == 15:
        late = Adjustment(
            id=f"k{number}", points=5, actor="person:niamh", member_id=some.member_id, reason="late parcel"
        )
        await services.points.adjust(late)


def orders_of(number: int, weekday: int, rng: Random) -> list[Order]:
    """A day's orders: more from month to month, and at the week's end."""
    orders = []
    for n in range(rng.randint(1, 3) + number // 120 + (weekday >= SATURDAY)):
        who = f"{12000 + rng.randrange(CUSTOMERS)}"
        orders.append(order(f"{number:03}-{n}", who, f"{rng.randrange(10, 240)}.{rng.randrange(100):02}"))
    if number % 5 == 2:
        orders.append(order(f"E{number}", f"{12000 + number % 6}", "80.00", "EUR"))
    if number % 30 == 20:
        month = number // 30
        orders.append(order(f"69287{month}", WHO, TOTALS[month % len(TOTALS)], channel=CHANNELS[month % 3]))
    return orders


async def fill(state: Path) -> None:
    """A year, day by day."""
    now, rng = TurnedClock(clock.now() - DAYS * DAY - SECOND), Random(7)
    rules = state.parent / "rules.toml"
    rules.write_text(RULES.format(day(-12), day(9), day(4), day(40)), "utf-8")
    settings = load({"state": state, "program.file": rules}, environment={})
    async with build(settings, now=now) as services:
        ledger = services.ledger
        await enrol(services)
        await ledger.enrol([(f"{12000 + n}", f"c{n}@example.ie") for n in range(CUSTOMERS)], actor="shop")
        began = now.at
        for number in range(DAYS):
            now.at = began + (number + 1) * DAY - rng.randrange(10 * HOUR)  # at some hour of it
            orders = orders_of(number, datetime.fromtimestamp(now.at // SECOND, UTC).weekday(), rng)
            await day_of(services, number, orders, rng)
        now.at = clock.now()
        await after_orders(services)
        await services.projector.catch_up()
        await RollingUp(ledger, services.programs.current.zone).reach()


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1])))
