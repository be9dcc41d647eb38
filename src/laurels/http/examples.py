"""Examples for the API's documentation. A test sends each of them, and holds each answer against the one told here."""

from collections.abc import Mapping
from typing import Any

IDS: Mapping[str, str] = {
    "member_id": "17850",
    "order_id": "A1001",
    "refund_id": "R0",
    "redemption_id": "V1",
    "board": "all-time",
    "name": "version-not-reached",
}
"""What stands in a path."""

_ORDER = {"member_id": "17850", "currency": "GBP", "total": "25.00"}
_LINES = [
    {"sku": "85123A", "quantity": 6, "unit_price": "2.55"},
    {"sku": "CHEESE-GRUYERE", "quantity": "0.350", "unit_price": "28.00"},
    {"sku": "VOUCHER-5", "quantity": 1, "unit_price": "-5.00"},
]
_AS_OF = "1.0-4711"

REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "place_order": {
        "A sale in a store, by its lines": {
            "member_id": "17850",
            "currency": "GBP",
            "channel": "store",
            "occurred_at": "2025-11-01T10:00:00Z",
            "email": "ann@example.com",
            "lines": _LINES,
            "total": "20.10",
        },
        "The total alone": _ORDER,
    },
    "check_out": {
        "A member's own checkout": {
            "itemIds": ["85123A", "71053", "71053"],
            "paymentDetails": {"method": "card", "token": "tok_ok"},
        },
    },
    "amend_order": {
        "The customer took more": {"revision": 2, **_ORDER, "total": "60.00"},
    },
    "refund_order": {
        "One item back": {"refund_id": "R1", "member_id": "17850", "currency": "GBP", "amount": "5.00"},
    },
    "refund_member": {
        "Money back without a receipt": {"refund_id": "R2", "currency": "GBP", "amount": "12.50"},
    },
    "place_orders": {
        "Two orders": [
            {"order_id": "A1002", **_ORDER},
            {"order_id": "A1003", "member_id": "12346", "currency": "EUR", "total": "9.90", "channel": "mobile"},
        ],
    },
    "adjust": {
        "Points for a late parcel": {"loyalty-points": 25, "reason": "goodwill"},
        "A correction downwards": {"loyalty-points": -25, "reason": "credited to the wrong customer"},
    },
    "adjust_many": {
        "Opening balances of another system": [
            {
                "adjustment_id": "opening-17850",
                "member_id": "17850",
                "loyalty-points": 500,
                "reason": "opening balance",
                "board": False,
                "quiet": True,
            },
        ],
    },
    "merge": {"A guest order of a customer with an account": {"into": "12346"}},
    "set_contact": {"Another address": {"email": "ann@example.com"}},
    "cancel_redemption": {"The voucher was not used": {"cancel_id": "C1", "points": 10}},
    "redeem": {
        "A voucher at the till": {"redemption_id": "V1", "points": 50, "reason": "5.00 GBP off"},
    },
    "enrol": {
        "Two customers": [{"member_id": "17850", "email": "ann@example.com"}, {"member_id": "12346"}],
    },
}
"""The bodies to send, by the name of the route's function."""

_TOP = [
    {"rank": 1, "name": "Silver Heron 0093", "points": 27946},
    {"rank": 2, "name": "Quiet Otter 7310", "points": 21035},
]

