"""A disk under SQLite that forgets what was not synced, and dies on command.

What SQLite writes lies in a real file, which is what every process of the machine sees at once. Beside it is kept what
the disk holds for certain, the content at the last sync, and what was written since. When the power fails, of that any
sectors may be on the disk, in any combination: that is what losing and reordering writes comes to. What was synced is
there. When one process dies, nothing that it wrote is lost.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import apsw
from tests.simulation.scheduler import LIFE, Life

SYSTEM = apsw.vfs_names()[0]
"""The file layer that does the work."""

SECTOR = 512
"""A disk writes so many bytes whole or not at all."""

LUCK = (0.0, 0.0, 0.5, 0.9, 1.0)
"""How likely a sector that was not synced is on the disk; one of these for each power failure."""

_names = count()


class Died(BaseException):
    """The process that was at the disk just then is no more."""


class Stored:
    """A file: its content at the last sync, and what was done to it since; a cut has no bytes.

    `named`: whether its name is on the disk for certain, which the first sync sees to.
    """

    def __init__(self, synced: bytes, *, named: bool) -> None:
        self.synced = bytearray(synced)
        self.pending: list[tuple[int, bytes | None]] = []
        self.named = named

    def sync(self) -> None:
        """Everything that was done is on the disk."""
        for at, written in self.pending:
            if written is None:
                del self.synced[at:]
            else:
                _put(self.synced, at, written)
        self.pending.clear()
        self.named = True

    def after_power_loss(self, rng: random.Random, luck: float) -> bytearray:
        """What may be left of it."""
        content = bytearray(self.synced)
        for at, written in self.pending:
            if written is None:
                if rng.random() < luck:
                    del content[at:]
                continue
            for start in range(0, len(written), SECTOR):
                if rng.random() < luck:
                    _put(content, at + start, written[start : start + SECTOR])
        return content


class Disk(apsw.VFS):
    """The default file layer until it is unregistered. `path` is the ledger, which a power failure moves; `meanwhile`
    lets others go on while something is written.
    """

    def __init__(self, folder: Path, image: bytes, rng: random.Random, meanwhile: Callable[[], None]) -> None:
        super().__init__(f"forgetful-{next(_names)}", SYSTEM, makedefault=True)
        self._dice = rng
        self._folder = folder
        self._meanwhile = meanwhile
        self._lives = count()
        self._left: int | None = None
        self._refusals: list[bool] = []
        self._strike: Callable[[Life], None] = lambda _life: None
        self._deleted: dict[str, Stored] = {}
        self.files: dict[str, Stored] = {}
        self._fill({"laurels.db": image})

    def xOpen(self, name: Any, flags: list[int]) -> "File":  # noqa: N802 - SQLite's name
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        life = LIFE.get()
        if life is not None and not life.alive:
            return
        self.touch(life)
        super().xDelete(filename, syncdir)
        stored = self.files.pop(filename, None)
        if stored is not None and stored.named and not syncdir:
            self._deleted[filename] = stored
        self.touch(life)

    def xRandomness(self, numbytes: int) -> bytes:  # noqa: N802
        return self._dice.randbytes(numbytes)

    def stored(self, path: str) -> Stored:
        """The file at a path, made where there is none."""
        return self.files.setdefault(path, Stored(b"", named=False))

    def strike_after(self, touches: int, strike: Callable[[Life], None]) -> None:
        """Call `strike` with whoever is at the disk, just before or just after it is changed so many times from now."""
        self._left, self._strike = touches, strike

    def strike_never(self) -> None:
        """What was to strike does not, and the disk obeys."""
        self._left = None
        self._refusals.clear()

    def refuse(self, pattern: list[bool], strike: Callable[[Life], None]) -> None:
        """Of the next writes and syncs, refuse those for which `pattern` says so: a disk that is full, or failing. What
        makes a disk fail often goes on to `strike` soon after.
        """
        self._refusals, self._strike = pattern[::-1], strike

    def obey(self, refusal: type[apsw.Error]) -> None:
        """Called before a write or a sync. Raises `refusal` where the disk does not do it."""
        if self._refusals and self._refusals.pop():
            if self._left is None and self._dice.random() < 0.4:
                self._left = self._dice.choice((0, 0, 1, 5))
            raise refusal("the disk does not do it")

    def touch(self, life: Life | None) -> None:
        """Something is about to change, or just did. Raises `Died` where this was one too many."""
        if life is None:
            return
        if self._left is not None:
            self._left -= 1
        strikes = self._left is not None and self._left < 0
        if self._dice.random() < (0.5 if strikes else 0.02):
            self._meanwhile()
        if not life.alive:  # what struck meanwhile, struck its whole process: it commits nothing any more
            raise Died
        if strikes:
            self._left = None
            self._strike(life)
            raise Died

    def synced(self, path: str, stored: Stored) -> None:
        """A file was synced, and its name with it: what bore that name before does not come back."""
        stored.sync()
        self._deleted.pop(path, None)

    def lose_power(self) -> None:
        """Go on with what is left, at a new `path`. Whoever has files open must be dead."""
        luck = self._dice.choice(LUCK)
        left: dict[str, bytes] = {}
        for path, stored in self._deleted.items():
            if self._dice.random() >= luck:
                left[Path(path).name] = bytes(stored.after_power_loss(self._dice, luck))
        for path, stored in self.files.items():
            if stored.named or self._dice.random() < luck:
                left[Path(path).name] = bytes(stored.after_power_loss(self._dice, luck))
        self._left = None
        self._fill(left)

    def _fill(self, contents: dict[str, bytes]) -> None:
        folder = self._folder / f"{next(self._lives)}"
        folder.mkdir()
        self.path = folder / "laurels.db"
        self.files.clear()
        self._deleted.clear()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            self.files[str(folder / name)] = Stored(content, named=True)


class File(apsw.VFSFile):
    """An open file. What a dead process does to it does not happen, and SQLite is told so: a commit that it took for
    written would be told to the others by the index in shared memory, which is no file of this disk.
    """

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk = disk
        self._path: str | None = path  # None: for sorting, on no disk
        self._stored = Stored(b"", named=False) if path is None else disk.stored(path)
        self._life = LIFE.get()
        super().__init__(SYSTEM, name, writable(flags))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._is_dead():
            raise Died
        self._disk.touch(self._life)
        self._disk.obey(apsw.FullError)
        super().xWrite(data, offset)
        self._stored.pending.append((offset, bytes(data)))
        self._disk.touch(self._life)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if self._is_dead():
            raise Died
        self._disk.touch(self._life)
        super().xTruncate(newsize)
        self._stored.pending.append((newsize, None))
        self._disk.touch(self._life)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """The real file is not synced: only this run looks at it."""
        if self._is_dead():
            raise Died
        self._disk.touch(self._life)
        self._disk.obey(apsw.IOError)
        if self._path is not None:
            self._disk.synced(self._path, self._stored)
        self._disk.touch(self._life)

    def _is_dead(self) -> bool:
        return self._life is not None and not self._life.alive


def writable(flags: list[int]) -> list[int]:
    """The flags with which to open a file, whoever asks. A reader that closes last tries a lock that it may not have:
    SQLite expects that, apsw takes it for an error.
    """
    return [flags[0] & ~apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_READWRITE, flags[1]]


def let_go(connections: list[apsw.Connection]) -> None:
    """Close what a dead process had open, as the system does it: no rollback is written, no log folded in."""
    for connection in connections:
        with suppress(apsw.Error, Died):
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        with suppress(apsw.Error, Died):
            connection.close(force=True)
    connections.clear()


def _put(content: bytearray, at: int, written: bytes) -> None:
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(written)] = written
