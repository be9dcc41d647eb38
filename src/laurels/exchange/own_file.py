"""A file that a process makes for itself alone."""

import shutil
import tempfile
from pathlib import Path
from typing import IO

_DESCRIPTORS = Path("/proc/self/fd")


class OwnFile:
    """A file that its owner alone can read, and that goes with the process. On Linux it has no name, only a descriptor,
    so that one who is killed leaves none either: what customers' data it held would be found by nobody who erases.
    Elsewhere a descriptor cannot be opened by a path from its beginning.
    """

    path: Path
    """By which this process opens it, as often as it likes."""

    file: IO[bytes]
    """To write it; what is not flushed cannot be read."""

    def __init__(self) -> None:
        self._folder = None if _DESCRIPTORS.is_dir() else Path(tempfile.mkdtemp(prefix="laurels-"))
        if self._folder is None:
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `remove`
            self.path = _DESCRIPTORS / str(self.file.fileno())
        else:
            self.path = self._folder / "file"
            self.file = self.path.open("wb")

    def remove(self) -> None:
        """Let go of it; once more does no harm."""
        self.file.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
