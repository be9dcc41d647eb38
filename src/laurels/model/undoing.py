"""Undoing a correction by its opposite: once, whoever does it. The opposite is known by what it undoes, in one circle
of ids for all, so that of two colleagues who undo the same correction the second changes nothing.
"""

import re

from laurels.model.entries import CURSOR_BITS

UNDO_SOURCE = "console"
"""The circle of ids."""


def undo_key(loyalty_id: str) -> str:
    """The id of the correction that undoes the one with this entry."""
    return f"undo:{loyalty_id}"


def before_undone(id: str) -> str | None:
    """The cursor before which a list begins with the entry that a correction of this id undoes; None where it undoes
    none.
    """
    found = _KEY.fullmatch(id)
    return None if found is None else str((int(found[1]) << CURSOR_BITS | int(found[2])) + 1)


_KEY = re.compile(r"undo:([0-9]{1,5})-([0-9]{1,12})")
