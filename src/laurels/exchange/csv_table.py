"""CSV as a table. polars reads it fast; the standard library's reader names the place once something is wrong.

polars fills up rows that are cut short. So the delimiters are counted: those in the bytes of the file must be the ones
inside cells plus those that separate the cells of complete rows. Only where that fails is the file walked row by row.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from msgspec import Struct

from laurels.exchange.inputs import Input
from laurels.exchange.refusals import refuse, refuse_cell, shown
from laurels.exchange.table import POLARS_FAILED, Table, lazy_slices

MAX_COLUMNS = 10_000
MAX_HEADER_BYTES = 1_000_000

_BLOCK_BYTES = 1 << 20
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""How files begin that are not UTF-8; that of UTF-32 begins as that of UTF-16."""
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""What the error handler `surrogateescape` puts in the place of bytes that are not UTF-8."""


class _CsvRecord(Struct):
    """One record as the walk finds it: the line it begins on, its cells, and its text with quotes and line ends."""

    line: int
    cells: list[str]
    text: str


def open_csv(file: Input) -> Table:
    """A CSV file (UTF-8 with or without a mark, LF or CRLF) as a table of texts; an empty cell is null."""
    columns = csv_columns(file)
    delimiter = file.delimiter
    counted = _count_delimiters(file, columns)
    names = dict(zip(columns, map(str, range(len(columns))), strict=False))
    lazy = pl.scan_csv(
        file.path,
        new_columns=[str(index) for index in range(len(columns))],
        infer_schema=False,
        glob=False,
        separator=delimiter,
    )
    try:
        inside = pl.sum_horizontal(pl.all().str.count_matches(delimiter, literal=True).sum())
        counts = lazy.select(pl.len().alias("height"), inside.alias("inside"))
        height, counted_inside = counts.collect(engine="streaming").row(0)
    except POLARS_FAILED as error:
        _refuse_first_fault(file, columns)
        raise refuse(file.name, f"is not well-formed CSV: {shown(str(error).partition(chr(10))[0], 120)}") from error
    separators = (height + 1) * (len(columns) - 1) + sum(column.count(delimiter) for column in columns)
    if counted != separators + counted_inside:
        _refuse_first_fault(file, columns)
        raise refuse(file.name, "is not well-formed CSV; save it again with commas and double quotes")
    if height == 0:
        raise refuse(file.name, "has a header and no rows")

    def slices(wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        return lazy_slices(file.name, height, lazy, {name: names[column] for name, column in wanted.items()})

    return Table(file.name, columns, height, slices, lambda rows: _places(file, rows))


def own_delimiter(file: Input) -> str | None:
    """What the first line shows that cells are separated by, where the usual delimiter is not in it; None: it shows
    nothing, or several.
    """
    with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        header = opened.readline(MAX_HEADER_BYTES)
    bare = re.sub(r'"[^"]*"', "", header)
    found = [each for each in DELIMITERS if each in bare]
    return found[0] if len(found) == 1 and found[0] != file.delimiter else None


def csv_columns(file: Input) -> tuple[str, ...]:
    """The names in the first line. Raises `FileRefused` where they cannot be told."""
    with file.path.open("rb") as opened:
        begins = opened.read(4)
        for mark, encoding in _MARKS.items():
            if begins.startswith(mark):
                why = f"is {encoding.upper()}; name that with --encoding {encoding}, or save it as UTF-8"
                raise refuse(file.name, why)
        if len(begins) > 1 and 0 in begins[:2] and begins[:2] != b"\0\0":
            encoding = "utf-16-le" if begins[1] == 0 else "utf-16-be"
            raise refuse(file.name, f"is UTF-16, it seems; name that with --encoding {encoding}, or save it as UTF-8")
        opened.seek(0)
        if len(opened.readline(MAX_HEADER_BYTES)) == MAX_HEADER_BYTES:
            raise refuse(file.name, "has a first line too long for names of columns; the first line must name them")
    try:
        header = next(_walk(file), None)
    except csv.Error as error:
        raise refuse(file.name, f"line 1 is not a row of column names ({error})") from error
    if header is None:
        raise refuse(file.name, "is empty")
    _check_header(file, header)
    return tuple(header.cells)


def _check_header(file: Input, header: _CsvRecord) -> None:
    if not header.cells:
        raise refuse(file.name, "line 1 is empty; the first line must name the columns")
    _check_text(file, header, 0, header.cells)
    if header.text.endswith("\r"):
        raise refuse(file.name, "its lines end in CR alone; save it with LF or CRLF line ends")
    if len(header.cells) == 1:
        for delimiter, name in DELIMITERS.items():
            if delimiter in header.cells[0]:
                raise refuse(file.name, f"its columns are separated by {name}; name the delimiter")
    if len(header.cells) > MAX_COLUMNS:
        raise refuse(file.name, f"has {len(header.cells)} columns; at most {MAX_COLUMNS} can be read")


def _count_delimiters(file: Input, columns: tuple[str, ...]) -> int:
    """The delimiters in a file, on a pass that also refuses whatever is not text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    counted = 0
    delimiter = file.delimiter.encode()
    with file.path.open("rb") as opened:
        while block := opened.read(_BLOCK_BYTES):
            counted += block.count(delimiter)
            try:
                decoder.decode(block)
                broken = b"\0" in block
            except UnicodeDecodeError:
                broken = True
            if broken:
                _refuse_first_fault(file, columns)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        _refuse_first_fault(file, columns)
    return counted


