"""The other customers, who go on buying while you look."""

import asyncio
import random

import structlog

from laurels import clock
from laurels.errors import LedgerUnavailable
from laurels.model import Channel, Order
from laurels.wiring import Services
from laurels.workbench.customers import SOURCE, basket, member_id
from laurels.workbench.demo.history import History

REGULARS = 300
"""The best customers, of whom every third order is, so that the top of the board moves too."""

LONGEST_LULL_S = 0.25
"""A new pace is taken up after this time at the latest."""

log = structlog.get_logger(__name__)


class Traffic:
    """So many orders a second, on the average; may be changed at any time."""

    def __init__(self, orders_per_second: float) -> None:
        self.orders_per_second = orders_per_second

    async def flow(self, services: Services, history: History) -> None:
        """Order and order, at random moments as customers do. While the ledger is away, nobody can."""
        chance = random.Random()  # noqa: S311 - made-up orders, not secrets
        while True:
            await self._lull(chance.expovariate(1))
            try:
                await services.intake.accept(_order(history.made, chance))
            except LedgerUnavailable as error:
                log.warning("demo.order_lost", error=error.message)

    async def _lull(self, length: float) -> None:
        """Let `length` times the mean time between two orders pass, at the pace of each moment."""
        last = clock.elapsed()
        while length > 0:
            await asyncio.sleep(min(length / self.orders_per_second, LONGEST_LULL_S))
            now = clock.elapsed()
            length -= (now - last) * self.orders_per_second
            last = now


def _order(customers: int, chance: random.Random) -> Order:
    """One more order; the regulars come more often."""
    number = chance.randrange(REGULARS if chance.random() < 1 / 3 else customers)
    return Order(
        source=SOURCE,
        order_id=f"T{chance.getrandbits(64):016x}",
        member_id=member_id(number),
        currency="GBP",
        total=basket(chance),
        channel=chance.choice(list(Channel)),
        quiet=True,
    )
