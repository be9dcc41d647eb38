"""What the rest of this package sees of a file of rows, whatever its format."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl
from msgspec import Struct

POLARS_FAILED = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises on a file that it cannot read. A panic of its Rust side is no `Exception`, so it is named here."""


class Table(Struct, frozen=True):
    """A well-formed file of rows, `height` of them, at least one.

    `select` reads columns under new names (new name -> column). `places` says where rows are, rows counted from 1 and
    given in ascending order; it costs at most one walk over the file.
    """

    file: str
    columns: tuple[str, ...]
    height: int
    select: Callable[[Mapping[str, str]], pl.DataFrame]
    places: Callable[[Sequence[int]], list[str]]


def by_number(rows: Sequence[int]) -> list[str]:
    """Where rows are in a file that has no lines."""
    return [f"row {row}" for row in rows]
