"""What the rest of this package sees of a file of rows, whatever its format."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl
from msgspec import Struct

from laurels.exchange.refusals import refuse

POLARS_FAILED = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises on a file that it cannot read. A panic of its Rust side is no `Exception`, so it is named here."""


SLICE_ROWS = 250_000
"""About as many rows are read at once. More are no faster, and take more memory: a row of texts is some 200 bytes."""


class Table(Struct, frozen=True):
    """A well-formed file of rows, `height` of them, at least one.

    `slices` reads columns under new names (new name -> column), some of the rows at a time, in their order. `places`
    says where rows are, rows counted from 1 and given in ascending order; it costs at most one walk over the file.
    """

    file: str
    columns: tuple[str, ...]
    height: int
    slices: Callable[[Mapping[str, str]], Iterator[pl.DataFrame]]
    places: Callable[[Sequence[int]], list[str]]

    def select(self, wanted: Mapping[str, str]) -> pl.DataFrame:
        """All rows at once."""
        return pl.concat(self.slices(wanted))


def by_number(rows: Sequence[int]) -> list[str]:
    """Where rows are in a file that has no lines."""
    return [f"row {row}" for row in rows]


def lazy_slices(file: str, height: int, lazy: pl.LazyFrame, wanted: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """The slices of a file that polars reads as it goes, `height` rows in all, else it raises `FileRefused` at the end:
    where Ctrl-C is to be ignored, as behind `&` in a script, polars hears it nevertheless, and the slices just end.
    """
    named = lazy.select(pl.col(column).alias(name) for name, column in wanted.items())
    read = 0
    for frame in named.collect_batches(chunk_size=SLICE_ROWS, maintain_order=True):
        read += frame.height
        yield frame
    if read != height:
        why = "it changed, or reading was broken off. Nothing of it was taken: import it again"
        raise refuse(file, f"has {height:,} rows, of which {read:,} were read: {why}")
