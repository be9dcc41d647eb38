"""Files that come and go: orders read for `laurels import`, standings and entries written for `laurels export`.

The one package that knows polars; only who reads or writes files loads it, for that takes 0.2 s. A file of orders is
checked from end to end before the first order is given, so a bad one changes nothing; it is refused with lines that
name rows and columns.
"""

from pathlib import Path

from laurels.exchange.mapping import PRESETS, Constant, Mapping
from laurels.exchange.opening import Format, check_readable, describe, format_of, open_table
from laurels.exchange.orders import OrdersFile
from laurels.exchange.refusals import refuse_access
from laurels.exchange.rows import read_orders
from laurels.exchange.wire_lines import read_wire_lines
from laurels.exchange.writing import write_entries, write_standings

__all__ = [
    "PRESETS",
    "Constant",
    "Format",
    "Mapping",
    "OrdersFile",
    "describe",
    "open_documents",
    "write_entries",
    "write_standings",
]


def open_documents(
    path: Path, mapping: Mapping | None = None, *, format_name: str | None = None, quiet: bool = True
) -> OrdersFile:
    """The orders and refunds in a file, once all of it was found good.

    Without a `mapping` the file speaks the wire's language: CSV and Parquet name their columns as the wire does (and
    have no others), NDJSON holds whole orders and refunds as `POST /orders` takes them. `format_name` (csv, parquet,
    ndjson) overrides the ending. `quiet` documents send no mail.

    Raises `FileRefused` with one line that says what to do. CSV, Parquet and mapped NDJSON are held in memory, a few
    hundred bytes a row; whole orders in NDJSON are streamed.
    """
    file_format = format_of(path, format_name)
    check_readable(path)
    try:
        if mapping is None and file_format is Format.NDJSON:
            return read_wire_lines(path, quiet=quiet)
        table = open_table(path, file_format)
        return read_orders(table, mapping or Mapping.by_names(table.file, table.columns), quiet=quiet)
    except OSError as error:
        raise refuse_access(path, error) from error
