"""Exports: standings and entries, as CSV or Parquet by the ending.

An export appears all at once: it is written in a hidden folder beside its place and moved there at the end, so one that
breaks off leaves what was there before. Some tens of thousands of rows are in memory, however many there are.
"""

import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from laurels.exchange.refusals import refuse, refuse_access, shown
from laurels.exchange.table import POLARS_FAILED
from laurels.model import Entry

_ROWS_AT_ONCE = 50_000
_INSTANT = pl.Datetime("us", "UTC")
_TEXT, _WHOLE = pl.String(), pl.Int64()
_STANDINGS = pl.Schema({"member_id": _TEXT, "points": _WHOLE, "rank": _WHOLE, "position": _WHOLE})
_ENTRIES = pl.Schema(
    {
        "shard": _WHOLE,
        "position": _WHOLE,
        "kind": _TEXT,
        "member_id": _TEXT,
        "source": _TEXT,
        "order_id": _TEXT,
        "refund_id": _TEXT,
        "points": _WHOLE,
        "reason": _TEXT,
        "program_version": _WHOLE,
        "occurred_at": _INSTANT,
        "recorded_at": _INSTANT,
    }
)

_Row = tuple[Any, ...]


async def write_standings(path: Path, chunks: AsyncIterable[Sequence[tuple[str, int, int, int]]]) -> int:
    """Write a board, given in order as (member_id, points, rank, position); return how many rows that were.

    Raises `FileRefused` where the ending is neither .csv nor .parquet, or the file cannot be written; whatever
    `chunks` raises goes through. In each case the file stays as it was.
    """
    return await _write(path, _STANDINGS, chunks)


async def write_entries(path: Path, chunks: AsyncIterable[Sequence[Entry]]) -> int:
    """Write entries in the given order; return how many. What is absent is an empty cell. Raises as the above does."""

    async def rows() -> AsyncIterator[list[_Row]]:
        async for entries in chunks:
            yield [_entry_row(entry) for entry in entries]

    return await _write(path, _ENTRIES, rows())


def _entry_row(entry: Entry) -> _Row:
    return (
        entry.shard,
        entry.position,
        entry.kind.value,
        entry.member_id,
        entry.source,
        entry.order_id,
        entry.refund_id,
        entry.points,
        entry.reason or None,
        entry.program_version,
        entry.occurred_at,
        entry.recorded_at,
    )


async def _write(path: Path, schema: pl.Schema, chunks: AsyncIterable[Sequence[_Row]]) -> int:
    with _refusing(path):
        path, export_type = _destination(path)
        folder = tempfile.TemporaryDirectory(prefix=f".{path.name[:100]}.", dir=path.parent)
    with folder as name:
        export = export_type(Path(name))
        rows = 0
        async for piece in _in_pieces(chunks):
            rows += len(piece)
            with _refusing(path):
                export.add(pl.DataFrame(piece, schema=schema, orient="row"))
        with _refusing(path):
            if rows == 0:
                export.add(pl.DataFrame(schema=schema))
            _move(export.finish(), path)
    return rows


def _destination(path: Path) -> "tuple[Path, type[_CsvExport] | type[_ParquetExport]]":
    path = path.resolve()
    if path.suffix.lower() not in _EXPORTS:
        raise refuse(str(path), f"an export's ending is {' or '.join(_EXPORTS)}")
    if path.exists() and not path.is_file():
        raise refuse(str(path), "is not a regular file; name another one")
    return path, _EXPORTS[path.suffix.lower()]


class _CsvExport:
    """UTF-8, commas, LF, a final newline, quotes only where needed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "export.csv"

    def add(self, piece: pl.DataFrame) -> None:
        first = not self._path.exists()
        instants = [pl.col(name) for name, dtype in piece.schema.items() if dtype == _INSTANT]
        with self._path.open("ab") as file:
            piece.with_columns(map(_as_rfc3339, instants)).write_csv(
                file, include_header=first, quote_style="necessary"
            )

    def finish(self) -> Path:
        return self._path


class _ParquetExport:
    """Pieces in files of their own, joined at the end without holding them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pieces: list[Path] = []

    def add(self, piece: pl.DataFrame) -> None:
        self._pieces.append(self._folder / f"{len(self._pieces)}.parquet")
        piece.write_parquet(self._pieces[-1])

    def finish(self) -> Path:
        whole = self._folder / "export.parquet"
        pl.scan_parquet(self._pieces, glob=False).sink_parquet(whole)
        return whole


_EXPORTS: dict[str, type[_CsvExport] | type[_ParquetExport]] = {".csv": _CsvExport, ".parquet": _ParquetExport}


async def _in_pieces(chunks: AsyncIterable[Sequence[_Row]]) -> AsyncIterator[list[_Row]]:
    piece: list[_Row] = []
    async for chunk in chunks:
        piece.extend(chunk)
        if len(piece) >= _ROWS_AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece


def _as_rfc3339(instant: pl.Expr) -> pl.Expr:
    """As `format_instant` does it: with as many fraction digits as are needed."""
    return instant.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f").str.strip_chars_end("0").str.strip_suffix(".") + "Z"


def _move(written: Path, path: Path) -> None:
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(path)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refuse_access(path, error, "be written") from error
    except POLARS_FAILED as error:  # polars wraps what the system said; that comes last
        raise refuse(str(path), f"cannot be written: {shown(str(error).rpartition(': ')[2].lower(), 120)}") from error
