"""Examples of programs, for the API's documentation."""

from collections.abc import Mapping
from typing import Any

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
    "ends": "2025-11-02T09:30:00Z",
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
    "unseen": [],
    "changed_orders": 0,
    "changed": [],
    "digest": "9b1c77e4" * 8,
}

PROGRAM_ANSWERS: Mapping[str, Any] = {
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
    "show_program": {"version": 1, "digest": "3f8a11c0" * 8, "text": "version = 1 ...", "warnings": []},
    "compare_programs": [],
    "rehearse_program": {"kept": False, "rehearsal": _REHEARSAL},
    "approve_program": {**_PROGRAM, "version": 8, "from": "2025-11-02T09:30:00Z"},
    "extend_points": {
        "version": 9,
        "from": "2026-12-05T09:30:00Z",
        "until": "2027-08-31T23:00:00Z",
        "points": 1240,
        "lots": 96,
        "looked_at": "2026-11-28T00:15:00Z",
        "digest": "3f8a11c0" * 8,
    },
    "stop_campaign": {**_PROGRAM, "version": 9, "from": "2025-11-02T09:30:00Z"},
}
"""What comes back, by the name of the route's function."""
