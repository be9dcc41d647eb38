"""What tests leave of a customer, and find again however it is spelt."""

import base64
import re
import zlib
from urllib.parse import quote

MEMBER, OTHER = "secret-member-4711", "secret-other-4712"
"""Two ids of one customer, who are merged."""

ADDRESS, OTHER_ADDRESS = "secret.address@example.com", "second.secret@example.org"
WORDS, NOTE, KEY, FILE, SOUGHT = "secret words", "secret note", "secret-key", "secret-file", "secret search"
SEGMENT = "secret-segment"
BASKET = {
    "store": "hidden-store",
    "region": "hidden-region",
    "coupons": ["hidden-coupon"],
    "payments": [{"method": "hidden-pay", "amount": "1100.00"}],
    "lines": [
        {
            "sku": "HIDDEN-SKU-1",
            "quantity": 2,
            "unit_price": "500.00",
            "category": "hidden-category",
            "brand": "hidden-brand",
            "tags": ["hidden-tag"],
        },
        {"sku": "HIDDEN-SKU-2", "quantity": 1, "unit_price": "100.00", "kind": "fee"},
    ],
    "total": "1100.00",
}
WHO = (MEMBER, OTHER, ADDRESS, OTHER_ADDRESS, "secret.address", WORDS, NOTE, KEY, FILE, SOUGHT, SEGMENT)
_TRAITS = ("store", "region", "coupon", "pay", "category", "brand", "tag")
BOUGHT = ("HIDDEN-SKU", *(f"hidden-{what}" for what in _TRAITS))
_LONGEST_PACKED = 1_000_000
_PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
"""How zlib's and gzip's streams begin."""


def found_in(text: str | bytes) -> set[str]:
    """What of the customer stands there: as text, in hex as a server's dump writes bytes, in base64 wherever it begins,
    in UTF-16, in an address, and within what is packed.
    """
    raw = text.encode() if isinstance(text, str) else text
    return _found(raw).union(*map(_found, _unpacked(raw)))


def _found(raw: bytes) -> set[str]:
    return {each for each, spellings in _SPELLINGS.items() if any(spelt in raw for spelt in spellings)}


def _unpacked(raw: bytes) -> list[bytes]:
    found = []
    for begin in _PACKED.finditer(raw):
        try:
            stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
            found.append(stream.decompress(raw[begin.start() : begin.start() + _LONGEST_PACKED], _LONGEST_PACKED))
        except zlib.error:
            continue
    return found


def _spelt(text: str) -> set[bytes]:
    raw = text.encode()
    spellings = {raw, raw.hex().encode(), raw.hex().upper().encode(), quote(text, safe="").encode()}
    spellings |= {text.encode("utf-16-le"), text.encode("utf-16-be")}
    for before in range(3):
        inside = base64.b64encode(b" " * before + raw)[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        spellings |= {inside, inside.translate(bytes.maketrans(b"+/", b"-_"))}
    return spellings


_SPELLINGS = {each: _spelt(each) for each in (*WHO, *BOUGHT)}
