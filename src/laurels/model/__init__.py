"""The nouns: what an order, a refund, a member, an entry and a standing are. Frozen, typed, and without any I/O."""

from laurels.model.documents import (
    Adjustment,
    Amendment,
    Cancellation,
    Channel,
    Document,
    DocumentKind,
    Order,
    Redemption,
    Refund,
    Restoration,
    Status,
)
from laurels.model.entries import Balance, BoardEntry, Entry, EntryKind
from laurels.model.lines import Line, LineKind, Payment, ReturnLine, Traits
from laurels.model.members import Member, MemberEvent
from laurels.model.refused_messages import RefusedMessage
from laurels.model.standings import Place, Standing
from laurels.model.version import Mark, Version

__all__ = [
    "Adjustment",
    "Amendment",
    "Balance",
    "BoardEntry",
    "Cancellation",
    "Channel",
    "Document",
    "DocumentKind",
    "Entry",
    "EntryKind",
    "Line",
    "LineKind",
    "Mark",
    "Member",
    "MemberEvent",
    "Order",
    "Payment",
    "Place",
    "Redemption",
    "Refund",
    "RefusedMessage",
    "Restoration",
    "ReturnLine",
    "Standing",
    "Status",
    "Traits",
    "Version",
]
