"""Copies of a ledger's file, by SQLite's own backup: whole, of one moment, while others go on writing."""

import os
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import apsw

from laurels.engines.sqlite.connection import Database, wrapped
from laurels.engines.sqlite.schema import LATEST, version_of
from laurels.errors import FileRefused, LedgerUnavailable


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


def draft_beside(target: Path) -> Path:
    """An empty file in the folder of `target`, for its owner alone, under a name of its own. Raises `FileRefused`."""
    if target.exists():
        raise FileRefused(f"{target} is there already, and nothing is written over it.")
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600
    except OSError as error:
        raise FileRefused(f"{target} cannot be written: {error.strerror}") from error
    os.close(descriptor)
    return Path(draft)


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
    finally:
        remove_draft(draft)


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
