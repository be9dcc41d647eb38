"""From what a person names to a plain file: packed ones are unpacked, other encodings become UTF-8, standard input is
kept, each in a file of its own that goes when nobody reads it any more.
"""

import codecs
import gzip
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from msgspec import Struct

from laurels.exchange.own_file import OwnFile
from laurels.exchange.refusals import refuse, refuse_access, shown

STANDARD_INPUT = Path("-")
_BLOCK_BYTES = 1 << 20


class Input(Struct, frozen=True):
    """A plain file. `name` is what it is called in messages, `suffix` the ending that tells its format, and `made` the
    file itself where it was made here. `delimiter` separates the cells of a CSV; `sheet` is the one of a
    workbook that is meant, None: all.
    """

    path: Path
    name: str
    suffix: str
    made: OwnFile | None = None
    delimiter: str = ","
    sheet: str | None = None

    def remove(self) -> None:
        """Remove what was made."""
        if self.made is not None:
            self.made.remove()


def open_input(path: Path, encoding: str | None = None) -> Input:
    """The plain file behind a path. Costs a copy where it is packed, of another encoding, or standard input; raises
    `FileRefused`.
    """
    if encoding is not None and not _is_encoding(encoding):
        why = f"the encoding {shown(encoding)} is not known; known are utf-8, latin-1, cp1252, utf-16, …"
        raise refuse(str(path), why)
    if path == STANDARD_INPUT:
        return _spooled("standard input", "", lambda: sys.stdin.buffer, encoding)
    check_readable(path)
    suffix = path.suffix.lower()
    inner = Path(path.stem).suffix.lower()
    if suffix == ".gz":
        return _spooled(str(path), inner, lambda: cast(IO[bytes], gzip.open(path)), encoding)
    if suffix == ".zip":
        return _from_zip(path, encoding)
    if encoding is not None:
        return _spooled(str(path), suffix, lambda: path.open("rb"), encoding)
    return Input(path, str(path), suffix)


def _is_encoding(name: str) -> bool:
    """Whether Python reads text so. It has codecs by name that are none of text (`hex`), or that only raise."""
    try:
        b" ".decode(name, errors="replace")  # of nothing at all not even the name is looked up
    except (LookupError, ValueError):
        return False
    return True


def check_readable(path: Path) -> None:
    """Raise `FileRefused` where there is no file with something in it that may be read."""
    try:
        if path.is_dir():
            raise refuse(str(path), "is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise refuse(str(path), "is not a regular file; save it as one first, or give - and feed it in")
        with path.open("rb") as file:
            if not file.read(1):
                raise refuse(str(path), "is empty")
    except OSError as error:
        raise refuse_access(path, error) from error
    except ValueError as error:  # a NUL in the name
        raise refuse(str(path), "is not the name of a file") from error


def _from_zip(path: Path, encoding: str | None) -> Input:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir() and "__MACOSX" not in info.filename]
            if len(members) != 1:
                raise refuse(str(path), f"holds {len(members)} files; one is needed")
            inner = members[0]
            return _spooled(str(path), Path(inner.filename).suffix.lower(), lambda: archive.open(inner), encoding)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise refuse(str(path), f"cannot be unpacked: {shown(str(error), 120)}") from error


def _spooled(name: str, suffix: str, source: Callable[[], IO[bytes]], encoding: str | None) -> Input:
    made = OwnFile()
    try:
        _copy(name, source, made.file, encoding)
    except BaseException:
        made.remove()
        raise
    return Input(made.path, name, suffix, made)


def _copy(name: str, source: Callable[[], IO[bytes]], to: IO[bytes], encoding: str | None) -> None:
    try:
        with source() as packed:
            size = sum(to.write(block) for block in _blocks(packed, encoding))
            to.flush()
    except UnicodeError as error:
        why = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        raise refuse(name, f"is not {shown(encoding or '')}: {shown(why, 120)}") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise refuse(name, f"cannot be unpacked: {shown(str(error), 120)}") from error
    if not size:
        raise refuse(name, "is empty")


def _blocks(packed: IO[bytes], encoding: str | None) -> Iterator[bytes]:
    decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)()
    while block := packed.read(_BLOCK_BYTES):
        yield block if decoder is None else decoder.decode(block).encode()
    if decoder is not None:
        yield decoder.decode(b"", final=True).encode()
