"""Copies of a ledger's file, by SQLite's own backup: whole, of one moment, while others go on writing."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import apsw

from laurels.engines.sqlite.connection import Database, wrapped
from laurels.engines.sqlite.schema import LATEST, version_of
from laurels.errors import FileRefused, LedgerUnavailable

DRAFTS = ".laurels-draft-"
"""How the names of folders begin that hold what is not finished."""


def write_copy(path: Path, copy: Path) -> None:
    """Write a copy that is one file, readable by its owner alone, over whatever `copy` is. Raises `LedgerUnavailable`
    where it is damaged.
    """
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    with wrapped(), closing(Database(path, read_only=True)) as db, closing(apsw.Connection(str(copy))) as target:
        with target.backup("main", db.connection, "main") as backup:
            backup.step()
        target.pragma("journal_mode", "delete")  # no log beside it: it can be read where nothing can be written
        found = [what for [what] in target.execute("PRAGMA integrity_check(1)") if what != "ok"]
    if found:
        raise LedgerUnavailable(f"The ledger's copy is damaged ({found[0]}). Nothing was changed; `laurels verify` it.")


@contextmanager
def drafts_in(folder: Path) -> Iterator[Path]:
    """A folder in this one for what is not finished, for its owner alone; thrown away at the end, with all in it. What
    killed processes left of theirs, a whole ledger maybe, goes first: nobody has it locked. Raises `OSError`.
    """
    import fcntl  # noqa: PLC0415 - not made for Windows

    for left in folder.glob(f"{DRAFTS}*"):
        with suppress(OSError), _opened(left) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
    made, descriptor = _locked_folder(folder)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


def _locked_folder(folder: Path) -> tuple[Path, int]:
    """A new folder in this one, and the descriptor that locks it. Another process that begins at this moment may have
    thrown it away before it was locked: then there is another one.
    """
    import fcntl  # noqa: PLC0415 - not made for Windows

    while True:
        made = Path(tempfile.mkdtemp(prefix=DRAFTS, dir=folder))
        with suppress(FileNotFoundError):
            descriptor = os.open(made, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if made.exists():
                return made, descriptor
            os.close(descriptor)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def put_in_place(draft: Path, target: Path) -> None:
    """Give a finished draft its name, never over something that is there. Raises `FileRefused`."""
    try:
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces.
        target.hardlink_to(draft)
    except FileExistsError as error:
        raise FileRefused(f"{target} is there already, and nothing is written over it.") from error
    except OSError as error:
        raise FileRefused(f"{target} cannot be made: {error.strerror}") from error


def remove_draft(draft: Path) -> None:
    """Remove a draft, and what SQLite made beside it."""
    for path in (draft, *draft.parent.glob(f"{draft.name}-*"), *draft.parent.glob(f"{draft.name}.*")):
        with suppress(OSError):
            path.unlink()


def names_key_of(path: Path) -> bytes | None:
    """What a ledger's file knows its key of the proxy names by; None where it was shown none. Raises `ForeignFile`,
    `LedgerUnavailable`, `SchemaTooNew`, and `FileRefused` where it is no ledger yet.
    """
    with wrapped(), closing(Database(path, read_only=True)) as db:
        version = version_of(db.connection)
        if version == 0:
            raise FileRefused(f"{path} is empty.")
        key: bytes | None = db.value("read_names_key") if version == LATEST else None
        return key
