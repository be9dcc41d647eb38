"""Exports: standings and entries, as CSV, NDJSON or Parquet by the ending, perhaps with `.gz` behind it.

An export appears all at once: it is written in a hidden folder beside its place and moved there at the end, so one that
breaks off leaves what was there before. Some tens of thousands of rows are in memory, however many there are.
"""

import asyncio
import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from laurels.exchange.refusals import refuse, refuse_access, shown
from laurels.exchange.table import POLARS_FAILED
from laurels.model import Entry

STANDARD_OUTPUT = Path("-")

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

_Row = Sequence[Any]


FURTHER_COLUMNS = {
    "amount": _TEXT,
    "currency": _TEXT,
    "channel": _TEXT,
    "actor": _TEXT,
    "note": _TEXT,
    "loyalty_id": _TEXT,
}
"""Columns of entries on request. The channel is that of the order's content, as long as that is kept."""

Further = Callable[[Entry], Awaitable[dict[str, Any]]]
"""Gives the further columns of an entry."""


async def write_standings(
    path: Path,
    chunks: AsyncIterable[Sequence[tuple[Any, ...]]],
    *,
    names: bool = False,
    format_name: str | None = None,
) -> int:
    """Write a board, given in order as (member_id, points, rank, position), and with `names` a proxy name behind them;
    return how many rows that were. `-` is standard output, as CSV; `format_name` overrides the ending.

    Raises `FileRefused` where the ending is not known, or the file cannot be written; whatever `chunks` raises goes
    through. In each case the file stays as it was.
    """
    schema = pl.Schema({**_STANDINGS, "name": _TEXT}) if names else _STANDINGS
    return await _write(path, schema, chunks, format_name)


async def write_entries(
    path: Path,
    chunks: AsyncIterable[Sequence[Entry]],
    *,
    columns: Sequence[str] = (),
    further: Further | None = None,
    format_name: str | None = None,
) -> int:
    """Write entries in the given order; return how many. What is absent is an empty cell. `columns` of
    `FURTHER_COLUMNS` follow the usual ones; `further` gives them. Raises as the above does.
    """
    schema = pl.Schema({**_ENTRIES, **{column: FURTHER_COLUMNS[column] for column in columns}})

    async def rows() -> AsyncIterator[Sequence[_Row]]:
        async for entries in chunks:
            rows = []
            for entry in entries:
                more = await further(entry) if further is not None else {}
                rows.append((*_entry_row(entry), *(more.get(column) for column in columns)))
            yield rows

    return await _write(path, schema, rows(), format_name)


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


async def write_table(
    path: Path, columns: Mapping[str, type[str] | type[int]], rows: Sequence[_Row], *, format_name: str | None = None
) -> int:
    """Write rows of texts and whole numbers under these columns; return how many. Raises as the above does."""

    async def chunks() -> AsyncIterator[Sequence[_Row]]:
        yield rows

    return await write_rows(path, columns, chunks(), format_name=format_name)


async def write_rows(
    path: Path,
    columns: Mapping[str, type[str] | type[int]],
    chunks: AsyncIterable[Sequence[Sequence[Any]]],
    *,
    format_name: str | None = None,
) -> int:
    """The same of rows that come piece by piece."""
    schema = pl.Schema({name: _TEXT if kind is str else _WHOLE for name, kind in columns.items()})
    return await _write(path, schema, chunks, format_name)


async def parquet_of(
    columns: Mapping[str, type[str] | type[int]], chunks: AsyncIterable[Sequence[Sequence[Any]]]
) -> bytes:
    """A Parquet file of rows that come piece by piece. The whole file is in memory, some 20 bytes a row."""
    with tempfile.TemporaryDirectory(prefix="laurels-") as folder:
        path = Path(folder, "rows.parquet")
        await write_rows(path, columns, chunks)
        return await asyncio.to_thread(path.read_bytes)


async def _write(path: Path, schema: pl.Schema, chunks: AsyncIterable[Sequence[_Row]], format_name: str | None) -> int:
    to_stdout = path == STANDARD_OUTPUT
    with _refusing(path):
        export_type, packed = _kind_of(path, format_name)
        path = path if to_stdout else _destination(path)
        parent = None if to_stdout else path.parent
        folder = tempfile.TemporaryDirectory(prefix=f".{path.name[:100]}.", dir=parent)
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
            written = _pack(export.finish()) if packed else export.finish()
            if to_stdout:
                with written.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.flush()
            else:
                _move(written, path)
    return rows


def _kind_of(path: Path, format_name: str | None) -> "tuple[type[_Export], bool]":
    """What kind of file this is to be, and whether packed."""
    packed = path.suffix.lower() == ".gz"
    ending = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    if format_name is not None:
        ending = f".{format_name}"
    elif path == STANDARD_OUTPUT:
        ending = ".csv"
    if ending not in _EXPORTS:
        raise refuse(str(path), f"an export's ending is {', '.join(_EXPORTS)}, or one of these and .gz")
    return _EXPORTS[ending], packed


def _destination(path: Path) -> Path:
    if path.exists() and not path.is_file():  # looked at as it is named: what /dev/stdout leads to has no path
        raise refuse(str(path), "is not a regular file; name another one")
    return path.resolve()


def _pack(plain: Path) -> Path:
    """The file compressed, with nothing of when that was in it: the same again has the same bytes."""
    packed = plain.with_suffix(".gz")
    with (
        plain.open("rb") as read,
        packed.open("wb") as written,
        gzip.GzipFile(filename="", mode="wb", fileobj=written, mtime=0) as pack,
    ):
        shutil.copyfileobj(read, pack)
    return packed


class _Export(Protocol):
    """A file that is written piece by piece, in a folder of its own."""

    def __init__(self, folder: Path) -> None: ...

    def add(self, piece: pl.DataFrame) -> None:
        """Write further rows; the first call may have none."""
        ...

    def finish(self) -> Path:
        """The whole file."""
        ...


class _CsvExport:
    """UTF-8, commas, LF, a final newline, quotes only where needed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "export.csv"

    def add(self, piece: pl.DataFrame) -> None:
        first = not self._path.exists()
        with self._path.open("ab") as file:
            _with_texts(piece).write_csv(file, include_header=first, quote_style="necessary")

    def finish(self) -> Path:
        return self._path


class _NdjsonExport:
    """An object on every line, each with every column."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "export.ndjson"

    def add(self, piece: pl.DataFrame) -> None:
        with self._path.open("ab") as file:
            _with_texts(piece).write_ndjson(file)

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


_EXPORTS: dict[str, type[_Export]] = {".csv": _CsvExport, ".ndjson": _NdjsonExport, ".parquet": _ParquetExport}


def _with_texts(piece: pl.DataFrame) -> pl.DataFrame:
    """Instants as the wire has them."""
    return piece.with_columns(_as_rfc3339(pl.col(name)) for name, dtype in piece.schema.items() if dtype == _INSTANT)


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
