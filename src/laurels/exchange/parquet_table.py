"""Parquet as a table, with the types that its columns have."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from laurels.errors import FileRefused
from laurels.exchange.refusals import refuse, shown
from laurels.exchange.table import POLARS_FAILED, Table

_MAGIC = b"PAR1"


def open_parquet(path: Path) -> Table:
    """A Parquet file as a table. Costs its footer only; a column found broken later is refused when it is selected."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise refuse(str(path), "is not a Parquet file")
        file.seek(-len(_MAGIC), 2)
        if file.read() != _MAGIC:
            raise refuse(str(path), "is a Parquet file that is cut short; copy or write it again")
    lazy = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    try:
        columns = tuple(lazy.collect_schema().names())
        height: int = lazy.select(pl.len()).collect().item()
    except POLARS_FAILED as error:
        raise _broken(path, error) from error
    if height == 0:
        raise refuse(str(path), "has no rows")

    def select(wanted: Mapping[str, str]) -> pl.DataFrame:
        try:
            return lazy.select(pl.col(column).alias(name) for name, column in wanted.items()).collect()
        except POLARS_FAILED as error:
            raise _broken(path, error) from error

    return Table(str(path), columns, height, select, lambda row: f"row {row}")


def _broken(path: Path, error: BaseException) -> FileRefused:
    return refuse(str(path), f"is a broken Parquet file ({shown(str(error).partition(chr(10))[0], 120)})")
