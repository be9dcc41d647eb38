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
    InstantText,
    MemberId,
    NamedOrderForm,
    OrderForm,
    RefundForm,
    SourceText,
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
from laurels.intake.queue import MessageBatch, Queue, ReceivedMessage

__all__ = [
    "WIRE_NAMES",
    "AmendmentForm",
    "AnySource",
    "Email",
    "Id",
    "InstantText",
    "Intake",
    "LineForm",
    "MemberId",
    "MessageBatch",
    "NamedOrderForm",
    "OrderForm",
    "OrderMessage",
    "Queue",
    "QueueMessage",
    "ReadBatch",
    "ReceivedMessage",
    "RefundForm",
    "RefundMessage",
    "SourceText",
    "Taken",
    "Taking",
    "UnlinkedRefundForm",
    "conflict_of",
    "convert",
    "decode",
    "differing_fields",
    "elements",
    "email_warning",
    "retry_quarantined",
    "take_again",
    "usable_email",
]
