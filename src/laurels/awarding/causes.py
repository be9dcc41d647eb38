"""Why documents lie in quarantine, in few words that hold nobody's data: for logs and figures."""

import re

OTHER = "other"

_REASONS = (
    ("currency", r"gives no points for"),
    ("another-currency", r"is in \w+, the refund in"),
    ("another-member", r"another member's"),
    ("no-order", r"did not come within"),
    ("unreadable", r"cannot be read"),
    ("points-out-of-range", r"must stay within"),
    ("not-enrolled", r"not enrolled"),
    ("revision", r"revision"),
    ("lines", r"no line|the lines (are|cost)|line's tax|its tax|payments do not add up"),
)

CAUSES = (*(cause for cause, _ in _REASONS), OTHER)
"""All there are."""


def cause_of(reason: str) -> str:
    """The cause that a document's reason speaks of; `other` for one that is none of the known."""
    return next((cause for cause, words in _REASONS if re.search(words, reason)), OTHER)
