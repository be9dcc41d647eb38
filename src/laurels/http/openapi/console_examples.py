"""Examples of campaigns and messages, for the API's documentation."""

from collections.abc import Mapping
from typing import Any

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
    "list_campaigns": {"version": 1, "in_force_from": None, "campaigns": []},
    "list_messages": {"messages": [_MESSAGE], "next": None},
    "retry_message": {**_MESSAGE, "state": "due", "due_at": "2025-11-02T09:41:00Z"},
}
"""What comes back, by the name of the route's function."""
