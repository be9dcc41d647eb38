"""What an import left out, each row with its reasons, in a file that a person fixes from."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from laurels.exchange.faults import Fault
from laurels.exchange.refusals import refuse, refuse_access
from laurels.model.spreadsheets import defused

_HEADER = ("file", "row", "column", "value", "reason")


def write_rejects(to: Path, rejected: Sequence[tuple[Path, Sequence[Fault]]]) -> int:
    """Write the faults of files as CSV, for the owner's eyes alone; return how many rows were left out. It is opened in
    a spreadsheet, so what stands in the files is no formula there.

    Raises `FileRefused` where it cannot be written, and where something else is there already: perhaps what was read.
    """
    try:
        if to.is_file() and not _is_older(to):
            raise refuse(str(to), "is there, and is no list of rejects; name another file with --rejects")
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADER)
            for path, faults in rejected:
                writer.writerows(
                    [defused(cell) for cell in (str(path), fault.row, fault.column, fault.cell, fault.why)]
                    for fault in faults
                )
    except OSError as error:
        raise refuse_access(to, error, "be written") from error
    return sum(len({fault.row for fault in faults}) for _, faults in rejected)


def _is_older(path: Path) -> bool:
    """Whether a file is an older list of rejects, or empty."""
    first = (",".join(_HEADER) + "\n").encode()
    with path.open("rb") as file:
        return file.read(len(first)) in {first, b""}
