"""From a path to a table: is it there, what format is it, and is it well-formed."""

from enum import StrEnum
from pathlib import Path

from laurels.exchange.csv_table import csv_columns, open_csv
from laurels.exchange.ndjson_table import open_ndjson
from laurels.exchange.parquet_table import open_parquet
from laurels.exchange.refusals import refuse, refuse_access, shown
from laurels.exchange.table import Table


class Format(StrEnum):
    """What a file can be."""

    CSV = "csv"
    PARQUET = "parquet"
    NDJSON = "ndjson"


_ENDINGS = {".csv": Format.CSV, ".parquet": Format.PARQUET, ".ndjson": Format.NDJSON, ".jsonl": Format.NDJSON}
_OPENERS = {Format.CSV: open_csv, Format.PARQUET: open_parquet, Format.NDJSON: open_ndjson}


def format_of(path: Path, override: str | None = None) -> Format:
    """The format that `override` names, else the one that the ending tells. Raises `FileRefused` on an unknown one."""
    if override is not None:
        if override not in set(Format):
            raise refuse(str(path), f"the format {shown(override)} is not known; known: {', '.join(Format)}")
        return Format(override)
    if path.suffix.lower() not in _ENDINGS:
        raise refuse(
            str(path), f"its ending does not tell the format; known: {', '.join(_ENDINGS)}; or name the format"
        )
    return _ENDINGS[path.suffix.lower()]


def check_readable(path: Path) -> None:
    """Raise `FileRefused` where there is no file with something in it that may be read."""
    try:
        if path.is_dir():
            raise refuse(str(path), "is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise refuse(str(path), "is not a regular file; save it as one first")
        with path.open("rb") as file:
            if not file.read(1):
                raise refuse(str(path), "is empty")
    except OSError as error:
        raise refuse_access(path, error) from error
    except ValueError as error:  # a NUL in the name
        raise refuse(str(path), "is not the name of a file") from error


def open_table(path: Path, file_format: Format) -> Table:
    """A file as a table. Costs a pass over a CSV or an NDJSON, the footer of a Parquet; raises `FileRefused`."""
    try:
        return _OPENERS[file_format](path)
    except OSError as error:
        raise refuse_access(path, error) from error


def describe(path: Path, override: str | None = None) -> str:
    """The format and the columns of a file in one line. Costs the header of a CSV; else as much as opening it."""
    file_format = format_of(path, override)
    check_readable(path)
    columns = csv_columns(path) if file_format is Format.CSV else open_table(path, file_format).columns
    return f"{file_format} with the columns {', '.join(map(shown, columns))}"
