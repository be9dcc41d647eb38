"""Identifiers that a shop chooses: members, orders, refunds, redemptions and the systems that number them."""

import re

from laurels.errors import InvalidInput

PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}\Z"
"""UUIDs, numbers and e-mail addresses fit; slashes, spaces and control characters do not."""

_matches = re.compile(PATTERN).match


def check_id(text: str, field: str) -> str:
    """Give `text` back when it is an identifier; raise `InvalidInput` naming `field` when it is not."""
    if not _matches(text):
        raise InvalidInput.of(field, "must be 1 to 128 of A-Z a-z 0-9 . _ : @ + = - and begin with a letter or a digit")
    return text
