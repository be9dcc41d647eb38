"""Examples for the API's documentation. A test sends each of them, and holds each answer against the one told here."""

from collections.abc import Mapping
from typing import Any

from laurels.http.openapi.console_examples import CONSOLE_ANSWERS
from laurels.http.openapi.job_examples import JOB_ANSWERS, JOB_REQUESTS
from laurels.http.openapi.report_examples import REPORTS

IDS: Mapping[str, str] = {
    "member_id": "17850",
    "order_id": "A1001",
    "refund_id": "R0",
    "redemption_id": "V1",
    "number": "0",
    "kind": "order",
    "source": "shop",
    "id": "A1002-USD",
    "hold_id": "H1",
    "board": "all-time",
    "which": "1",
    "job": "1",
    "message_id": "5f2c9e0b41d6a3c75f2c9e0b41d6a3c7",
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
        "With what programs in depth go by": {
            "member_id": "17850",
            "currency": "GBP",
            "lines": [
                {"sku": "MILK-2L", "quantity": 2, "unit_price": "1.45", "category": "grocery/dairy", "brand": "Meadow"},
                {"sku": "DELIVERY", "quantity": 1, "unit_price": "3.50", "kind": "shipping"},
            ],
            "store": "Leeds 4",
            "coupons": ["SPRING10"],
            "payments": [{"method": "card", "amount": "4.40"}, {"method": "gift_card", "amount": "2.00"}],
        },
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
        "By line, as the order was sent": {
            "refund_id": "R3",
            "member_id": "17850",
            "currency": "GBP",
            "lines": [{"line": 1, "quantity": 1}, {"line": 2, "amount": "2.00"}],
        },
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
    "submit_program": {
        "A program": {"text": 'version = 8\n[earn]\npoints = 2\nper = {GBP = "10.00"}\nrounding = "floor"\n'},
    },
    "rehearse_program": {"On all that the ledger has": {}},
    "approve_program": {"From now on": {}},
    "stop_campaign": {"A price that was wrong": {"campaign": "double dairy", "why": "the price was wrong"}},
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
    "quote_order": {"What would this earn?": _ORDER},
    "hold_points": {"While the customer pays": {"hold_id": "H1", "points": 50, "minutes": 10}},
    "capture_hold": {"Less was needed": {"points": 35}},
    "void_hold": {"The customer went away": {}},
    "transfer_points": {"To a partner": {"transfer_id": "T1", "to": "12346", "points": 20}},
    "set_attributes": {"A student born on a leap day": {"birthday": "02-29", "segments": ["student"]}},
    "grant_tier": {
        "Gold for a year": {
            "grant_id": "G1",
            "tier": "gold",
            "until": "2027-12-01T00:00:00Z",
            "reason": "moved from the partner's program",
        },
    },
    "merge": {"A guest order of a customer with an account": {"into": "12346"}},
    "set_contact": {"Another address": {"email": "ann@example.com"}},
    "cancel_redemption": {"The voucher was not used": {"cancel_id": "C1", "points": 10}},
    "redeem": {
        "A voucher at the till": {"redemption_id": "V1", "points": 50, "reason": "5.00 GBP off"},
    },
    "find_customers": {"By the id that the customer reads out": {"q": "17850"}},
    "drop_quarantined": {"It came twice": {"reason": "sent again as A1003"}},
    "enrol": {
        "Two customers": [{"member_id": "17850", "email": "ann@example.com"}, {"member_id": "12346"}],
    },
    **JOB_REQUESTS,
}
"""The bodies to send, by the name of the route's function."""

_CUSTOMER = {
    "number": 0,
    "member_id": "17850",
    "state": "enrolled",
    "merged_into": None,
    "hidden": False,
    "name": "Amber Falcon 4821",
    "enrolled_at": "2025-11-01T10:00:00Z",
    "contact": "a•••••@example.com",
    "balance": 500,
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
    "reason": "no rule for USD (version 1 has EUR, GBP)",
    "since": "2025-11-02T09:30:00Z",
}
_TOP = [
    {"rank": 1, "name": "Silver Heron 0093", "points": 27946},
    {"rank": 2, "name": "Quiet Otter 7310", "points": 21035},
]

