"""Examples of the reports, for the API's documentation."""

from collections.abc import Mapping
from typing import Any

_COUNTED = {"behind": 0, "time_zone": "Europe/London"}
_OF_ALL = {"period": None, "part": "", "source": "", "market": "GBP"}

REPORTS: Mapping[str, Any] = {
    "report_movement": {
        "basis": "recorded",
        "opening": [],
        "lines": [
            {**_OF_ALL, "kind": "adjust", "points": 50, "entries": 1, "amount": None},
            {**_OF_ALL, "kind": "earn", "points": 25, "entries": 9, "amount": "250.00"},
        ],
        "closing": [{"market": "GBP", "points": 75, "worth": None}],
        "counted": _COUNTED,
    },
    "export_movement": "period,kind,part,source,market,points,entries,amount\n,earn,,,GBP,25,9,250.00\n",
    "export_movement_as_parquet": "PAR1…PAR1",
    "report_orders": {
        "begins": "2025-11-01",
        "lines": [{"market": "GBP", "orders": 9, "spend": "250.00", "points": 25}],
        "counted": _COUNTED,
    },
    "report_due": {
        "at": "2025-11-02T06:00:00Z",
        "due": [{"what": "lapse", "day": "2026-11-30", "points": 40, "members": 2}],
    },
    "report_tiers": {"tiers": [{"tier": "", "members": 3}], "moves": [], "counted": _COUNTED},
    "report_members": {
        "members": 4,
        "lines": [{"period": "2025-11", "enrolled": 4, "gone": 0, "first": 3, "active": 3}],
        "counted": _COUNTED,
    },
}
