"""The console's own files: styles, scripts, icons. Read once."""

import hashlib
from importlib.resources import files

from msgspec import Struct

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class StaticFile(Struct, frozen=True):
    """A file as it is sent."""

    content: bytes
    media_type: str
    tag: str


def static_files() -> dict[str, StaticFile]:
    """Every file by its name."""
    found = {}
    for file in files("laurels.console").joinpath("static").iterdir():
        content = file.read_bytes()
        media_type = f"{_TYPES[file.name.rpartition('.')[2]]}; charset=utf-8"
        found[file.name] = StaticFile(content, media_type, f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"')
    return found
