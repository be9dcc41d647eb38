"""Undoing a correction by its opposite: once, whoever does it. The opposite is known by what it undoes, in one circle
of ids for all, so that of two colleagues who undo the same correction the second changes nothing.
"""

UNDO_SOURCE = "console"
"""The circle of ids."""


def undo_key(loyalty_id: str) -> str:
    """The id of the correction that undoes the one with this entry."""
    return f"undo:{loyalty_id}"
