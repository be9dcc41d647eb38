"""Examples of what the console asks for, for the API's documentation."""

from collections.abc import Mapping
from typing import Any

_CUSTOMER = {
    "number": 0,
    "member_id": "17850",
    "state": "enrolled",
    "merged_into": None,
    "hidden": False,
    "name": "Amber Falcon 4821",
    "enrolled_at": "2025-11-01T10:00:00Z",
    "contact": "a•••••@example.com",
    "channels": ["web", "store"],
    "balance": 500,
    "available": 500,
    "worth": {},
    "earned": 475,
    "score": 500,
    "rank": 17,
    "ranked": 4315,
    "messages": [{"milestone": "100", "points": 120, "state": "sent", "created_at": "2025-11-02T09:30:00Z"}],
    "as_of": "1.0-4711",
}
_TIMELINE = {
    "entries": [
        {
            "loyaltyId": "0-4711",
            "kind": "adjust",
            "points": 25,
            "balance_after": 500,
            "source": "person:niamh",
            "reason": "parcel came four days late, ticket 48213",
            "note": "Sorry that your parcel came late",
            "actor": "person:niamh",
            "occurred_at": "2025-11-02T09:30:00Z",
            "recorded_at": "2025-11-02T09:30:00.125Z",
            "undo": {"action": "adjust", "points": -25},
        },
    ],
    "next": None,
}
_AUDIT = {
    "rows": [
        {
            "position": 4711,
            "at": "2025-11-02T09:30:00Z",
            "sub": "niamh",
            "name": "Niamh Byrne",
            "roles": "support",
            "action": "adjust",
            "member": 0,
            "object": "entry 0-4711",
            "outcome": "done",
            "request_id": "6f1c0c1e",
            "hash": "0f" * 16,
        },
    ],
    "next": None,
}
_WAITING = {
    "sequence": 4711,
    "kind": "order",
    "source": "shop",
    "id": "A1002-USD",
    "member": 0,
    "cause": "currency",
    "reason": "no rule for USD (version 1 has EUR, GBP)",
    "since": "2025-11-02T09:30:00Z",
}
_MESSAGE = {
    "id": "5f2c9e0b41d6a3c75f2c9e0b41d6a3c7",
    "member": 0,
    "milestone": "hundred",
    "points": 105,
    "state": "undeliverable",
    "created_at": "2025-11-02T09:30:00Z",
    "due_at": None,
    "attempts": 3,
    "note": "550 mailbox unavailable",
}

CONSOLE_ANSWERS: Mapping[str, Any] = {
    "find_customers": {
        "hits": [
            {
                "kind": "customer",
                "number": 0,
                "member_id": "17850",
                "name": "Amber Falcon 4821",
            },
        ],
        "tried": ["customer", "document", "prefix"],
    },
    "show_customer": _CUSTOMER,
    "show_member": _CUSTOMER,
    "show_contact": {"email": "ann@example.com"},
    "show_member_contact": {"email": "ann@example.com"},
    "show_timeline": _TIMELINE,
    "show_member_timeline": _TIMELINE,
    "list_quarantine": {"documents": [_WAITING], "next": None},
    "count_quarantine": {
        "causes": [{"cause": "currency", "documents": 3, "oldest": "2025-11-02T09:30:00Z"}],
        "all": True,
    },
    "show_quarantined": {
        **_WAITING,
        "actor": "till",
        "content": {
            "source": "shop",
            "order_id": "A1002-USD",
            "currency": "USD",
            "total": 2500,
        },
        "received": '{"member_id": "17850", "currency": "USD", "total": "25.00"}',
    },
    "retry_quarantined": {"status": "accepted"},
    "drop_quarantined": {"status": "dropped"},
    "show_audit": _AUDIT,
    "show_own_audit": {"rows": [], "next": None},
    "show_people": {
        "people": [
            {"sub": "niamh", "name": "Niamh Byrne", "roles": ["support"], "last_seen": "2025-11-02T09:30:00Z"},
        ],
        "next": None,
    },
    "list_campaigns": {"version": 1, "in_force_from": None, "campaigns": []},
    "list_messages": {"messages": [_MESSAGE], "next": None},
    "retry_message": {**_MESSAGE, "state": "due", "due_at": "2025-11-02T09:41:00Z"},
}
"""What comes back, by the name of the route's function."""
