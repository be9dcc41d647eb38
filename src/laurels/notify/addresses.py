"""Mail addresses as they go on an envelope and into a header: whatever cannot be written there safely is no address.

Customers type these. What the API accepts is looser than what mail can carry, so they are looked at again here.
"""

import re
from email.headerregistry import Address

import idna

from laurels.errors import LaurelsError

_LONGEST_LOCAL_PART = 64
"""In bytes of UTF-8, by RFC 5321."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
"""What may stand before the @, by RFC 6531. Not in quotes: nobody has such an address."""

ENCODED_WORD = "=?"
"""What begins so is decoded on its way into a header, even inside an address, and may come out as line breaks."""


class BadAddress(LaurelsError):
    """This is no address that mail can be sent to."""


def parse_address(text: str, display_name: str = "") -> Address:
    """An address, such as ann@example.com, its domain in the ASCII form that mail servers know (IDNA 2008).

    Raises `BadAddress`, without quoting it: reasons are kept, and addresses belong to whoever may be erased.
    """
    local_part, _, domain = text.rpartition("@")
    if not (_LOCAL_PART.fullmatch(local_part) and local_part.isprintable()) or ENCODED_WORD in local_part:
        raise BadAddress
    try:
        if len(local_part.encode()) > _LONGEST_LOCAL_PART:
            raise BadAddress
        return Address(display_name, local_part, idna.encode(domain, uts46=True).decode("ascii"))
    except ValueError as error:  # also what idna and encode() raise
        raise BadAddress from error
