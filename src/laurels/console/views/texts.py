"""Texts as people paste them."""

import re
import unicodedata

from laurels.console import formats

SENT_BEFORE = "This form was sent before, and counted then. For another one, open the form anew."
NO_WHOLE_NUMBER = "Write a whole number, such as 50"
_WHOLE = re.compile(r"-?[0-9]{1,10}")
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+")
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f]+")


def one_line(text: str) -> str:
    """A text on one line, with single spaces: a box takes line ends and tabs, and what is kept has none."""
    return _BREAKS.sub(" ", text).strip()


def unseen_removed(text: str) -> str:
    """What was pasted, without what nobody sees: blanks at its ends, and the marks that chats and spreadsheets put
    around what is copied out of them (zero-width spaces, marks of direction). No id has any of them.
    """
    return "".join(each for each in text if unicodedata.category(each) not in {"Cf", "Cc"}).strip()


def whole_number(text: str) -> int | None:
    """A number as a person writes it, such as 1,000 and \u22125; None for what is none: 2,5 is not 25."""
    written = text.strip().replace(formats.MINUS, "-").removeprefix("+")
    plain = written.replace(",", "") if _GROUPED.fullmatch(written) else written
    return int(plain) if _WHOLE.fullmatch(plain) else None
