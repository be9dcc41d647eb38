"""A day at a national target, made up: who orders what, when it reaches us, and in which disorder.

A day is the same for the same plan, to the last byte. Nothing of it depends on what is answered.
"""

import heapq
from collections.abc import Iterator
from enum import StrEnum
from random import Random

from msgspec import Struct

from laurels.clock import DAY, SECOND
from laurels.model import Channel, Order, Refund
from laurels.workbench.customers import basket, customer, member_id

HOUR_S = 3_600
DAY_S = 24 * HOUR_S

CURVE = (4, 2, 1, 1, 1, 2, 6, 14, 24, 34, 44, 54, 62, 56, 48, 46, 48, 56, 66, 76, 80, 64, 36, 14)
"""How busy each hour is, from midnight: a peak at lunch, a higher one in the evening."""

REFUNDED = 0.05
"""Orders that are given back in part or as a whole."""

REPEATED = 0.02
"""Documents that are sent again: a double tap, a till that did not hear the answer."""

LATE = 0.02
"""Orders that happened on an earlier day."""

LATEST = 40 * DAY
"""A late order happened this long ago at most: some miss their month's board, which closes after 7 days."""

OUTAGES = 4
"""Times in a day at which some stores lose their connection, for up to an hour each; they sell on."""

STORES_CUT_OFF = 0.5
"""The part of the stores' orders that an outage holds back."""

BURST = 100
"""Documents that a store sends at once when it is back."""


class DeliveryKind(StrEnum):
    """Why something is sent."""

    ORDER = "order"
    REFUND = "refund"
    REPEAT = "repeat"
    LATE = "late"
    OFFLINE = "offline"


class Delivery(Struct, frozen=True):
    """What reaches us together, `at_s` seconds after midnight."""

    at_s: float
    kind: DeliveryKind
    documents: tuple[Order | Refund, ...]


class DayPlan(Struct, frozen=True, kw_only=True):
    """What makes a day: how many members and orders, the seed, and the currency.

    `run` begins the ids of the day's orders and must be new; `starts_at` is the instant at which the day is played.
    """

    members: int
    orders: int
    seed: int
    currency: str
    run: str
    starts_at: int


def deliveries(plan: DayPlan) -> Iterator[Delivery]:
    """All that reaches us in the day, in that order. Holds what is still to come of orders begun, not the whole day."""
    return _Day(plan).deliveries()


class _Outage(Struct):
    """Stores without a connection; what they sold waits."""

    start_s: float
    end_s: float
    held: list[Order | Refund] = []

    def covers(self, at_s: float) -> bool:
        return self.start_s <= at_s < self.end_s


class _Day:
    """The state of the making up: the random numbers, the outages, and what is to be sent, soonest first."""

    def __init__(self, plan: DayPlan) -> None:
        self._plan = plan
        self._chance = Random(plan.seed)  # noqa: S311 - made-up orders, not secrets
        starts = [min(self._moment(), DAY_S - HOUR_S) for _ in range(OUTAGES)]
        self._outages = [_Outage(start, start + self._chance.uniform(0.5, 1) * HOUR_S) for start in starts]
        self._coming: list[tuple[float, int, Delivery]] = []
        self._pushed = 0

    def deliveries(self) -> Iterator[Delivery]:
        moments = sorted(self._moment() for _ in range(self._plan.orders))
        for number, at_s in enumerate(moments):
            yield from self._until(at_s)
            self._sell(number, at_s)
        yield from self._until(DAY_S)

    def _moment(self) -> float:
        [hour] = self._chance.choices(range(24), CURVE)
        return (hour + self._chance.random()) * HOUR_S

    def _until(self, at_s: float) -> Iterator[Delivery]:
        """What is sent up to a moment."""
        while True:
            back = min((outage for outage in self._outages if outage.held), key=lambda one: one.end_s, default=None)
            if back is not None and back.end_s <= at_s and not (self._coming and self._coming[0][0] < back.end_s):
                yield from self._burst(back)
            elif self._coming and self._coming[0][0] <= at_s:
                yield heapq.heappop(self._coming)[2]
            else:
                return

    def _burst(self, outage: _Outage) -> Iterator[Delivery]:
        """All that the stores sold meanwhile, in no order at all: a refund may come before its order."""
        held, outage.held = outage.held, []
        self._chance.shuffle(held)
        for start in range(0, len(held), BURST):
            yield Delivery(outage.end_s, DeliveryKind.OFFLINE, tuple(held[start : start + BURST]))

    def _sell(self, number: int, at_s: float) -> None:
        """One order, and what follows from it."""
        channel = self._chance.choice(list(Channel))
        outage = next((outage for outage in self._outages if outage.covers(at_s)), None)
        if channel is not Channel.STORE or self._chance.random() >= STORES_CUT_OFF:
            outage = None
        kind = DeliveryKind.ORDER if outage is None else DeliveryKind.OFFLINE
        occurred_at = None if outage is None else self._till_time(outage, at_s)
        if outage is None and self._chance.random() < LATE:
            kind, occurred_at = DeliveryKind.LATE, self._plan.starts_at - self._chance.randrange(DAY, LATEST)
        order = Order(
            source=self._plan.run,
            order_id=f"{self._plan.run}-{number}",
            # The best customer opens the day, so that a ledger with such a day in it can be told from a shop's own.
            member_id=member_id(customer(self._chance, self._plan.members) if number else 0),
            currency=self._plan.currency,
            total=basket(self._chance),
            channel=channel,
            occurred_at=occurred_at,
        )
        self._send(order, kind, at_s, outage)
        if self._chance.random() < REFUNDED:
            self._give_back(order, at_s, outage)

    def _give_back(self, order: Order, at_s: float, outage: _Outage | None) -> None:
        """Refund an order in one or two parts, later on the day; never more than it cost."""
        left = order.total
        for part in range(self._chance.choice((1, 1, 1, 2))):
            at_s = self._chance.uniform(at_s, DAY_S)
            amount = left if self._chance.random() < 1 / 2 else self._chance.randrange(1, left + 1)
            is_held = outage is not None and outage.covers(at_s)
            refund = Refund(
                source=order.source,
                refund_id=f"{order.order_id}-r{part}",
                member_id=order.member_id,
                order_id=order.order_id,
                currency=order.currency,
                amount=amount,
                occurred_at=self._till_time(outage, at_s) if outage is not None and is_held else None,
            )
            self._send(
                refund, DeliveryKind.OFFLINE if is_held else DeliveryKind.REFUND, at_s, outage if is_held else None
            )
            left -= amount
            if not left:
                return

    def _send(self, document: Order | Refund, kind: DeliveryKind, at_s: float, outage: _Outage | None) -> None:
        """At its moment, or with the burst of its store; some documents once more after that."""
        if outage is None:
            self._push(at_s, kind, document)
        else:
            outage.held.append(document)
        if self._chance.random() < REPEATED:
            sent_s = at_s if outage is None else outage.end_s
            again_s = sent_s + self._chance.choice((0, self._chance.expovariate(1 / HOUR_S)))
            self._push(min(again_s, DAY_S), DeliveryKind.REPEAT, document)

    def _push(self, at_s: float, kind: DeliveryKind, document: Order | Refund) -> None:
        self._pushed += 1
        heapq.heappush(self._coming, (at_s, self._pushed, Delivery(at_s, kind, (document,))))

    def _till_time(self, outage: _Outage, at_s: float) -> int:
        """What the clock of a till showed, were the end of the outage now."""
        return self._plan.starts_at - int((outage.end_s - at_s) * SECOND)
