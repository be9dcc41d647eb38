"""The process that draws charts: a program of its own, which knows nothing of Laurels but what is asked of it.

It reads specifications and writes pictures, each behind its length, until its standard input ends: so it ends with who
started it. Run by its path, it loads the library and nothing else.
"""

import sys
from contextlib import suppress
from io import FileIO
from typing import BinaryIO

import vl_convert

LENGTH_BYTES = 4


def draw_all(asked: BinaryIO, drawn: FileIO) -> None:
    """Draw what is asked for, one after the other. What cannot be drawn is answered by nothing."""
    while head := asked.read(LENGTH_BYTES):
        spec = asked.read(int.from_bytes(head, "big")).decode()
        try:
            picture = vl_convert.vegalite_to_svg(spec).encode()
        except ValueError:
            picture = b""
        drawn.write(len(picture).to_bytes(LENGTH_BYTES, "big") + picture)


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # who asked has ended meanwhile
        draw_all(sys.stdin.buffer, FileIO(sys.stdout.fileno(), "wb", closefd=False))
