"""Intake: orders and refunds from any channel become durable documents, and are answered. Nothing is computed while
the customer waits.

`forms.py` is what may come in and how it is checked; `intake.py` hands it to the ledger.
"""

from laurels.intake.conflicts import WIRE_NAMES, conflict_of
from laurels.intake.decoding import convert, decode, elements
from laurels.intake.differing import differing_fields
from laurels.intake.forms import (
    AmendmentForm,
    AnySource,
    Email,
    Id,
    Instant,
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
from laurels.intake.lines import LineForm
from laurels.intake.messages import (
    OrderMessage,
    QueueMessage,
    ReadBatch,
    RefundMessage,
    Taken,
    Taking,
    retry_quarantined,
    take_again,
)
from laurels.intake.queue import Batch, Message, Queue
from laurels.intake.repeated_keys import repeated_key

__all__ = [
    "WIRE_NAMES",
    "AmendmentForm",
    "AnySource",
    "Batch",
    "Email",
    "Id",
    "Instant",
    "Intake",
    "LineForm",
    "MemberId",
    "Message",
    "NamedOrderForm",
    "OrderForm",
    "OrderMessage",
    "Queue",
    "QueueMessage",
    "ReadBatch",
    "RefundForm",
    "RefundMessage",
    "Source",
    "Taken",
    "Taking",
    "UnlinkedRefundForm",
    "conflict_of",
    "convert",
    "decode",
    "differing_fields",
    "elements",
    "email_warning",
    "repeated_key",
    "retry_quarantined",
    "take_again",
    "usable_email",
]
