"""The sandbox keeps a payment provider's promises."""

from pathlib import Path

import pytest

from laurels.checkout import PaymentRequest, Payments
from laurels.engines.payments import SandboxPayments
from laurels.testing.payments_contract import OpenPayments, PaymentsContract


class TestSandboxPayments(PaymentsContract):
    @pytest.fixture
    def open_payments(self, tmp_path: Path) -> OpenPayments:
        return lambda: SandboxPayments(tmp_path / "payments")

    async def charges(self, payments: Payments) -> list[PaymentRequest]:
        assert isinstance(payments, SandboxPayments)
        return payments.charges()
