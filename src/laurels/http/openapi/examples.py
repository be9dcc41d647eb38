"""Examples for the API's documentation: what is sent. A test sends each of them, and holds each answer against the one
that `answer_examples` tells.
"""

from collections.abc import Mapping
from typing import Any

from laurels.http.openapi.job_examples import JOB_REQUESTS

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
    "extend_points": {"Half a year more": {"expiring": ["2027-02-01", "2027-03-01"], "until": "2027-09-01"}},
    "stop_campaign": {"A price that was wrong": {"campaign": "double dairy", "why": "the price was wrong"}},
    "adjust": {
        "Points for a late parcel": {"loyalty-points": 25, "reason": "goodwill"},
        "A correction downwards": {"loyalty-points": -25, "reason": "credited to the wrong customer"},
        "Points to spend by a day": {
            "loyalty-points": 500,
            "note": "Happy birthday",
            "expires_at": "2099-04-01T00:00:00Z",
        },
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
    "redeem_pool": {"A household": {"redemption_id": "P1", "members": ["17850", "12346"], "points": 30}},
    "set_attributes": {"A student born on a leap day": {"birthday": "02-29", "segments": ["student"]}},
    "grant_tier": {
        "Gold for a year": {
            "grant_id": "G1",
            "tier": "gold",
            "until": "2099-12-01T00:00:00Z",
            "reason": "moved from the partner's program",
        },
    },
    "merge": {"A guest order of a customer with an account": {"into": "12346"}},
    "set_contact": {"Another address": {"email": "ann@example.com"}},
    "cancel_refund": {"It failed at the bank": {"source": "shop"}},
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
