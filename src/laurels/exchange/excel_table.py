"""The sheets of a workbook as one table, through polars and fastexcel (the extra `laurels[excel]`)."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING
from zipfile import is_zipfile

import polars as pl
from msgspec import Struct

from laurels.exchange.inputs import Input
from laurels.exchange.mapping import nearest
from laurels.exchange.refusals import refuse, shown
from laurels.exchange.table import POLARS_FAILED, Table, by_number

if TYPE_CHECKING:
    from fastexcel import ExcelReader


class _Sheet(Struct):
    """A sheet with rows. `heading` is its first row: polars tells columns of one name apart by numbers behind them, so
    that the second would pass for another one.
    """

    name: str
    heading: tuple[str, ...]
    frame: pl.DataFrame


def open_excel(file: Input) -> Table:
    """The sheets of a workbook that are shown, one after the other: their first rows name the same columns. Where
    `file.sheet` names one, that one alone. Costs the sheets in memory.
    """
    if find_spec("fastexcel") is None:
        raise refuse(file.name, 'workbooks need the extra "excel": pip install "laurels[excel]"; or save it as CSV')
    if not is_zipfile(file.path):
        raise refuse(file.name, "is not a workbook (.xlsx)")
    try:
        sheets = _sheets(file)
        frame = _together(file, sheets)
    except POLARS_FAILED as error:
        raise _broken(file, error) from error
    columns = sheets[0].heading
    places = dict(zip(columns, frame.columns, strict=True))

    def slices(wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        yield frame.select(pl.col(places[column]).alias(name) for name, column in wanted.items())

    return Table(file.name, columns, frame.height, slices, lambda rows: _places(sheets, rows))


def _sheets(file: Input) -> list[_Sheet]:
    """Those that hold rows, at least one. A sheet of another heading is refused: nobody could say what it is."""
    import fastexcel  # noqa: PLC0415 - of an extra

    try:
        reader = fastexcel.read_excel(str(file.path))
        names = _wanted(file, reader)
        found = [sheet for name in names if (sheet := _sheet(file, name)) is not None]
    except fastexcel.FastExcelError as error:
        raise _broken(file, error) from error
    if not found:
        raise refuse(file.name, "has no rows")
    for sheet in found[1:]:
        if sheet.heading != found[0].heading:
            raise refuse(
                file.name,
                f"has other columns on its sheet {shown(sheet.name)} than on {shown(found[0].name)}; say which one "
                f"with --sheet {shown(found[0].name)}",
            )
    return found


def _wanted(file: Input, reader: "ExcelReader") -> list[str]:
    if file.sheet is None:
        return [
            name
            for name in reader.sheet_names
            if reader.load_sheet(name, n_rows=0, header_row=None).visible == "visible"
        ]
    if file.sheet not in reader.sheet_names:
        raise refuse(file.name, f"has no sheet {shown(file.sheet)}; {nearest(file.sheet, reader.sheet_names)}")
    return [file.sheet]


def _sheet(file: Input, name: str, texts: Sequence[str] = ()) -> _Sheet | None:
    """A sheet, of which `texts` are columns to be read as texts; None where it is empty."""
    frame = pl.read_excel(
        file.path,
        sheet_name=name,
        infer_schema_length=None,
        drop_empty_cols=False,
        raise_if_empty=False,
        schema_overrides=dict.fromkeys(texts, pl.String),
    )
    if frame.height == 0:
        return None
    first = pl.read_excel(
        file.path, sheet_name=name, has_header=False, infer_schema_length=0, read_options={"n_rows": 1}
    )
    names = [str(each) for each in first.row(0)] if first.height else []
    twice = {each for each in names if names.count(each) > 1}
    heading = [
        names[at] if at < len(names) and names[at] in twice else column for at, column in enumerate(frame.columns)
    ]
    return _Sheet(name, tuple(heading), frame)


def _together(file: Input, sheets: list[_Sheet]) -> pl.DataFrame:
    """One frame of all. A column of numbers on one sheet and of texts on another is one of texts, as it is where both
    stand on one sheet.
    """
    schemas = [sheet.frame.schema for sheet in sheets]
    mixed = [
        column for column in schemas[0] if len({schema[column] for schema in schemas if schema[column] != pl.Null}) > 1
    ]
    if mixed:
        again = [_sheet(file, sheet.name, mixed) for sheet in sheets]
        return pl.concat([sheet.frame for sheet in again if sheet is not None], how="vertical_relaxed")
    return pl.concat([sheet.frame for sheet in sheets], how="vertical_relaxed")


def _places(sheets: list[_Sheet], rows: Sequence[int]) -> list[str]:
    if len(sheets) == 1:
        return by_number(rows)
    ends = list(accumulate(sheet.frame.height for sheet in sheets))
    told = []
    for row in rows:
        at = bisect_left(ends, row)
        told.append(f"row {row - (ends[at - 1] if at else 0)} of the sheet {shown(sheets[at].name)}")
    return told


def _broken(file: Input, error: BaseException) -> Exception:
    return refuse(file.name, f"is a broken workbook ({shown(str(error).partition(chr(10))[0], 120)})")
