"""Names that a shop chooses: identifiers, article numbers, e-mail addresses; how each may look, and the words for it.

The patterns have no anchors: each engine of regular expressions has its own for the very end of a text.
"""

import re

from laurels.errors import InvalidInput

ID = r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}"
"""Members, orders, refunds, redemptions, sources. UUIDs and addresses fit; slashes, spaces and controls do not."""

SKU = r"[^\x00-\x1f\x7f]{1,128}"
"""Any text without control characters; real article numbers have spaces and slashes in them."""

EMAIL = r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}"
"""The form of an address; whether it exists only a mail can tell."""

WORDS = {
    ID: "must be 1 to 128 of A-Z a-z 0-9 . _ : @ + = - and begin with a letter or a digit",
    SKU: "must be 1 to 128 characters, none of them a control character",
    EMAIL: "must be an e-mail address such as ann@example.com",
}
"""What to say of a text that does not match."""

_id = re.compile(ID)
_sku = re.compile(SKU)
_email = re.compile(EMAIL)


def check_id(text: str, field: str) -> str:
    """Give `text` back when it is an identifier; raise `InvalidInput` naming `field` when it is not."""
    return _check(_id, text, field)


def check_sku(text: str, field: str) -> str:
    """Give `text` back when it can name goods; raise `InvalidInput` when not."""
    return _check(_sku, text, field)


def check_email(text: str, field: str) -> str:
    """Give `text` back when it has the form of an address; raise `InvalidInput` when not."""
    return _check(_email, text, field)


def _check(pattern: re.Pattern[str], text: str, field: str) -> str:
    if not pattern.fullmatch(text):
        raise InvalidInput.of(field, WORDS[pattern.pattern])
    return text
