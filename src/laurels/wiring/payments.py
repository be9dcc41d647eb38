"""The payment provider of the checkout."""

from laurels.checkout import Payments
from laurels.engines.payments import SandboxPayments
from laurels.settings import Settings


def open_payments(settings: Settings) -> Payments:
    """The payment provider: for now the sandbox alone, which takes no money."""
    return SandboxPayments(settings.state / "payments")
