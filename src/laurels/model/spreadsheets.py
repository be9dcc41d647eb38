"""What spreadsheets take for a formula: they calculate it, and some can ask another host or start a program."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How it begins. Those of full width count where people type in them."""


def defused(cell: object) -> object:
    """A cell that no spreadsheet calculates: a text that begins like a formula gets an apostrophe before it. Numbers
    stay numbers.
    """
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", " ")  # the writer leaves it unquoted, and readers take it for the end of a line
    return f"'{text}" if cell.startswith(_FORMULA) and not _is_number(cell) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and not text.startswith(("\t", "\r", "\n"))
