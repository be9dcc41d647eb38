"""Names that a shop chooses: identifiers, sources, article numbers, e-mail addresses; how each may look, and the words
for it.

The patterns have no anchors: each engine of regular expressions has its own for the very end of a text. They use what
Python, ECMAScript and Rust share: no look-around, and plain characters beyond U+FFFF.
"""

import re

from laurels.errors import InvalidInput

_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_SEPARATOR = r"\u2028\u2029"
_FORMAT = (
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    r"\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Unicode's category Cf as of version 16. Written out, so that what is an id does not follow from which Unicode an
interpreter, a browser or a library of columns knows.
"""
_SPACE = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

UNPRINTABLE = _CONTROL + _FORMAT + _SEPARATOR
"""Control and format characters, line and paragraph separators: the inside of a class. Lone surrogates are no text in
UTF-8, so that only Python can meet them; `check_id` refuses them by their bytes.
"""

MAX_ID_CHARACTERS, MAX_ID_BYTES = 128, 255

_INNER = f"[^{UNPRINTABLE}]"
_END = f"[^{UNPRINTABLE}{_SPACE}]"
_NO_DOT = rf"[^{UNPRINTABLE}{_SPACE}\.]"
_ON = f"{_INNER}{{0,{MAX_ID_CHARACTERS - 2}}}{_END}"

ID = rf"(?:{_NO_DOT}(?:{_ON})?|\.{_NO_DOT}|\.{_INNER}{{1,{MAX_ID_CHARACTERS - 2}}}{_END})"
"""Members, orders, refunds, redemptions, keys: 1 to 128 characters of printable text, no white space at the ends,
neither `.` nor `..`. The bytes (at most 255 of UTF-8) no pattern can count: `check_id` does.
"""

SOURCE = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
"""The systems that number orders, refunds, redemptions."""

OWN_SOURCES = frozenset({"laurels", "checkout", "member"})
"""Laurels' own sources; what begins with `member:` is its own as well."""

SKU = r"[^\x00-\x1f\x7f]{1,128}"
"""Any text without control characters; real article numbers have spaces and slashes in them."""

EMAIL = r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}"
"""The form of an address; whether it exists only a mail can tell."""

SPOILED = (
    r"[+-]?[0-9]+[.,][0-9]+[Ee][+-]?[0-9]+|[+-]?[0-9]+[Ee]\+[0-9]+|[+-]?[0-9]+[.,]0+|[0-9]{1,3}(?:[,.'][0-9]{3})+[.,]0+"
    r"|=[0-9]+|=\"[^\"]*\"|'[0-9]+"
    r"|#+|#\u00a1?[A-Z\u00c0-\u00de\u0400-\u042f][A-Z0-9\u00c0-\u00de\u0400-\u042f/_ ]*[!?]"
    r"|#N/A(?: N/A)?|#N/D|#NA|#NV|#\u041d/\u0414|Err:[0-9]{3}"
    r"|[+-]?(?:[Nn][Aa][Nn]|[Ii][Nn][Ff](?:[Ii][Nn][Ii][Tt][Yy])?|1\.#(?:IND|QNAN|INF))"
    r"|NaT|NA|N/A|n/a|<NA>|[\[(<]?(?:NULL|Null|null|NIL|nil)[\])>]?|\\N|NONE|None|none|undefined|\[object Object\]"
)
"""What spreadsheets and programs leave where an id was: a number in scientific spelling, with `.0`, or marked as text
(`="007"`); an error in any language of theirs; a word for nothing. `73928e03`, `219E01BE` and `007` are none of these.
Held against ids in files alone, where nobody answers.
"""

ONE_LINE = r"^[^\x00-\x1f\x7f]*\Z"
PRINTABLE = rf"^[^{UNPRINTABLE}]*\Z"
"""What people write: on one line, without control characters (they steer terminals, and PostgreSQL takes no NUL); and
without what hides in a text, too.
"""

WORDS = {
    ID: "must be 1 to 128 printable characters (at most 255 bytes), without white space at the ends, and not . or ..",
    SOURCE: "must be 1 to 64 of A-Z a-z 0-9 . _ : - and begin with a letter or a digit",
    SKU: "must be 1 to 128 characters, none of them a control character",
    EMAIL: "must be an e-mail address such as ann@example.com",
    ONE_LINE: "must be one line, without control characters",
    PRINTABLE: "must be printable characters",
}
"""What to say of a text that does not match."""

_id = re.compile(ID)
_plain_id = re.compile(r"[A-Za-z0-9_-]{1,128}")
_source = re.compile(SOURCE)
_sku = re.compile(SKU)
_email = re.compile(EMAIL)
_spoiled = re.compile(SPOILED)


def check_id(text: str, field: str) -> str:
    """Give `text` back, as it is, when it is an identifier; raise `InvalidInput` naming `field` when it is not.

    Costs 0.2 us for letters and digits, else some 2 us.
    """
    if _plain_id.fullmatch(text) or (_id.fullmatch(text) and _fits(text)):
        return text
    raise InvalidInput.of(field, WORDS[ID])


def _fits(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:  # a lone surrogate
        return False


def check_source(text: str, field: str) -> str:
    """Give `text` back when something can be handed in under it; raise `InvalidInput` when it names no source, or one
    of Laurels' own. Who reads may name any: those, and what version 0.1 took, which is any id.
    """
    _check(_source, text, field)
    if is_own_source(text):
        raise InvalidInput.of(field, "must not be one of Laurels' own: laurels, checkout, member, member:…")
    return text


def is_own_source(text: str) -> bool:
    """Whether Laurels itself numbers what is under this source."""
    return text in OWN_SOURCES or text.startswith("member:")


def check_sku(text: str, field: str) -> str:
    """Give `text` back when it can name goods; raise `InvalidInput` when not."""
    return _check(_sku, text, field)


def is_sku(text: str) -> bool:
    """Whether a text can name goods. Costs 0.2 us, a third of `check_sku`."""
    return _sku.fullmatch(text) is not None


def check_email(text: str, field: str) -> str:
    """Give `text` back when it has the form of an address; raise `InvalidInput` when not."""
    return _check(_email, text, field)


def is_email(text: str) -> bool:
    """Whether a text has the form of an address."""
    return _email.fullmatch(text) is not None


def is_spoiled(text: str) -> bool:
    """Whether an id in a file looks like one that a spreadsheet or a program spoiled."""
    return _spoiled.fullmatch(text) is not None


def _check(pattern: re.Pattern[str], text: str, field: str) -> str:
    if not pattern.fullmatch(text):
        raise InvalidInput.of(field, WORDS[pattern.pattern])
    return text
