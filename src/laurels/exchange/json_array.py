"""JSON that is one array of objects, as interfaces answer: written out as NDJSON, an object on every line."""

import msgspec

from laurels.exchange.inputs import Input
from laurels.exchange.own_file import OwnFile
from laurels.exchange.refusals import refuse, shown

MAX_BYTES = 1 << 30
"""A JSON array is parsed as a whole, and takes about as much memory as it has bytes."""

_ON_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
"""Line ends between the parts of an object; in a text they are written as `\\n`."""


def as_lines(file: Input) -> Input:
    """The NDJSON that an array stands for. Costs the file in memory; raises `FileRefused`."""
    if file.path.stat().st_size > MAX_BYTES:
        raise refuse(file.name, f"is more than {MAX_BYTES >> 20:,} MiB in one array; save it as NDJSON")
    try:
        objects = msgspec.json.decode(file.path.read_bytes().removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(file.name, f"is not one JSON array of objects ({shown(str(error), 120)})") from error
    if not objects:
        raise refuse(file.name, "is an array without objects")
    lines = OwnFile()
    try:
        for each in objects:
            lines.file.write(bytes(each).translate(_ON_ONE_LINE) + b"\n")
        lines.file.flush()
    except BaseException:
        lines.remove()
        raise
    file.remove()
    return msgspec.structs.replace(file, path=lines.path, made=lines)
