"""Secrets that Laurels keeps in files: made once, whole, and for their owner alone."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from laurels.errors import SettingsError

_POSIX = os.name == "posix"


def read_secret(path: Path, title: str) -> bytes:
    """The bytes of a secret file; `title` says what it is in messages ("the proxy names").

    Raises `SettingsError`, saying what to do, for a file that is missing, cannot be read, or that others on the machine
    can read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode  # of the opened file: a path may change in between
            content = file.read()
    except FileNotFoundError as error:
        raise refusal(path, title, "does not exist. Copy it from a host that has it") from error
    except OSError as error:
        raise refusal(path, title, f"cannot be read: {error.strerror}") from error
    if _POSIX and mode & 0o077:
        raise refusal(path, title, f"can be read or written by others. Run: chmod 600 '{path}'")
    return content


def write_once(path: Path, text: str) -> None:
    """Make a file appear with all of its text, readable by its owner alone, unless there is one already.

    Many processes may do this at once: one file appears, whole and on the disk, and all of them read the same text.
    Raises `OSError` where it cannot be made. A process killed inside may leave an unused file `.NAME.*`.
    """
    descriptor, draft_path = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 and O_EXCL
    draft = Path(draft_path)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces: who comes second keeps the first one's file.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    _sync_directory(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, with those above it, unless it is there. Raises `SettingsError` where the
    system has no room for folders, as below /proc; else `OSError`.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileNotFoundError as error:  # those above are there, or were made
        raise SettingsError(f"The folder {path} cannot be made: its place takes none. Choose another one.") from error


def check_folder(path: Path) -> None:
    """Raise `SettingsError` where others on the machine may write into the state folder: they could put keys and boards
    of their own there before Laurels does. The group that the process itself runs as is not others.
    """
    if not _POSIX:
        return
    try:
        found = path.stat()
    except OSError:  # it is not there yet; who makes it says why it cannot
        return
    others = stat.S_IWOTH if found.st_gid == os.getegid() else stat.S_IWOTH | stat.S_IWGRP
    if found.st_mode & others:
        raise SettingsError(f"The state folder {path} can be written by others. Run: chmod go-w '{path}'")


def refusal(path: Path, title: str, reason: str) -> SettingsError:
    """The error that says which key file is no good, why, and what to do."""
    return SettingsError(f"The key file of {title}, {path}, {reason}.")


def _sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power loss, where the system lets one ask for that."""
    if not _POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
