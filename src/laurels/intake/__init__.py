"""Intake: orders and refunds from any channel become durable documents, and are answered. Nothing is computed while
the customer waits.

`forms.py` is what may come in and how it is checked; `intake.py` hands it to the ledger.
"""

from laurels.intake.decoding import convert, decode
from laurels.intake.differing import differing_fields
from laurels.intake.forms import (
    AmendmentForm,
    AnySource,
    Email,
    Id,
    Instant,
    LineForm,
    MemberId,
    NamedOrderForm,
    OrderForm,
    RefundForm,
    Source,
    UnlinkedRefundForm,
    email_warning,
    usable_email,
)
from laurels.intake.intake import Intake

__all__ = [
    "AmendmentForm",
    "AnySource",
    "Email",
    "Id",
    "Instant",
    "Intake",
    "LineForm",
    "MemberId",
    "NamedOrderForm",
    "OrderForm",
    "RefundForm",
    "Source",
    "UnlinkedRefundForm",
    "convert",
    "decode",
    "differing_fields",
    "email_warning",
    "usable_email",
]
