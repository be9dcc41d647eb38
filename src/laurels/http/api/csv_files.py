"""CSV files: UTF-8, lines end with LF, and no cell that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

PARQUET = "application/vnd.apache.parquet"
"""What files are sent as that are not CSV."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(header: Sequence[str], rows: Iterable[Sequence[object]], *, with_header: bool = True) -> bytes:
    """A file, or what follows in it. None is an empty cell; a text that begins like a formula gets an apostrophe before
    it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if with_header:
        writer.writerow(header)
    writer.writerows([[defused(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def defused(cell: object) -> object:
    """A cell that no spreadsheet calculates. Numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", " ")  # the writer leaves it unquoted, and readers take it for the end of a line
    return f"'{text}" if cell.startswith(_FORMULA) and not _is_number(cell) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and not text.startswith(("\t", "\r"))
