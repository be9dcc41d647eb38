"""How a verification reads: chunk by chunk, each of one moment, whatever a damaged file gives."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from laurels.engines.sqlite.connection import Database, Row

UNREADABLE = (apsw.Error, UnicodeDecodeError)
"""What the driver raises where bytes of the file make no sense."""


@contextmanager
def moment(db: Database) -> Iterator[None]:
    """All that is read inside is of one moment."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def in_order(rows: list[Row], after: int) -> list[Row]:
    """Rows by their increasing keys. A damaged page gives them otherwise, and whoever goes on from the last one reads
    them for ever.
    """
    for row in rows:
        if row[0] <= after:
            raise apsw.CorruptError("rows come out of order")
        after = row[0]
    return rows
