"""Payment providers. `sandbox` is the demo's: it takes no money and keeps what it answered in files."""

from laurels.engines.payments.sandbox import SandboxPayments

__all__ = ["SandboxPayments"]
