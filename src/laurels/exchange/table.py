"""What the rest of this package sees of a file of rows, whatever its format."""

from collections.abc import Callable, Mapping

import polars as pl
from msgspec import Struct

from laurels.errors import FileRefused
from laurels.exchange.refusals import refuse_cell

POLARS_FAILED = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises on a file that it cannot read. A panic of its Rust side is no `Exception`, so it is named here."""


class Table(Struct, frozen=True):
    """A well-formed file of rows, `height` of them, at least one.

    `select` reads columns under new names (new name -> column). `place` says where a row is, rows counted from 1.
    """

    file: str
    columns: tuple[str, ...]
    height: int
    select: Callable[[Mapping[str, str]], pl.DataFrame]
    place: Callable[[int], str]

    def refuse(self, row: int, column: str | None, why: str) -> FileRefused:
        """The refusal of this file for what stands in one row."""
        return refuse_cell(self.file, self.place(row), column, why)
