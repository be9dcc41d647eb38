"""Examples of jobs and proposals, for the API's documentation."""

from collections.abc import Mapping
from typing import Any

_DIGEST, _PREVIEW = "9b1c77e4" * 8, "3f8a11c0" * 8
_CSV = "member_id,points,reason,note\n17850,50,ticket 48213,Sorry that your parcel came late\n"
_CHECKED = {
    "title": "",
    "rows": 1,
    "customers": 1,
    "given": 600,
    "taken": 0,
    "unknown": 0,
    "unknown_rows": [],
    "before": 0,
    "doubles": 0,
    "above": 1,
    "largest": [{"member": 0, "points": 600}],
    "lapsed": 0,
}
_PROPOSED = {
    "number": 1,
    "kind": "corrections",
    "state": "proposed",
    "actor": "person:niamh",
    "approver": None,
    "digest": _DIGEST,
    "about": _CHECKED,
    "done": 0,
    "total": 1,
    "tally": {},
    "error": "",
    "stopping": False,
    "created_at": "2025-11-02T09:30:00Z",
    "decided_at": None,
    "ended_at": None,
    "file": False,
}
_DECIDED = {**_PROPOSED, "approver": "person:aoife", "decided_at": "2025-11-02T09:41:00Z"}
_STOPPED = {**_PROPOSED, "state": "stopped", "stopping": True, "ended_at": "2025-11-02T09:41:00Z"}
_EFFECT = {
    "points": 600,
    "balance": 475,
    "balance_after": 1075,
    "available": 475,
    "available_after": 1075,
    "score": 500,
    "score_after": 1100,
}

JOB_REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "start_job": {
        "Check the ledger": {"kind": "verify"},
    },
    "erase_many": {"Two who asked for it": {"name": "erasures.csv", "csv": "member_id\n17850\n13047\n"}},
    "correct_many": {"Points for late parcels": {"name": "late-parcels.csv", "csv": _CSV}},
    "propose_correction": {
        "More than one may give alone": {
            "proposal_id": "48213",
            "member_id": "17850",
            "loyalty-points": 600,
            "reason": "ticket 48213",
        },
    },
    "approve_proposal": {"As it was seen": {"digest": _DIGEST, "preview": _PREVIEW}},
    "reject_proposal": {"As it was seen": {"digest": _DIGEST}},
}
"""The bodies to send, by the name of the route's function."""

JOB_ANSWERS: Mapping[str, Any] = {
    "list_jobs": {"jobs": [_PROPOSED], "next": None},
    "start_job": {**_PROPOSED, "kind": "verify", "state": "ready", "about": {}, "total": 0},
    "show_job": _PROPOSED,
    "show_job_file": "row,why\n7,There is no such customer.\n",
    "stop_job": _STOPPED,
    "erase_many": {
        **_PROPOSED,
        "kind": "erasures",
        "about": {
            "title": "",
            "rows": 2,
            "customers": 1,
            "unknown": 1,
            "unknown_rows": [2],
            "doubles": 0,
        },
        "total": 1,
    },
    "correct_many": {**_PROPOSED, "state": "ready", "about": _CHECKED},
    "propose_correction": {"job": _PROPOSED},
    "show_proposal": {
        "job": _PROPOSED,
        "checked": _CHECKED,
        "erasures": None,
        "effects": [{"member": 0, "points": 600, "reason": "ticket 48213", "note": "", "effect": _EFFECT}],
        "preview": _PREVIEW,
    },
    "approve_proposal": {**_DECIDED, "state": "ready"},
    "reject_proposal": {**_DECIDED, "state": "rejected", "ended_at": "2025-11-02T09:41:00Z"},
}
"""What comes back, by the name of the route's function."""
