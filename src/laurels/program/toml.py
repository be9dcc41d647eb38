"""A program's text as TOML gives it, with bounds that no text can get round: what it costs to read is known before."""

import tomllib
from typing import Any

from laurels.errors import ProgramError
from laurels.program.mistakes import word_bad_toml

MAX_BYTES = 256 * 1024
"""Size of a program's text."""

BYTE_ORDER_MARK = "\ufeff"
"""What some editors begin a file with; it is no part of the program."""

_MOST_STEPS = 8_000_000


def load_toml(text: str) -> dict[str, Any]:
    """Read a program's text. Some hundred milliseconds at most. Raises `ProgramError` with one line.

    The reader's work and memory grow with the square of a key's parts: of one with 120,000 it made tuples of 50 GB. A
    key lies in one line, so it has no more parts than its line has dots.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ProgramError(f"The program is longer than {MAX_BYTES // 1024} KB")
    if sum(line.count(".") ** 2 for line in text.split("\n")) > _MOST_STEPS:
        raise ProgramError("The program has too many dots in a line: write long lists one value a line")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProgramError(word_bad_toml(error, text)) from error
