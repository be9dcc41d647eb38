"""NDJSON, a JSON object on every line: its lines, and flat objects as a table for a mapping to read."""

import codecs
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
import polars as pl

from laurels.errors import FileRefused
from laurels.exchange.inputs import Input
from laurels.exchange.refusals import TWICE, refuse, refuse_cell, shown
from laurels.exchange.table import Table, by_number
from laurels.model.repeated_keys import repeated_key

MAX_LINE_BYTES = 16_000_000
"""As much as the wire takes in one call; a longer line is not read into memory."""

MAX_COLUMNS = 10_000
_MONEY_KEYS = frozenset({"total", "amount", "unit_price"})
_BOOLEAN_ROLES = frozenset({"board", "quiet"})
_ROWS_AT_ONCE = 50_000

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read_lines(file: Input) -> Iterator[tuple[int, bytes]]:
    """Every line that says something, with its row's number: empty ones are no rows, as in what is sent by HTTP. Raises
    `FileRefused` at one that is too long.
    """
    with file.path.open("rb") as opened:
        number = 0
        if opened.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            opened.seek(0)
        while line := opened.readline(MAX_LINE_BYTES):
            number += bool(line.strip())
            if len(line) == MAX_LINE_BYTES:
                raise refuse_cell(file.name, f"row {number}", None, f"is longer than {MAX_LINE_BYTES:,} bytes")
            if line.strip():
                yield number, line


def refuse_line(file: Input, row: int, error: Exception) -> FileRefused:
    """The refusal of a line that is not the JSON that it should be."""
    if not isinstance(error, msgspec.ValidationError):
        return refuse_cell(
            file.name, f"row {row}", None, f"is not one JSON object on one line ({shown(str(error), 120)})"
        )
    message, _, where = str(error).partition(" - at `$")
    key = where.strip("`.")
    hint = '; money is a text such as "25.00"' if key.rpartition(".")[2] in _MONEY_KEYS else ""
    return refuse_cell(file.name, f"row {row}", key or None, shown(message, 120) + hint)


def open_ndjson(file: Input) -> Table:
    """A file of objects as a table of texts; the key `b` in an object `a` is the column `a.b`. Costs one pass for
    the names, another for each selection.
    """
    columns: dict[str, None] = {}
    height = 0
    for height, cells in _read_objects(file, strict=True):  # noqa: B007 (the last one counts)
        columns.update(dict.fromkeys(cells))
        if len(columns) > MAX_COLUMNS:
            raise refuse(file.name, f"has more than {MAX_COLUMNS:,} different keys")

    if not height:
        raise refuse(file.name, "is empty")

    def slices(wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        rows = (
            [_text(file, row, column, cells.get(column), role) for role, column in wanted.items()]
            for row, cells in _read_objects(file)
        )
        schema = dict.fromkeys(wanted, pl.String)
        while chunk := list(islice(rows, _ROWS_AT_ONCE)):
            yield pl.DataFrame(chunk, schema=schema, orient="row")

    return Table(file.name, tuple(columns), height, slices, by_number)


def _read_objects(file: Input, *, strict: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every row's cells; with `strict` a row with one key twice is refused."""
    for row, line in read_lines(file):
        try:
            cells = _flat(file, row, _decode(line))
            if strict and (twice := repeated_key(line)) is not None:
                raise refuse_cell(file.name, f"row {row}", twice, TWICE)
            yield row, cells
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse_line(file, row, error) from error


def _flat(file: Input, row: int, object_: dict[str, Any]) -> dict[str, Any]:
    """An object with those in it taken apart. It is as deep as a line can be, so no recursion. Raises `FileRefused`
    where two ways lead to one column.
    """
    if not any(isinstance(value, dict) for value in object_.values()):
        return object_
    flat: dict[str, Any] = {}
    pending = [("", object_)]
    while pending:
        before, inner = pending.pop()
        for key, value in inner.items():
            if isinstance(value, dict):
                pending.append((f"{before}{key}.", value))
            elif before + key in flat:
                raise refuse_cell(file.name, f"row {row}", before + key, TWICE)
            else:
                flat[before + key] = value
    return flat


def _text(file: Input, row: int, column: str, value: Any, role: str) -> str | None:
    """A cell as text; a number as Python writes it, which for a float is its shortest spelling."""
    if isinstance(value, bool) and role in _BOOLEAN_ROLES:
        return str(value).lower()
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise refuse_cell(file.name, f"row {row}", column, "must be a text or a number")
