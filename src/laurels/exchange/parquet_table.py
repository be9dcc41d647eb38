"""Parquet as a table, with the types that its columns have."""

from collections.abc import Iterator, Mapping

import polars as pl

from laurels.errors import FileRefused
from laurels.exchange.inputs import Input
from laurels.exchange.refusals import refuse, shown
from laurels.exchange.table import POLARS_FAILED, Table, by_number, lazy_slices

_MAGIC = b"PAR1"


def open_parquet(file: Input) -> Table:
    """A Parquet file as a table. Costs its footer only; a column found broken later is refused when it is selected."""
    with file.path.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise refuse(file.name, "is not a Parquet file")
        opened.seek(-len(_MAGIC), 2)
        if opened.read() != _MAGIC:
            raise refuse(file.name, "is a Parquet file that is cut short; copy or write it again")
    lazy = pl.scan_parquet(file.path, glob=False, hive_partitioning=False)
    try:
        columns = tuple(lazy.collect_schema().names())
        height: int = lazy.select(pl.len()).collect().item()
    except POLARS_FAILED as error:
        raise _broken(file, error) from error
    if height == 0:
        raise refuse(file.name, "has no rows")

    def slices(wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        try:
            yield from lazy_slices(file.name, height, lazy, wanted)
        except POLARS_FAILED as error:
            raise _broken(file, error) from error

    return Table(file.name, columns, height, slices, by_number)


def _broken(file: Input, error: BaseException) -> FileRefused:
    return refuse(file.name, f"is a broken Parquet file ({shown(str(error).partition(chr(10))[0], 120)})")