def _refuse_first_fault(file: Input, columns: tuple[str, ...]) -> None:
    """Walk the file and raise `FileRefused` at the first record that is at fault; return where none is."""
    row = 0
    try:
        for row, record in enumerate(_walk(file)):
            _check_text(file, record, row, columns)
            place = _place(row, record.line)
            if not record.cells:
                raise refuse_cell(file.name, place, None, "is empty; remove this line")
            if record.text.count('"') % 2:
                raise refuse_cell(
                    file.name,
                    place,
                    None,
                    'has a quotation mark in a cell that is not quoted; write it as "" in a quoted one',
                )
            if len(record.cells) != len(columns):
                why = f"has {len(record.cells)} cells where the header has {len(columns)}"
                raise refuse_cell(file.name, place, None, why)
    except csv.Error as error:
        raise refuse_cell(file.name, f"row {row + 1}", None, f"is not well-formed CSV ({error})") from error


def _check_text(file: Input, record: _CsvRecord, row: int, columns: tuple[str, ...] | list[str]) -> None:
    for index, cell in enumerate(record.cells):
        column = columns[index] if row and index < len(columns) else f"number {index + 1}"
        if _NOT_UTF8.search(cell):
            raise refuse_cell(
                file.name,
                _place(row, record.line),
                column,
                "is not UTF-8; name what it is, such as --encoding cp1252, or save it as UTF-8",
            )
        if "\0" in cell:
            raise refuse_cell(file.name, _place(row, record.line), column, "has a NUL byte in it; remove it")


def _walk(file: Input) -> Iterator[_CsvRecord]:
    """Every record, the header first. Slow; raises `csv.Error` at a record that cannot be told from the next."""
    pending: list[str] = []
    with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        reader = csv.reader(_keep(opened, pending), strict=True, delimiter=file.delimiter)
        line = 1
        for cells in reader:
            yield _CsvRecord(line, cells, "".join(pending))
            pending.clear()
            line = reader.line_num + 1


def _keep(lines: Iterator[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def _places(file: Input, rows: Sequence[int]) -> list[str]:
    """The lines that rows begin on: not their numbers, where a quoted cell goes over several lines. One walk."""
    wanted, lines = set(rows), {}
    try:
        for row, record in enumerate(_walk(file)):
            if row in wanted:
                lines[row] = record.line
                if len(lines) == len(wanted):
                    break
    except csv.Error:
        pass
    return [_place(row, lines.get(row)) for row in rows]


def _place(row: int, line: int | None) -> str:
    if row == 0:
        return "line 1"
    return f"row {row}" if line is None else f"row {row} (line {line})"
