"""How a file is refused: one line that names the file, the row, the column, and what to do."""

from pathlib import Path

from laurels.errors import FileRefused

TWICE = "is given more than once"
"""What is wrong with a key that one JSON object has twice."""


def refuse(file: str, why: str) -> FileRefused:
    """The refusal of a whole file."""
    return FileRefused(f"{shown(file, 200)}: {why}")


def refuse_cell(file: str, place: str | None, column: str | None, why: str) -> FileRefused:
    """The refusal of a row, a column, or a cell where both are given; `place` says which row."""
    where = [place, None if column is None else f"column {shown(column)}"]
    return refuse(file, f"{', '.join(filter(None, where))}: {why}")


def refuse_access(path: Path, error: OSError, doing: str = "be read") -> FileRefused:
    """The refusal of a file that the system does not let us use."""
    return refuse(str(path), f"cannot {doing}: {(error.strerror or str(error)).lower()}")


def shown(text: str, most: int = 60) -> str:
    """A text from a file as it may stand in a one-line message: short, and without control characters."""
    cut = text if len(text) <= most else text[:most] + "…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]
