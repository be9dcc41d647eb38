"""The first sheet of a workbook as a table, through polars and fastexcel (the extra `laurels[excel]`)."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from zipfile import is_zipfile

import polars as pl

from laurels.exchange.inputs import Input
from laurels.exchange.refusals import refuse, shown
from laurels.exchange.table import POLARS_FAILED, Table, by_number


def open_excel(file: Input) -> Table:
    """A workbook's first sheet, whose first row names the columns. Costs the sheet in memory."""
    if find_spec("fastexcel") is None:
        raise refuse(file.name, 'workbooks need the extra "excel": pip install "laurels[excel]"; or save it as CSV')
    if not is_zipfile(file.path):
        raise refuse(file.name, "is not a workbook (.xlsx)")
    try:
        frame = pl.read_excel(file.path, engine="calamine", infer_schema_length=None, drop_empty_cols=False)
        first = pl.read_excel(
            file.path, engine="calamine", has_header=False, infer_schema_length=0, read_options={"n_rows": 1}
        )
    except (*POLARS_FAILED, Exception) as error:
        raise refuse(file.name, f"is a broken workbook ({shown(str(error).partition(chr(10))[0], 120)})") from error
    if frame.height == 0:
        raise refuse(file.name, "has no rows")

    # polars tells columns of one name apart by numbers behind them, so that the second would pass for another one.
    heading = [str(name) for name in first.row(0)] if first.height else []
    twice = {name for name in heading if heading.count(name) > 1}
    columns = tuple(
        heading[at] if at < len(heading) and heading[at] in twice else name for at, name in enumerate(frame.columns)
    )
    places = dict(zip(columns, frame.columns, strict=True))

    def slices(wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        yield frame.select(pl.col(places[column]).alias(name) for name, column in wanted.items())

    return Table(file.name, columns, frame.height, slices, by_number)
