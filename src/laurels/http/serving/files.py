"""The pages and what they load: read and compressed once, when the application is put together.

A path is looked up among those of the files that are there, so none leads anywhere else. Browsers ask each time whether
what they have still holds: modules of two versions must not meet on one page.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from msgspec import Struct

import laurels
from laurels.http.api.dashboards import matches
from laurels.http.routes import Headers, Response

WEB = Path(laurels.__file__).parent / "web"

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Nothing else is served. `sending` adds the charset."""

_LINK = re.compile(rb'(?<= )(?:src|href)="(?=/)')
"""Before the path that a page loads or leads to."""

_FOR_OTHER_SITES = "elements"


class File(Struct, frozen=True):
    """A file as it is sent: plain or compressed, each form under a tag of its own."""

    plain: bytes
    compressed: bytes
    tag: str
    headers: dict[str, str]
    media_type: str


def read_files(pages: Mapping[str, str], prefix: str = "") -> dict[str, File]:
    """The files by the paths that they are served under: all below `/web`, the elements below `/elements` too, and
    `pages` where they say. What pages load and lead to is below `prefix`. Costs some 20 ms.
    """
    names = [path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.suffix in MEDIA_TYPES]
    files = {name: _read(name, prefix) for name in names}
    return {
        **{f"/web/{name}": file for name, file in files.items()},
        **{f"/{name}": file for name, file in files.items() if name.startswith(f"{_FOR_OTHER_SITES}/")},
        **{path: files[name] for path, name in pages.items()},
    }


def answer_file(file: File, headers: Headers) -> Response:
    """The file in the form that the client takes; 304 where it has it already."""
    is_compressed = _takes_gzip(headers.get(b"accept-encoding") or "")
    tag = f'"{file.tag}-gzip"' if is_compressed else f'"{file.tag}"'
    sent = headers.get(b"if-none-match")
    if sent is not None and matches(sent, tag):
        return Response(HTTPStatus.NOT_MODIFIED, b"", {**file.headers, "ETag": tag}, file.media_type)
    if is_compressed:
        encoded = {**file.headers, "ETag": tag, "Content-Encoding": "gzip"}
        return Response(HTTPStatus.OK, file.compressed, encoded, file.media_type)
    return Response(HTTPStatus.OK, file.plain, {**file.headers, "ETag": tag}, file.media_type)


def _read(name: str, prefix: str) -> File:
    plain = (WEB / name).read_bytes()
    if name.endswith(".html"):
        plain = _LINK.sub(rb"\g<0>" + prefix.encode("ascii"), plain)
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if name.startswith(f"{_FOR_OTHER_SITES}/"):
        # Browsers fetch modules for a page of another origin with this alone, and there is nothing secret in them.
        headers["Access-Control-Allow-Origin"] = "*"
    return File(
        plain,
        gzip.compress(plain, compresslevel=9, mtime=0),
        hashlib.sha256(plain).hexdigest()[:16],
        headers,
        MEDIA_TYPES[Path(name).suffix],
    )


def _takes_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight == "" or weight.strip("0.") != ""
    return False
