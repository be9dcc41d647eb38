"""The nouns: what an order, a refund, a member, an entry and a standing are. Frozen, typed, and without any I/O."""

from laurels.model.documents import (
    Adjustment,
    Amendment,
    Cancellation,
    Channel,
    Document,
    DocumentKind,
    Line,
    Order,
    Redemption,
    Refund,
    Restoration,
    Status,
)
from laurels.model.entries import Balance, Entry, EntryKind, Outline
from laurels.model.members import Member, MemberEvent
from laurels.model.standings import Place, Standing
from laurels.model.version import Mark, Version

__all__ = [
    "Adjustment",
    "Amendment",
    "Balance",
    "Cancellation",
    "Channel",
    "Document",
    "DocumentKind",
    "Entry",
    "EntryKind",
    "Line",
    "Mark",
    "Member",
    "MemberEvent",
    "Order",
    "Outline",
    "Place",
    "Redemption",
    "Refund",
    "Restoration",
    "Standing",
    "Status",
    "Version",
]
