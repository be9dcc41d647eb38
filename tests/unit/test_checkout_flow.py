"""The flow of a purchase over a real ledger and the sandbox: answers, repeats, conflicts, and what broke off."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.settings import settings_with

from laurels.checkout import (
    SOURCE,
    CheckoutForm,
    Failure,
    Intent,
    IntentState,
    PaymentDetails,
    PaymentOutcome,
    PaymentRequest,
    Payments,
    Success,
)
from laurels.clock import DAY, HOUR
from laurels.engines.payments import SandboxPayments
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import Conflict, InvalidInput, PaymentsUnavailable
from laurels.model import DocumentKind, EntryKind, Mark, MemberEvent, Order, Status
from laurels.testing.ledger_contract.base import TurnedClock
from laurels.wiring import Services, build

pytestmark = pytest.mark.anyio

PAID = "tok_ok"

OWN = "member:0"
"""The circle of ids of the first buyer."""

NEW_YEARS_EVE = 1_798_761_540_000_000  # 2026-12-31T23:59:00Z

BOUGHT = Success(order_id="A1", total="9.33", currency="GBP")
DECLINED = Failure(order_id="A1", reason="declined")
INTERRUPTED = Failure(order_id="A1", reason="interrupted")


class CheckoutShop:
    """A system and the steps that the tests are told in."""

    def __init__(self, services: Services, now: TurnedClock) -> None:
        self.services = services
        self.now = now
        self.checkout = services.checkout
        self.payments = SandboxPayments(services.settings.state / "payments")

    @property
    def ledger(self) -> SqliteLedger:
        assert isinstance(self.services.ledger, SqliteLedger)
        return self.services.ledger

    async def buy(self, *items: str, member: str = "ann", order: str = "A1", token: str = PAID) -> Success | Failure:
        details = PaymentDetails(method="card", token=token)
        form = CheckoutForm(item_ids=list(items or ("85123A", "71053", "71053")), payment=details)
        return await self.checkout.buy(member, order, form)

    async def orders(self) -> int:
        """How many orders the ledger has."""
        await self.services.awarder.drain()
        return len([entry for entry in await self.ledger.feed(0, Mark(), 1000) if entry.kind is EntryKind.EARN])

    def charges(self) -> int:
        return len(self.payments.charges())

    async def state(self, order: str = "A1") -> IntentState | None:
        intent = await self.ledger.intents.find(order, OWN)
        return intent.state if intent else None


@asynccontextmanager
async def open_shop(state: Path, payments: Payments | None = None, **settings: Any) -> AsyncIterator[CheckoutShop]:
    now = TurnedClock(NEW_YEARS_EVE)
    async with build(settings_with(state=state, **settings), now=now, payments=payments) as services:
        yield CheckoutShop(services, now)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[CheckoutShop]:
    async with open_shop(tmp_path) as shop:
        yield shop


def check_nowhere(folder: Path, text: str) -> None:
    """No file in a folder holds a text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if text.encode() in path.read_bytes()] == []


class Interposed:
    """The sandbox behind something that goes wrong on the way to it, or on the way back."""

    name = "interposed"

    def __init__(self, state: Path) -> None:
        self._sandbox = SandboxPayments(state / "payments")

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        return await self._sandbox.pay(payment, token)

    async def give_up(self, payment: PaymentRequest) -> PaymentOutcome:
        return await self._sandbox.give_up(payment)

    async def close(self) -> None:
        await self._sandbox.close()


class LosesAnswers(Interposed):
    """The money is taken, and the line breaks before the answer comes."""

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        await super().pay(payment, token)
        raise PaymentsUnavailable


class NeverReached(Interposed):
    """The line breaks before the question is heard."""

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        raise PaymentsUnavailable


