"""Examples for the API's documentation: what is answered."""

from collections.abc import Mapping
from typing import Any

from laurels.http.openapi.console_examples import CONSOLE_ANSWERS
from laurels.http.openapi.job_examples import JOB_ANSWERS
from laurels.http.openapi.program_examples import PROGRAM_ANSWERS
from laurels.http.openapi.report_examples import REPORTS

_AS_OF = "1.0-4711"
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
        "purchases": [],
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
    "redeem_pool": {"shares": [{"loyaltyId": "17850", "points": 20}, {"loyaltyId": "12346", "points": 10}]},
    "set_attributes": {"birthday": "02-29", "segments": ["student"]},
    "grant_tier": {"loyaltyId": "0-4716"},
    "hide": {"as_of": _AS_OF},
    "show": {"as_of": _AS_OF},
    "rename": {"as_of": _AS_OF},
    "erase": {"as_of": _AS_OF},
    "merge": {"as_of": _AS_OF},
    "set_contact": {"as_of": _AS_OF},
    "show_time_zone": {"time_zone": "Europe/London"},
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
        "ahead_s": 0,
        "advice": [],
        "checked": {"job": 12, "at": "2025-11-02T04:00:31Z", "findings": 0},
        "backed_up": {"at": "2025-11-02T03:00:09Z", "entries": 4711},
        "restored": {"at": "2025-10-30T10:12:00Z", "entries": 4588},
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
            {"day": "2025-11-02", "market": "GBP", "kind": "earn", "entries": 1, "points": 3, "value": ""},
        ],
    },
    "show_breakage": {
        "measured": False,
        "running": "2025-11",
        "cohorts": [{"month": "2025-11", "earned": 25, "redeemed": [10], "expected": "20"}],
        "factors": [],
        "redeemed_share": "0.8000",
        "breakage": "0.2000",
        "still_to_come": "10",
    },
    **PROGRAM_ANSWERS,
    **REPORTS,
    **JOB_ANSWERS,
    **CONSOLE_ANSWERS,
}
"""What comes back, by the name of the route's function."""
