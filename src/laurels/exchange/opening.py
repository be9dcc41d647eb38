"""From a path to a table: is it there, what format is it, and is it well-formed."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec

from laurels.exchange.csv_table import csv_columns, open_csv, own_delimiter
from laurels.exchange.excel_table import open_excel
from laurels.exchange.inputs import Input, open_input
from laurels.exchange.json_array import as_lines
from laurels.exchange.ndjson_table import open_ndjson
from laurels.exchange.parquet_table import open_parquet
from laurels.exchange.refusals import refuse, refuse_access, shown
from laurels.exchange.table import Table


class Format(StrEnum):
    """What a file can be."""

    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    NDJSON = "ndjson"
    JSON = "json"
    XLSX = "xlsx"


TABLES_IN_TEXT = frozenset({Format.CSV, Format.TSV})
_ENDINGS = {f".{each}": each for each in Format} | {".jsonl": Format.NDJSON}
_TEXTS = (Format.CSV, Format.TSV, Format.NDJSON, Format.JSON)
_OPENERS: dict[Format, Callable[[Input], Table]] = {
    Format.CSV: open_csv,
    Format.TSV: open_csv,
    Format.PARQUET: open_parquet,
    Format.NDJSON: open_ndjson,
    Format.JSON: open_ndjson,
    Format.XLSX: open_excel,
}


def format_of(file: Input, override: str | None = None) -> Format:
    """The format that `override` names, else the one that the ending tells. Raises `FileRefused` on an unknown one."""
    if override is not None:
        if override not in set(Format):
            raise refuse(file.name, f"the format {shown(override)} is not known; known: {', '.join(Format)}")
        return Format(override)
    if file.suffix not in _ENDINGS:
        raise refuse(
            file.name, f"its ending does not tell the format; known: {', '.join(_ENDINGS)}; or name the format"
        )
    return _ENDINGS[file.suffix]


def open_plain(
    path: Path,
    override: str | None = None,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> tuple[Input, Format]:
    """The plain file behind a path, and its format. Raises `FileRefused`."""
    file = open_input(path, encoding)
    try:
        file_format = format_of(file, override)
        _check_options(file, file_format, delimiter, encoding, sheet)
        usual = "\t" if file_format is Format.TSV else ","
        file = msgspec.structs.replace(file, delimiter=delimiter or usual, sheet=sheet)
        if delimiter is None and file_format in TABLES_IN_TEXT and (own := own_delimiter(file)) is not None:
            file = msgspec.structs.replace(file, delimiter=own)
        return (as_lines(file) if file_format is Format.JSON else file), file_format
    except BaseException:
        file.remove()
        raise


def _check_options(
    file: Input, file_format: Format, delimiter: str | None, encoding: str | None, sheet: str | None
) -> None:
    if sheet is not None and file_format is not Format.XLSX:
        raise refuse(file.name, f"a sheet has no effect on {file_format}")
    if encoding is not None and file_format not in _TEXTS:
        raise refuse(file.name, f"an encoding has no effect on {file_format}")
    if delimiter is None:
        return
    if file_format not in TABLES_IN_TEXT:
        raise refuse(file.name, f"a delimiter has no effect on {file_format}")
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise refuse(file.name, "a delimiter is one character, such as ; or a tab")


def open_table(file: Input, file_format: Format) -> Table:
    """A file as a table. Costs a pass over a CSV or an NDJSON, the footer of a Parquet; raises `FileRefused`."""
    try:
        return _OPENERS[file_format](file)
    except OSError as error:
        raise refuse_access(file.path, error) from error


def describe(path: Path, override: str | None = None) -> str:
    """The format and the columns of a file in one line. Costs the header of a CSV; else as much as opening it."""
    file, file_format = open_plain(path, override)
    try:
        columns = csv_columns(file) if file_format in TABLES_IN_TEXT else open_table(file, file_format).columns
    finally:
        file.remove()
    return f"{file_format} with the columns {', '.join(map(shown, columns))}"