ANSWERS: Mapping[str, Any] = {
    "place_order": {"order_id": "A1001", "status": "accepted"},
    "check_out": {"status": "success", "order_id": "A1001", "total": "9.33", "currency": "GBP"},
    "show_order": {
        "order_id": "A1001",
        "source": "shop",
        "status": "awarded",
        "points": 3,
        "reason": "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)",
        "as_of": _AS_OF,
        "entries": [
            {"kind": "earn", "points": 3, "reason": "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)"},
        ],
    },
    "amend_order": {"order_id": "A1001", "status": "accepted"},
    "refund_order": {"refund_id": "R1", "status": "accepted"},
    "cancel_refund": {"refund_id": "R0", "status": "accepted"},
    "show_refund": {
        "refund_id": "R0",
        "order_id": "A1001",
        "source": "shop",
        "status": "awarded",
        "points": -1,
        "reason": "refund of 5.00 GBP: 3 -> 2",
        "as_of": _AS_OF,
        "entries": [{"kind": "reverse", "refund_id": "R0", "points": -1, "reason": "refund of 5.00 GBP: 3 -> 2"}],
    },
    "refund_member": {"refund_id": "R2", "status": "accepted"},
    "place_orders": [
        {"order_id": "A1002", "status": "accepted", "http": 202},
        {"order_id": "A1003", "status": "accepted", "http": 202},
    ],
    "show_dashboard": {
        "board": "all-time",
        "as_of": _AS_OF,
        "stale": False,
        "ranked": 4315,
        "me": {
            "rank": 17,
            "position": 18,
            "tied": 2,
            "points": 5120,
            "name": "Amber Falcon 4821",
            "hidden": False,
        },
        "top": _TOP,
        "around": [
            {"rank": 16, "name": "Merry Badger 1187", "points": 5133},
            {"rank": 17, "name": "Amber Falcon 4821", "points": 5120, "me": True},
            {"rank": 19, "name": "Brisk Wren 2046", "points": 5098},
        ],
    },
    "show_board": {"board": "all-time", "as_of": _AS_OF, "stale": False, "ranked": 4315, "top": _TOP},
    "adjust": {"loyaltyId": "0-4711"},
    "adjust_many": [
        {"adjustment_id": "opening-17850", "status": "awarded", "http": 201, "loyaltyId": "0-4711"},
    ],
    "redeem": {"loyaltyId": "0-4712", "balance": 450},
    "cancel_redemption": {"loyaltyId": "0-4713", "balance": 460},
    "show_entries": {
        "entries": [
            {
                "loyaltyId": "0-4711",
                "kind": "adjust",
                "points": 25,
                "reason": "goodwill",
                "occurred_at": "2025-11-02T09:30:00Z",
                "recorded_at": "2025-11-02T09:30:00.125Z",
            },
        ],
        "next": None,
    },
    "show_balance": {"balance": 500, "earned": 475, "as_of": _AS_OF},
    "enrol": [
        {"member_id": "17850", "status": "known", "http": 200, "as_of": _AS_OF},
        {"member_id": "12346", "status": "enrolled", "http": 201, "as_of": _AS_OF},
    ],
    "find_members": {
        "members": [
            {"member_id": "17850", "email": None, "hidden": False, "enrolled_at": "2026-11-01T10:00:00Z"},
        ],
        "next": None,
    },
    "export_member": {
        "member_id": "17850",
        "other_ids": [],
        "email": None,
        "name": "Amber Falcon 4821",
        "hidden": False,
        "enrolled_at": "2026-11-01T10:00:00Z",
        "balance": 3,
        "earned": 3,
        "entries": [
            {
                "loyaltyId": "0-1",
                "kind": "enrol",
                "points": 0,
                "occurred_at": "2026-11-01T10:00:01Z",
                "recorded_at": "2026-11-01T10:00:01Z",
            },
            {
                "loyaltyId": "0-2",
                "kind": "earn",
                "points": 3,
                "currency": "GBP",
                "amount": "25.00",
                "source": "shop",
                "order_id": "A1001",
                "reason": "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)",
                "occurred_at": "2026-11-01T10:00:00Z",
                "recorded_at": "2026-11-01T10:00:01Z",
            },
        ],
        "documents": [
            {
                "kind": "order",
                "source": "shop",
                "id": "Y1",
                "status": "quarantined",
                "reason": "the program (version 1) gives no points for JPY",
                "accepted_at": "2026-11-02T09:00:00Z",
                "received": '{"member_id": "17850", "currency": "JPY", "total": "2500"}',
                "content": {"source": "shop", "order_id": "Y1", "currency": "JPY", "total": 2500},
            },
        ],
        "mails": [
            {"milestone": "100-points", "points": 103, "state": "held", "decided_at": "2026-11-02T09:00:00Z"},
        ],
    },
    "hide": {"as_of": _AS_OF},
    "show": {"as_of": _AS_OF},
    "rename": {"as_of": _AS_OF},
    "erase": {"as_of": _AS_OF},
    "merge": {"as_of": _AS_OF},
    "set_contact": {"as_of": _AS_OF},
}
"""What comes back, by the name of the route's function."""
