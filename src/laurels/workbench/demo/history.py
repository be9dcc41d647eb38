"""What happened before the shop was opened for you: a hundred thousand customers, each with what they spent so far.

The first few thousand are there before the page is; the others follow while it is looked at, in small portions, so that
a purchase never waits behind them. The best come first, so that the board stands still while the rest comes in below.
A start that broke off goes on where it ended.
"""

import asyncio
from collections.abc import Callable

import structlog

from laurels.clock import DAY
from laurels.errors import LedgerUnavailable
from laurels.model import Channel, DocumentKind, MemberEvent, Order
from laurels.wiring import Services
from laurels.workbench.customers import SOURCE, earlier_order, earlier_order_id
from laurels.workbench.demo.accounts import ACCOUNTS, DemoAccount

ACTOR = "demo"
PORTION = 500
"""Customers a commit."""

AT_FIRST = 5_000
"""Customers who are there before the page is: as many as take a second or two."""

BREATH_S = 0.02
"""How often it is looked whether the last portion was awarded."""

PAUSE_S = 1.0
"""Between two tries while the ledger is away."""

log = structlog.get_logger(__name__)


class History:
    """Makes customers up. `members` is how many there are to be, `made` how many there are."""

    def __init__(self, services: Services, members: int) -> None:
        self._services = services
        self.members = members
        self.made = 0

    async def begin(self, report: Callable[[int, int], None]) -> None:
        """Make the demo accounts and the first customers up, where they are not there yet; `report` gets (made, of how
        many).
        """
        while self.made < self.members and await self._is_there(self.made):
            self.made += PORTION
        if self.made == 0:
            await self._enter_accounts()
        while self.made < min(AT_FIRST, self.members):
            await self._make_portion()
            await self._services.awarder.drain()
            report(self.made, min(AT_FIRST, self.members))

    async def go_on(self) -> None:
        """Make the others up, each portion when the one before is awarded (by another process)."""
        while self.made < self.members:
            try:
                await self._make_portion()
                while await self._services.ledger.inbox_depth():  # noqa: ASYNC110 - it is another process that awards
                    await asyncio.sleep(BREATH_S)
            except LedgerUnavailable as error:
                log.warning("demo.history_waits", made=self.made, error=error.message)
                await asyncio.sleep(PAUSE_S)

    async def _is_there(self, first: int) -> bool:
        """Whether the portion with this customer is there: it went in as a whole or not at all."""
        return await self._services.ledger.document(DocumentKind.ORDER, SOURCE, earlier_order_id(first)) is not None

    async def _make_portion(self) -> None:
        last = min(self.made + PORTION, self.members)
        orders = [earlier_order(number, self.members, self._services.now()) for number in range(self.made, last)]
        await self._services.intake.accept_all([(order, b"") for order in orders])
        self.made = last

    async def _enter_accounts(self) -> None:
        await self._services.members.enrol([(customer.member_id, customer.email) for customer in ACCOUNTS], actor=ACTOR)
        orders = [order for customer in ACCOUNTS for order in _orders_of(customer, self._services.now())]
        await self._services.intake.accept_all([(order, b"") for order in orders])
        for customer in ACCOUNTS:
            if customer.hidden:
                await self._services.members.change(customer.member_id, MemberEvent.HIDE, actor=ACTOR)


def _orders_of(customer: DemoAccount, now: int) -> list[Order]:
    return [
        Order(
            source=SOURCE,
            order_id=f"{customer.member_id}-{number}",
            member_id=customer.member_id,
            currency="GBP",
            total=total,
            channel=Channel.STORE,
            occurred_at=now - (len(customer.spent) - number + 1) * 23 * DAY,
            quiet=True,
        )
        for number, total in enumerate(customer.spent, 1)
    ]