_PROGRAM = {
    "version": 1,
    "from": None,
    "published_at": "2025-11-01T08:00:00Z",
    "actor": "laurels",
    "digest": "3f8a11c0" * 8,
}
_REHEARSAL = {
    "version": 1,
    "newest": 1,
    "begins": None,
    "ends": 1_762_075_800_000_000,
    "documents": 22_190,
    "orders": 18_536,
    "points": 830_121,
    "would_be": 827_848,
    "gain": 178,
    "lose": 2_198,
    "alike": 1_996,
    "best": 5,
    "worst": -12,
    "deciles": [-2, -1, -1, -1, -1, 0, 0, 0, 0],
    "gain_most": [],
    "lose_most": [],
    "parts": {"points": 888_975},
    "reasons": {},
    "bound": {},
    "never": [],
    "tiers": {},
    "value": {},
    "quarantined": {},
    "changed_orders": 0,
    "changed": [],
    "digest": "9b1c77e4" * 8,
}
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
                "note": "Sorry that your parcel came late",
                "occurred_at": "2025-11-02T09:30:00Z",
                "recorded_at": "2025-11-02T09:30:00.125Z",
            },
        ],
        "next": None,
    },
    "list_events": {
        "events": [
            {
                "id": "0-4711",
                "epoch": 1,
                "kind": "earn",
                "member_id": "17850",
                "points": 3,
                "source": "shop",
                "order_id": "A1001",
                "program_version": 1,
                "occurred_at": "2025-11-01T10:00:00Z",
                "recorded_at": "2025-11-01T10:00:00.125Z",
            },
        ],
        "next": "kYEAkgLEEAAAAAAAAAAAAAAAAAAAAAA",
        "more": False,
    },
    "show_balance": {"balance": 500, "earned": 475, "as_of": _AS_OF},
    "enrol": [
        {"member_id": "17850", "status": "known", "http": 200, "as_of": _AS_OF},
        {"member_id": "12346", "status": "enrolled", "http": 201, "as_of": _AS_OF},
    ],
    "find_members": {
        "members": [
            {"member_id": "17850", "email": "ann@example.com", "hidden": False, "enrolled_at": "2026-11-01T10:00:00Z"},
        ],
        "next": None,
    },
    "export_member": {
        "member_id": "17850",
        "other_ids": [],
        "email": "ann@example.com",
        "birthday": None,
        "segments": [],
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
    "explain_order": {
        "order_id": "A1001",
        "source": "shop",
        "lines": ["line 1: 24.00 GBP all", "base 2", "in all 2 (version 1)"],
    },
    "quote_order": {
        "points": 3,
        "parts": [{"name": "base", "points": 3}],
        "reason": "25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)",
        "as_of": _AS_OF,
    },
    "hold_points": {"available": 450, "until": "2025-11-02T09:40:00Z"},
    "capture_hold": {"loyaltyId": "0-4714", "balance": 465},
    "void_hold": {"available": 465},
    "transfer_points": {"loyaltyId": "0-4715", "balance": 445},
    "set_attributes": {"birthday": "02-29", "segments": ["student"]},
    "grant_tier": {"loyaltyId": "0-4716"},
    "hide": {"as_of": _AS_OF},
    "show": {"as_of": _AS_OF},
    "rename": {"as_of": _AS_OF},
    "erase": {"as_of": _AS_OF},
    "merge": {"as_of": _AS_OF},
    "set_contact": {"as_of": _AS_OF},
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
    "show_status": {
        "at": "2025-11-02T09:30:00Z",
        "version": "0.2.0",
        "ledger": "sqlite",
        "leaderboard": "native",
        "time_zone": "Europe/London",
        "roles": [
            {"role": "award", "state": "running", "since": "2025-11-01T08:00:00Z", "restarts": 0, "error": None},
        ],
        "counts": {
            "ready": 1,
            "ready_since": "2025-11-02T09:29:59.875Z",
            "refunds_waiting": 0,
            "quarantined": 1,
            "messages_due": 0,
            "messages_held": 0,
        },
        "heads": [{"shard": 0, "position": 4711, "hash": "0f" * 16}],
        "behind": 0,
    },
    "show_liability": {
        "at": "2025-11-02T09:30:00Z",
        "pending": 0,
        "active": 830_282,
        "held": 0,
        "owed": 161,
        "total": 830_121,
        "members": 4_372,
        "value": {},
        "expected": {},
    },
    "show_journal": {
        "after": "1.",
        "to": _AS_OF,
        "hashes": {"0": "0f" * 16},
        "points": 25,
        "outstanding": {"": 22, "GBP": 3},
        "lines": [
            {"day": "2025-11-02", "market": "GBP", "kind": "earn", "entries": 1, "points": 3, "value": "0.00"},
        ],
    },
    "show_breakage": {
        "measured": False,
        "cohorts": [{"month": "2025-11", "earned": 25, "redeemed": [10], "expected": "20"}],
        "factors": [],
        "redeemed_share": "0.8000",
        "breakage": "0.2000",
        "still_to_come": "10",
    },
    "list_programs": {
        "published": [_PROGRAM],
        "drafts": [],
        "events": [
            {
                "position": 1,
                "at": "2025-11-01T08:00:00Z",
                "actor": "laurels",
                "act": "publish",
                "version": 1,
                "digest": "3f8a11c0" * 8,
                "rehearsal": None,
                "hash": "0f" * 16,
            },
        ],
    },
    "submit_program": {
        "digest": "9b1c77e4" * 8,
        "version": 8,
        "submitted_by": "person:niamh",
        "submitted_at": "2025-11-02T09:30:00Z",
        "approved_by": None,
    },
    "show_program": {"version": 1, "digest": "3f8a11c0" * 8, "text": "version = 1 ..."},
    "compare_programs": [],
    "rehearse_program": {"kept": False, "rehearsal": _REHEARSAL},
    "approve_program": {**_PROGRAM, "version": 8, "from": "2025-11-02T09:30:00Z"},
    "stop_campaign": {**_PROGRAM, "version": 9, "from": "2025-11-02T09:30:00Z"},
    "show_audit": _AUDIT,
    "show_own_audit": {"rows": [], "next": None},
    **REPORTS,
    **JOB_ANSWERS,
    **CONSOLE_ANSWERS,
}
"""What comes back, by the name of the route's function."""
