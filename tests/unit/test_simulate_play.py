"""Playing a day against a shop that goes away, answers late, or is told to stop."""

import asyncio
from collections.abc import Sequence

import pytest

from laurels.errors import LedgerUnavailable
from laurels.model import Order, Refund
from laurels.workbench.simulate import play as playing
from laurels.workbench.simulate.day import DayPlan, Delivery, DeliveryKind, deliveries
from laurels.workbench.simulate.expected import ExpectedAnswer, ExpectedLedger, Rule
from laurels.workbench.simulate.play import Played, play

PLAN = DayPlan(members=20, orders=200, seed=3, currency="GBP", run="day", starts_at=1_780_000_000_000_000)


class AwayNowAndThen:
    """Takes what it is sent, and every third time says nothing about it."""

    def __init__(self) -> None:
        self.calls = 0
        self.ids: set[tuple[str, str]] = set()

    async def send(self, documents: Sequence[Order | Refund]) -> list[ExpectedAnswer]:
        call = self.calls = self.calls + 1
        await asyncio.sleep(0)
        answers = [self._take(document) for document in documents]
        if call % 3 == 0:
            raise LedgerUnavailable
        return answers

    def _take(self, document: Order | Refund) -> ExpectedAnswer:
        key = ("order", document.order_id) if isinstance(document, Order) else ("refund", document.refund_id)
        answer = ExpectedAnswer.REPEATED if key in self.ids else ExpectedAnswer.ACCEPTED
        self.ids.add(key)
        return answer


async def played(shop: AwayNowAndThen, stop: asyncio.Event, after: int = PLAN.orders) -> tuple[Played, ExpectedLedger]:
    expected = ExpectedLedger(Rule(points=1, per=1000, half_up=True))

    def report(sent: int) -> None:
        if sent >= after:
            stop.set()

    result = await play(shop, deliveries(PLAN), expected, seconds=0.01, stop=stop, report=report)  # type: ignore[arg-type]
    return result, expected


@pytest.mark.anyio
async def test_what_is_not_answered_is_sent_again_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "PAUSE_S", 0)
    shop = AwayNowAndThen()
    result, expected = await played(shop, asyncio.Event(), after=PLAN.orders + 1)
    sent = [document for one in deliveries(PLAN) for document in one.documents if one.kind is not DeliveryKind.REPEAT]
    assert (result.orders, result.stopped) == (PLAN.orders, False)
    assert result.sent_again > 0
    assert expected.count() == (len(sent), 0)
    assert len(shop.ids) == len(sent)


@pytest.mark.anyio
async def test_a_stop_ends_the_day_and_leaves_what_was_not_answered_unknown() -> None:
    shop = AwayNowAndThen()
    result, expected = await played(shop, asyncio.Event(), after=50)
    acknowledged, unanswered = expected.count()
    assert result.stopped
    assert result.orders == 50
    assert unanswered > 0
    assert acknowledged <= len(shop.ids) <= acknowledged + unanswered


@pytest.mark.anyio
async def test_a_shop_that_fails_otherwise_ends_the_day() -> None:
    class Broken:
        async def send(self, documents: Sequence[Order | Refund]) -> list[ExpectedAnswer]:
            raise ZeroDivisionError

    expected = ExpectedLedger(Rule(points=1, per=1000, half_up=True))
    day = [Delivery(0.0, DeliveryKind.ORDER, ())] * 1000
    with pytest.raises(ExceptionGroup) as caught:
        await play(Broken(), day, expected, seconds=0.01, stop=asyncio.Event(), report=lambda _: None)  # type: ignore[arg-type]
    assert caught.group_contains(ZeroDivisionError)
