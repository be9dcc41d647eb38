"""What may help where a file is refused: the option that an amount seems to need, and where its columns are named."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager

from laurels.errors import FileRefused
from laurels.exchange.faults import FaultyFile, LooksLike
from laurels.exchange.inputs import Input

_LOOKED_AT = 20
"""Rows in which the names of columns are looked for."""

_NUMBER = re.compile(r"[-+(]?[0-9][0-9.,']*[)%]?")
_GROUPED = re.compile(r"[0-9]{1,3}([.,' \u00a0\u2019\u202f])[0-9]{3}(?:\1[0-9]{3})*(?:([.,])[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})")
_SIGNED = re.compile(r"([^0-9.,()\s-][^0-9,()-]*?)\s?[0-9].*|[0-9].*?\s?([^0-9.,()\s-]+)")


def for_amount(cell: str) -> str:
    """The options that an amount seems to need, to stand behind what is wrong with it; else nothing. Whether a lone
    comma parts thousands or decimals nobody can tell from `1,234`, so both are named.
    """
    bare = cell.strip().strip("()").removeprefix("-").strip()
    options = []
    if signed := _SIGNED.fullmatch(bare):
        sign = (signed[1] or signed[2]).strip()
        options.append(f"--money-sign '{sign}'")
        bare = bare.replace(sign, "").strip()
    if _DECIMAL_COMMA.fullmatch(bare):
        options.append("--decimal ,")
    elif grouped := _GROUPED.fullmatch(bare):
        mark, decimal = grouped[1], grouped[2]
        if mark == "," and decimal is None and bare.count(",") == 1:
            either = "; is its comma a decimal mark (--decimal ,), or does it part thousands (--thousands ,)?"
            return f"{either} With {options[0]}" if options else either
        if mark != ".":
            options.append(f'--thousands "{mark}"')
        if decimal == ",":
            options += ["--thousands ."] * (mark == ".") + ["--decimal ,"]
    return f"; perhaps with {' '.join(options)}" if options else ""


@contextmanager
def of_titles(file: Input, *, is_text: bool) -> Iterator[None]:
    """Where a table in text is refused in this block, with what may be: that titles stand above its columns' names.
    Raises `FileRefused`.
    """
    try:
        yield
    except (FaultyFile, LooksLike):
        raise
    except FileRefused as refused:
        if is_text and (line := names_line(file)) is not None:
            more = f"; line {line} seems to name the columns: remove what stands above it"
            raise FileRefused(refused.message + more) from refused
        raise


def names_line(file: Input) -> int | None:
    """The line of a CSV that seems to name its columns, where titles stand above it; None: the first, or none does."""
    rows = []
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.reader(opened, delimiter=file.delimiter)
        try:
            line = 1
            for cells in reader:
                rows.append((line, [cell for cell in cells if cell.strip()]))
                line = reader.line_num + 1
                if len(rows) == _LOOKED_AT:
                    break
        except csv.Error:
            return None
    widest = max((len(cells) for _, cells in rows), default=0)
    if not rows or widest < 2 or len(rows[0][1]) == widest:  # noqa: PLR2004
        return None
    line, cells = next((line, cells) for line, cells in rows if len(cells) == widest)
    return None if any(_NUMBER.fullmatch(cell.strip()) for cell in cells) else line