class HeldUp(Interposed):
    """A process that is put to sleep just before it pays."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.about_to_pay = asyncio.Event()
        self.go_on = asyncio.Event()

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        self.about_to_pay.set()
        await self.go_on.wait()
        return await super().pay(payment, token)


async def test_a_purchase_is_paid_and_earns(shop: CheckoutShop) -> None:
    assert await shop.buy() == BOUGHT
    document = await shop.ledger.document(DocumentKind.ORDER, OWN, "A1")
    assert document is not None
    assert (document.member_id, document.status) == ("ann", Status.ACCEPTED)
    assert await shop.orders() == 1
    [entry] = await shop.ledger.entries("ann")
    assert (entry.source, entry.order_id, entry.amount, entry.points) == (OWN, "A1", 933, 1)
    [charge] = shop.payments.charges()
    assert (charge.key, charge.amount, charge.currency) == ("member:0/A1", 933, "GBP")


async def test_the_same_purchase_again_is_the_same_answer(shop: CheckoutShop) -> None:
    for token in ("tok_ok", "tok_ok", "tok_declined"):
        assert await shop.buy(token=token) == BOUGHT
    assert (shop.charges(), await shop.orders()) == (1, 1)


async def test_a_declined_order_stays_declined(shop: CheckoutShop) -> None:
    for token in ("tok_declined", "tok_declined", "tok_ok"):
        assert await shop.buy(token=token) == DECLINED
    assert (shop.charges(), await shop.orders()) == (0, 0)
    assert await shop.ledger.feed(0, Mark(), 10) == [], "who bought nothing is not enrolled"
    assert await shop.buy(order="A2") == Success(order_id="A2", total="9.33", currency="GBP")


async def test_the_same_purchase_many_times_at_once_is_one(shop: CheckoutShop) -> None:
    answers = await asyncio.gather(*(shop.buy() for _ in range(20)))
    assert set(answers) == {BOUGHT}
    assert (shop.charges(), await shop.orders()) == (1, 1)


async def test_other_content_under_a_used_id_is_a_conflict(shop: CheckoutShop) -> None:
    await shop.buy()
    await shop.buy(order="A2", token="tok_declined")
    for order in ("A1", "A2"):
        for items in (("85123A",), ("71053", "71053", "85123A")):
            with pytest.raises(Conflict):
                await shop.buy(*items, order=order)
    assert (shop.charges(), await shop.orders()) == (1, 1)


async def test_each_member_has_a_circle_of_ids_of_its_own(shop: CheckoutShop) -> None:
    """What another bought, or could not pay for, under an id neither stands in the way nor can be found out."""
    await shop.buy()
    await shop.buy(order="A2", token="tok_declined")
    for order in ("A1", "A2"):
        assert isinstance(await shop.buy(member="bob", order=order), Success)
    assert (shop.charges(), await shop.orders()) == (3, 3)
    assert isinstance(await shop.buy(order="A2"), Failure)


async def test_two_members_at_once_under_one_id(shop: CheckoutShop) -> None:
    answers = await asyncio.gather(*(shop.buy(member=member) for member in ("ann", "bob")))
    assert answers == [BOUGHT, BOUGHT]
    assert (shop.charges(), await shop.orders()) == (2, 2)


@pytest.mark.parametrize("source", [SOURCE, OWN])
async def test_what_was_bought_before_keeps_its_answer(shop: CheckoutShop, source: str) -> None:
    """Version 0.1 kept every purchase under `checkout`, and with a hash of its buyer for a while longer: the buyer is
    answered from it, and nobody else.
    """
    await shop.buy()
    order = Order(source=source, order_id="B1", member_id="ann", currency="GBP", occurred_at=shop.now(), total=933)
    said = msgspec.json.encode(["ann", ["85123A", "71053", "71053"], "card"])
    old = Intent(
        order_id="B1",
        source=source,
        fingerprint=hashlib.blake2b(said, digest_size=16).digest(),
        member_id="ann",
        content=order.document().content,
        total=933,
        currency="GBP",
        method="card",
        begun_at=shop.now(),
    )
    await shop.ledger.intents.begin(old)
    for _ in range(2):
        assert await shop.buy(order="B1") == Success(order_id="B1", total="9.33", currency="GBP")
    assert await shop.ledger.document(DocumentKind.ORDER, source, "B1") is not None
    with pytest.raises(Conflict):  # other content under an id that ann used
        await shop.buy("71053", order="B1")
    assert isinstance(await shop.buy(member="bob", order="B1"), Success)
    assert shop.charges() == 3


async def test_who_was_merged_finds_what_was_bought_before(shop: CheckoutShop) -> None:
    """A retry that comes after the merge charges nothing again."""
    await shop.buy()
    await shop.buy(member="bob", order="B1")
    await shop.services.awarder.drain()
    await shop.services.members.merge("ann", "bob", actor="test")
    assert await shop.buy() == BOUGHT
    assert shop.charges() == 2


async def test_what_is_not_valid_leaves_nothing_behind(shop: CheckoutShop) -> None:
    with pytest.raises(InvalidInput, match=r"itemIds\[1\]"):
        await shop.buy("85123A", "no-such-thing")
    with pytest.raises(InvalidInput, match=r"paymentDetails\.token"):
        await shop.buy(token="4111 1111 1111 1111")
    assert await shop.state() is None
    assert shop.charges() == 0


async def test_a_repeat_is_answered_with_the_price_of_the_first_time(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.csv"
    file.write_text("sku,title,unit_price,currency\nA,Tea,2.50,GBP\n")
    async with open_shop(tmp_path / "state", catalogue_file=file) as shop:
        first = await shop.buy("A")
    file.write_text("sku,title,unit_price,currency\nB,Coffee,9.00,GBP\n")
    async with open_shop(tmp_path / "state", catalogue_file=file) as shop:
        assert await shop.buy("A") == first == Success(order_id="A1", total="2.50", currency="GBP")


async def test_another_channel_cannot_take_an_order_that_is_being_paid(tmp_path: Path) -> None:
    payments = HeldUp(tmp_path)
    async with open_shop(tmp_path, payments) as shop:
        purchase = asyncio.create_task(shop.buy())
        await payments.about_to_pay.wait()
        with pytest.raises(Conflict):
            await shop.services.intake.accept(
                Order(source=OWN, order_id="A1", member_id="ann", currency="GBP", total=100_000)
            )
        payments.go_on.set()
        assert await purchase == BOUGHT
        assert await shop.orders() == 1


async def test_an_order_of_another_channel_is_not_sold_again(shop: CheckoutShop) -> None:
    await shop.services.intake.accept(Order(source=SOURCE, order_id="A1", member_id="ann", currency="GBP", total=933))
    with pytest.raises(Conflict):
        await shop.buy()
    assert shop.charges() == 0


@pytest.mark.parametrize("broken", [LosesAnswers, NeverReached])
async def test_the_client_that_asks_again_finishes_it(tmp_path: Path, broken: Callable[[Path], Payments]) -> None:
    async with open_shop(tmp_path, broken(tmp_path)) as shop:
        with pytest.raises(PaymentsUnavailable):
            await shop.buy()
        assert await shop.state() is IntentState.OPEN
    async with open_shop(tmp_path) as shop:
        assert await shop.buy() == BOUGHT
        assert (shop.charges(), await shop.orders()) == (1, 1)


async def test_a_payment_whose_answer_was_lost_gets_its_order(tmp_path: Path) -> None:
    async with open_shop(tmp_path, LosesAnswers(tmp_path)) as shop:
        with pytest.raises(PaymentsUnavailable):
            await shop.buy()
    async with open_shop(tmp_path) as shop:
        shop.now.at += HOUR
        assert await shop.checkout.recover() == 1
        assert await shop.checkout.recover() == 0
        assert await shop.buy() == BOUGHT
        assert (shop.charges(), await shop.orders()) == (1, 1)
        [entry] = await shop.ledger.entries("ann")
        assert entry.occurred_at == NEW_YEARS_EVE, "a purchase counts in the month in which it was made"


async def test_a_payment_that_was_never_made_is_given_up(tmp_path: Path) -> None:
    async with open_shop(tmp_path, NeverReached(tmp_path)) as shop:
        with pytest.raises(PaymentsUnavailable):
            await shop.buy()
        shop.now.at += HOUR
        assert await shop.checkout.recover() == 1
        assert await shop.buy() == INTERRUPTED
        assert (shop.charges(), await shop.orders()) == (0, 0)


async def test_recovery_leaves_young_purchases_to_who_began_them(tmp_path: Path) -> None:
    payments = HeldUp(tmp_path)
    async with open_shop(tmp_path, payments) as shop:
        purchase = asyncio.create_task(shop.buy())
        await payments.about_to_pay.wait()
        assert await shop.checkout.recover() == 0
        payments.go_on.set()
        assert await purchase == BOUGHT


async def test_who_was_held_up_for_too_long_charges_nothing(tmp_path: Path) -> None:
    payments = HeldUp(tmp_path)
    async with open_shop(tmp_path, payments) as shop:
        purchase = asyncio.create_task(shop.buy())
        await payments.about_to_pay.wait()
        assert await shop.checkout.recover(left_alone_s=0) == 1
        assert await shop.state() is IntentState.FAILURE
        payments.go_on.set()
        assert await purchase == INTERRUPTED
        assert (shop.charges(), await shop.orders()) == (0, 0)


async def test_while_the_provider_is_away_purchases_wait(tmp_path: Path) -> None:
    """A file where the sandbox has its folder stands for a provider that cannot be reached."""
    async with open_shop(tmp_path) as shop:
        (tmp_path / "payments").write_text("in the way")
        for order in ("A1", "A2"):
            with pytest.raises(PaymentsUnavailable):
                await shop.buy(order=order)
        shop.now.at += DAY
        assert await shop.checkout.recover() == 0
        assert await shop.state() is IntentState.OPEN
        (tmp_path / "payments").unlink()
        assert await shop.buy() == BOUGHT, "who still has the token may still buy"
        assert await shop.checkout.recover() == 1
        assert await shop.state("A2") is IntentState.FAILURE
        assert (shop.charges(), await shop.orders()) == (1, 1)


class NotThisOne(Interposed):
    """A provider that can say nothing about one payment."""

    async def give_up(self, payment: PaymentRequest) -> PaymentOutcome:
        if payment.key == "member:0/A0":
            raise PaymentsUnavailable
        return await super().give_up(payment)


async def test_one_purchase_that_cannot_be_finished_holds_up_no_other(tmp_path: Path) -> None:
    async with open_shop(tmp_path, NeverReached(tmp_path)) as shop:
        for n in range(60):
            with contextlib.suppress(PaymentsUnavailable):
                await shop.buy(order=f"A{n}")
    async with open_shop(tmp_path, NotThisOne(tmp_path)) as shop:
        assert await shop.checkout.recover(left_alone_s=0) == 59
        assert await shop.state("A0") is IntentState.OPEN


async def test_an_erased_buyer_is_nowhere_and_the_order_is_kept(tmp_path: Path) -> None:
    member = "ann.of.the.unmistakable.name@example.com"
    async with open_shop(tmp_path, LosesAnswers(tmp_path)) as shop:
        await shop.services.members.enrol([(member, None)], actor="test")
        with pytest.raises(PaymentsUnavailable):
            await shop.buy(member=member)
        await shop.services.members.change(member, MemberEvent.ERASE, actor="test")
        assert await shop.checkout.recover(left_alone_s=0) == 1
        assert (shop.charges(), await shop.orders()) == (1, 1)
        assert await shop.ledger.member(member) is None
        feed = await shop.ledger.feed(0, Mark(), 10)
        assert [(entry.kind, entry.member, entry.member_id) for entry in feed] == [
            (EntryKind.ENROL, 0, None),
            (EntryKind.ERASE, 0, None),
            (EntryKind.EARN, 0, None),
        ]
    check_nowhere(tmp_path, member)


async def test_an_order_in_quarantine_shows_what_was_bought_and_no_token(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.csv"
    file.write_text("sku,title,unit_price,currency\nA,Tea,250,JPY\n")
    async with open_shop(tmp_path / "state", catalogue_file=file) as shop:
        assert await shop.buy("A") == Success(order_id="A1", total="250", currency="JPY")
        assert await shop.orders() == 0
        [quarantined] = await shop.ledger.quarantine()
        whole = await shop.ledger.quarantined(quarantined.kind, quarantined.source, quarantined.id)
        assert b'"A"' in whole.raw
    check_nowhere(tmp_path / "state", "tok_ok")
