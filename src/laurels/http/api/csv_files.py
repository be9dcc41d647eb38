"""CSV files: UTF-8, lines end with LF, and no cell that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from laurels.model.spreadsheets import defused

PARQUET = "application/vnd.apache.parquet"
"""What files are sent as that are not CSV."""


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
