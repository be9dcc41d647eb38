"""What every payment provider must do, as tests. An engine keeps the port's promises when a subclass of this passes.

    class TestMyPayments(PaymentsContract):
        paid_token, declined_token = "good-card", "bad-card"

        @pytest.fixture
        def open_payments(self) -> OpenPayments:
            return lambda: MyPayments(sandbox_url)

        async def charges(self, payments: Payments) -> list[Payment]:
            ...  # the provider's own statement

The tests are asyncio coroutines, run by anyio's pytest plugin: let a fixture `anyio_backend` give "asyncio".
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from laurels.checkout import CONFLICT, INTERRUPTED, Declined, Paid, PaymentRequest, Payments

OpenPayments = Callable[[], Payments]
"""Opens the test's provider, fresh at first; called again, the same one once more, as a second process would."""

AT_ONCE = 12

PAYMENT = PaymentRequest(key="checkout/A1", amount=933, currency="GBP", method="card")


class PaymentsContract:
    """Subclass it, say which tokens are paid and declined, and override `open_payments` and `charges`."""

    pytestmark = pytest.mark.anyio

    paid_token = "tok_ok"  # noqa: S105 - a word for tests
    declined_token = "tok_declined"  # noqa: S105 - a word for tests

    @pytest.fixture
    def open_payments(self) -> OpenPayments:
        """Give what opens the provider."""
        raise NotImplementedError

    async def charges(self, payments: Payments) -> list[PaymentRequest]:
        """Give every payment for which money was taken, by the provider's own books."""
        raise NotImplementedError

    @pytest.fixture
    async def payments(self, open_payments: OpenPayments) -> AsyncIterator[Payments]:
        """Give a new provider."""
        payments = open_payments()
        yield payments
        await payments.close()

    @pytest.fixture
    async def second(self, open_payments: OpenPayments, payments: Payments) -> AsyncIterator[Payments]:  # noqa: ARG002
        """Give the same provider, as another process sees it."""
        second = open_payments()
        yield second
        await second.close()

    async def test_a_payment_is_paid_or_declined(self, payments: Payments) -> None:
        """The token decides; only what is paid is charged."""
        paid = await payments.pay(PAYMENT, self.paid_token)
        assert isinstance(paid, Paid)
        assert paid.reference
        other = PaymentRequest(key="checkout/A2", amount=1, currency="GBP", method="card")
        assert await payments.pay(other, self.declined_token) == Declined("declined")
        assert await self.charges(payments) == [PAYMENT]

    async def test_an_unknown_token_is_declined(self, payments: Payments) -> None:
        """Nothing that the provider did not give pays for anything."""
        assert await payments.pay(PAYMENT, "no-such-token") == Declined("declined")
        assert await self.charges(payments) == []

    async def test_what_was_paid_stays_paid_and_is_charged_once(self, payments: Payments, second: Payments) -> None:
        """The first answer again, whatever the token and whoever asks."""
        first = await payments.pay(PAYMENT, self.paid_token)
        for again in (payments, second):
            assert await again.pay(PAYMENT, self.paid_token) == first
            assert await again.pay(PAYMENT, self.declined_token) == first
            assert await again.give_up(PAYMENT) == first
        assert await self.charges(second) == [PAYMENT]

    async def test_what_was_declined_stays_declined(self, payments: Payments, second: Payments) -> None:
        """A better token needs another key."""
        await payments.pay(PAYMENT, self.declined_token)
        for again in (payments, second):
            assert await again.pay(PAYMENT, self.paid_token) == Declined("declined")
            assert await again.give_up(PAYMENT) == Declined("declined")
        assert await self.charges(payments) == []

    async def test_what_was_given_up_is_never_paid(self, payments: Payments, second: Payments) -> None:
        """Whoever was held up between deciding to pay and paying comes too late, and charges nothing."""
        assert await second.give_up(PAYMENT) == Declined(INTERRUPTED)
        assert await payments.pay(PAYMENT, self.paid_token) == Declined(INTERRUPTED)
        assert await second.give_up(PAYMENT) == Declined(INTERRUPTED)
        assert await self.charges(payments) == []

    async def test_many_at_once_hear_one_answer(self, payments: Payments, second: Payments) -> None:
        """Paying, declining and giving up one key from two processes: one of them is the answer for all."""
        for n in range(AT_ONCE):
            payment = PaymentRequest(key=f"checkout/B{n}", amount=100 + n, currency="GBP", method="card")
            outcomes = await asyncio.gather(
                payments.pay(payment, self.paid_token),
                second.give_up(payment),
                second.pay(payment, self.paid_token),
                payments.pay(payment, self.declined_token),
            )
            assert len(set(outcomes)) == 1
            charged = [charge for charge in await self.charges(payments) if charge == payment]
            assert len(charged) == int(isinstance(outcomes[0], Paid))

    async def test_a_key_is_for_one_payment(self, payments: Payments) -> None:
        """Another amount, currency or method under a used key is declined, and the first payment stays as it was."""
        first = await payments.pay(PAYMENT, self.paid_token)
        for other in (
            PaymentRequest(key=PAYMENT.key, amount=934, currency="GBP", method="card"),
            PaymentRequest(key=PAYMENT.key, amount=933, currency="EUR", method="card"),
            PaymentRequest(key=PAYMENT.key, amount=933, currency="GBP", method="voucher"),
        ):
            assert await payments.pay(other, self.paid_token) == Declined(CONFLICT)
            assert await payments.give_up(other) == Declined(CONFLICT)
        assert await payments.pay(PAYMENT, self.paid_token) == first
        assert await self.charges(payments) == [PAYMENT]

    async def test_keys_differ_by_every_character(self, payments: Payments) -> None:
        """Capitals and marks count: an order id may hold any of them."""
        keys = ["checkout/a1", "checkout/A1", "checkout/a:1", "checkout/a=1", "checkout/" + "x" * 128]
        for key in keys:
            payment = PaymentRequest(key=key, amount=5, currency="GBP", method="card")
            assert isinstance(await payments.pay(payment, self.paid_token), Paid)
        assert sorted(charge.key for charge in await self.charges(payments)) == sorted(keys)
