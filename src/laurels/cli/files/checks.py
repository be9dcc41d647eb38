"""What an order in a file must keep to beyond `laurels.model`: names of goods, e-mail addresses, sums of lines."""

import re

from laurels.errors import InvalidInput
from laurels.model import Channel
from laurels.model.money import DECIMALS, MAX_WHOLE_DIGITS, format_amount

SKU = r"^[^\x00-\x1f\x7f]{1,128}$"
"""Any text of up to 128 characters without control characters; real article numbers have spaces and slashes in them."""

EMAIL = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$"
"""The form of an e-mail address; whether it exists only a mail can tell."""


def check_channel(text: str, field: str) -> str:
    """Give `text` back when it is a channel; raise `InvalidInput` when not."""
    if text not in set(Channel):
        raise InvalidInput.of(field, f"must be one of {', '.join(Channel)}")
    return text


def check_sku(text: str, field: str) -> str:
    """Give `text` back when it can name goods; raise `InvalidInput` when not."""
    if not re.fullmatch(SKU, text):
        raise InvalidInput.of(field, "must be 1 to 128 characters, none of them a control character")
    return text


def check_email(text: str, field: str) -> str:
    """Give `text` back when it has the form of an address; raise `InvalidInput` when not."""
    if not re.fullmatch(EMAIL, text):
        raise InvalidInput.of(field, "must be an e-mail address such as ann@example.com")
    return text


def check_sum(total: int, currency: str, field: str = "lines") -> int:
    """Give the sum of an order's lines (minor units) back when an order may have it; raise `InvalidInput` when not."""
    if total < 0:
        raise InvalidInput.of(
            field, f"add up to {format_amount(total, currency)}; an order's total must not be negative"
        )
    if total >= 10 ** (MAX_WHOLE_DIGITS + DECIMALS[currency]):
        raise InvalidInput.of(field, f"add up to more than {MAX_WHOLE_DIGITS} whole digits of {currency}")
    return total
