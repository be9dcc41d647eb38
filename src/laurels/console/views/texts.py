"""Texts as people paste them."""

import re
import unicodedata

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f]+")


def one_line(text: str) -> str:
    """A text on one line, with single spaces: a box takes line ends and tabs, and what is kept has none."""
    return _BREAKS.sub(" ", text).strip()


def unseen_removed(text: str) -> str:
    """What was pasted, without what nobody sees: blanks at its ends, and the marks that chats and spreadsheets put
    around what is copied out of them (zero-width spaces, marks of direction). No id has any of them.
    """
    return "".join(each for each in text if unicodedata.category(each) not in {"Cf", "Cc"}).strip()
