"""Intake: orders and refunds from any channel become durable documents, and are answered. Nothing is computed while
the customer waits.

`forms.py` is what may come in and how it is checked; `intake.py` hands it to the ledger.
"""

from laurels.intake.decoding import convert, decode
from laurels.intake.forms import Email, Id, LineForm, NamedOrderForm, OrderForm, RefundForm, UnlinkedRefundForm
from laurels.intake.intake import Intake

__all__ = [
    "Email",
    "Id",
    "Intake",
    "LineForm",
    "NamedOrderForm",
    "OrderForm",
    "RefundForm",
    "UnlinkedRefundForm",
    "convert",
    "decode",
]
