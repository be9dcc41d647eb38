"""Files that come and go: orders read for `laurels import`, standings and entries written for `laurels export`.

The one package that knows polars; only who reads or writes files loads it, for that takes 0.2 s. A file of orders is
checked from end to end before the first order is given, so a bad one changes nothing; it is refused with lines that
name rows and columns.
"""

from pathlib import Path

import msgspec

from laurels.errors import FileRefused
from laurels.exchange import hints
from laurels.exchange.adjustments import Adjustments, read_adjustments
from laurels.exchange.faults import Fault, FaultyFile, LooksLike
from laurels.exchange.inputs import STANDARD_INPUT, Input
from laurels.exchange.mapping import ROLES, Constant, Mapping
from laurels.exchange.opening import TABLES_IN_TEXT, Format, describe, open_plain, open_table
from laurels.exchange.orders import OrdersFile
from laurels.exchange.presets import OPTIONS, PRESETS, OptionList, presets_for, read_option_list
from laurels.exchange.refusals import refuse, refuse_access
from laurels.exchange.rejects import write_rejects
from laurels.exchange.rows import read_orders
from laurels.exchange.wire_lines import read_wire_lines
from laurels.exchange.writing import FURTHER_COLUMNS, STANDARD_OUTPUT, write_entries, write_standings, write_table

__all__ = [
    "FURTHER_COLUMNS",
    "OPTIONS",
    "PRESETS",
    "ROLES",
    "STANDARD_INPUT",
    "STANDARD_OUTPUT",
    "Adjustments",
    "Constant",
    "Fault",
    "FaultyFile",
    "Format",
    "LooksLike",
    "Mapping",
    "OptionList",
    "OrdersFile",
    "describe",
    "open_documents",
    "read_adjustments",
    "read_option_list",
    "write_entries",
    "write_rejects",
    "write_standings",
    "write_table",
]


def open_documents(
    path: Path,
    mapping: Mapping | None = None,
    *,
    format_name: str | None = None,
    quiet: bool = True,
    skip_invalid: bool = False,
) -> OrdersFile:
    """The orders and refunds in a file, once all of it was found good.

    Where the `mapping` names no column the file speaks the wire's language: tables name their columns as the wire does
    (and have no others than it ignores); without a mapping NDJSON and JSON hold whole orders and refunds as
    `POST /orders` takes them. `format_name` overrides the ending. `quiet` documents send no mail. With `skip_invalid`
    rows that are at fault are left out.

    Raises `FileRefused`, of many faults `FaultyFile`, which says what to do. What the rows of a table mean is held in
    memory, some 100 bytes a row; whole orders in NDJSON are streamed.
    """
    given = mapping or Mapping()
    opened_as = {"delimiter": given.delimiter, "encoding": given.encoding, "sheet": given.sheet}
    file, file_format = open_plain(path, format_name, **opened_as)
    try:
        orders = _read(file, file_format, mapping, quiet=quiet, skip_invalid=skip_invalid)
    except OSError as error:
        file.remove()
        raise refuse_access(path, error) from error
    except BaseException:
        file.remove()
        raise
    return orders.keep(file)


def _read(file: Input, file_format: Format, mapping: Mapping | None, *, quiet: bool, skip_invalid: bool) -> OrdersFile:
    of_objects = file_format in {Format.NDJSON, Format.JSON}
    if of_objects and (mapping is None or not _says_columns(mapping)):
        plain = mapping is not None and mapping.ids_as_they_are
        return read_wire_lines(file, quiet=quiet, skip_invalid=skip_invalid, ids_as_they_are=plain)
    with hints.of_titles(file, is_text=file_format in TABLES_IN_TEXT):
        return _read_table(file, file_format, mapping, quiet=quiet, skip_invalid=skip_invalid)


def _read_table(
    file: Input, file_format: Format, mapping: Mapping | None, *, quiet: bool, skip_invalid: bool
) -> OrdersFile:
    table = open_table(file, file_format)
    of_objects = file_format in {Format.NDJSON, Format.JSON}
    if of_objects and "lines" in table.columns:
        raise _whole_orders(file)
    mapping = mapping or Mapping()
    if not mapping.columns:
        if fitting := presets_for(table.columns):
            raise LooksLike(table.file, fitting[0])
        mapping.check_names(table.file, table.columns)
    return read_orders(table, mapping, quiet=quiet, skip_invalid=skip_invalid)


def _whole_orders(file: Input) -> FileRefused:
    return refuse(file.name, "holds whole orders with lines, whose fields have the wire's names; leave the options out")


def _says_columns(mapping: Mapping) -> bool:
    """Whether a mapping says anything of columns and cells, beyond how the file is opened and ids are taken."""
    apart = {"delimiter": None, "encoding": None, "sheet": None, "ids_as_they_are": False}
    return msgspec.structs.replace(mapping, **apart) != Mapping()
