"""A made-up day: the same for the same plan, in order of time, with all the disorder that it promises."""

from collections import Counter

import msgspec
import pytest

from laurels.clock import DAY, HOUR, SECOND
from laurels.model import Order, Refund
from laurels.workbench.customers import member_id
from laurels.workbench.simulate.day import BURST, DAY_S, HOUR_S, LATEST, DayPlan, Delivery, DeliveryKind, deliveries

NOW = 1_780_000_000 * SECOND
PLAN = DayPlan(members=300, orders=5_000, seed=11, currency="GBP", run="day1", starts_at=NOW)


@pytest.fixture(scope="module")
def day() -> list[Delivery]:
    print(f"seed {PLAN.seed}")
    return list(deliveries(PLAN))


def documents(day: list[Delivery], *kinds: DeliveryKind) -> list[Order | Refund]:
    return [document for one in day if one.kind in kinds for document in one.documents]


def test_it_is_the_same_for_the_same_plan_and_another_for_another_seed(day: list[Delivery]) -> None:
    assert list(deliveries(PLAN)) == day
    assert list(deliveries(msgspec.structs.replace(PLAN, seed=12))) != day


def test_it_comes_in_order_of_time(day: list[Delivery]) -> None:
    moments = [one.at_s for one in day]
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] <= DAY_S


def test_every_order_is_sent_and_only_repeats_are_sent_again(day: list[Delivery]) -> None:
    first = documents(day, DeliveryKind.ORDER, DeliveryKind.REFUND, DeliveryKind.LATE, DeliveryKind.OFFLINE)
    ids = [document.order_id if isinstance(document, Order) else document.refund_id for document in first]
    assert len(set(ids)) == len(ids)
    assert sum(isinstance(document, Order) for document in first) == PLAN.orders
    repeats = documents(day, DeliveryKind.REPEAT)
    assert 0.01 < len(repeats) / len(first) < 0.03
    assert all(document in first for document in repeats)


def test_refunds_are_one_in_twenty_and_never_more_than_the_order(day: list[Delivery]) -> None:
    orders = {one.order_id: one for one in documents(day, *DeliveryKind) if isinstance(one, Order)}
    refunds = {one.refund_id: one for one in documents(day, *DeliveryKind) if isinstance(one, Refund)}
    given_back: Counter[str] = Counter()
    for refund in refunds.values():
        assert refund.order_id is not None
        assert orders[refund.order_id].member_id == refund.member_id
        assert refund.amount > 0
        given_back[refund.order_id] += refund.amount
    assert 0.04 < len(given_back) / len(orders) < 0.06
    assert all(amount <= orders[order_id].total for order_id, amount in given_back.items())
    assert any(amount < orders[order_id].total for order_id, amount in given_back.items())


def test_late_orders_happened_on_earlier_days(day: list[Delivery]) -> None:
    late = documents(day, DeliveryKind.LATE)
    assert 0.01 < len(late) / PLAN.orders < 0.03
    for order in late:
        assert order.occurred_at is not None
        assert NOW - LATEST <= order.occurred_at <= NOW - DAY
    assert all(order.occurred_at is None for order in documents(day, DeliveryKind.ORDER))


def test_stores_come_back_with_bursts_in_no_order(day: list[Delivery]) -> None:
    bursts = [one for one in day if one.kind is DeliveryKind.OFFLINE]
    assert len(bursts) >= 2
    assert max(len(burst.documents) for burst in bursts) <= BURST
    held = documents(day, DeliveryKind.OFFLINE)
    times = [one.occurred_at for one in held]
    assert all(at is not None and NOW - HOUR <= at <= NOW for at in times)
    assert times != sorted(times, key=lambda at: at or 0)


def test_the_evening_is_busier_than_the_night(day: list[Delivery]) -> None:
    hours = Counter(int(one.at_s // HOUR_S) for one in day if one.kind is DeliveryKind.ORDER)
    assert hours[20] > 10 * hours[3]


def test_a_few_customers_place_most_orders_and_the_best_one_opens(day: list[Delivery]) -> None:
    orders = [
        one
        for one in documents(day, DeliveryKind.ORDER, DeliveryKind.LATE, DeliveryKind.OFFLINE)
        if isinstance(one, Order)
    ]
    best = {member_id(number) for number in range(PLAN.members // 5)}
    assert 0.45 < sum(order.member_id in best for order in orders) / len(orders) < 0.55
    assert next(order for order in orders if order.order_id == "day1-0").member_id == member_id(0)


def test_a_day_of_one_order_and_one_member() -> None:
    [first, *_] = deliveries(msgspec.structs.replace(PLAN, members=1, orders=1))
    assert len(first.documents) == 1
