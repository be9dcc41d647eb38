"""When the ledger was backed up last, and a backup restored last, noted beside it: what nobody does any more is to be
seen.
"""

import os
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

_BACKUP, _RESTORE = "backed-up.json", "restored.json"


class BackupNote(Struct, frozen=True, kw_only=True):
    """A backup that was made and checked, or restored: when, and how many entries it holds."""

    at: int
    entries: int


def note_backup(state: Path, note: BackupNote) -> None:
    """Note the last backup in the state folder, whole or not at all. Raises `OSError` where that cannot be written."""
    _write(state / _BACKUP, note)


def note_restore(state: Path, note: BackupNote) -> None:
    """Note the last backup that was restored, here or on trial. Raises as `note_backup`."""
    _write(state / _RESTORE, note)


def last_backup(state: Path) -> BackupNote | None:
    """The last backup of the ledger in this state folder; None where none is noted, or the note cannot be read."""
    return _read(state / _BACKUP)


def last_restore(state: Path) -> BackupNote | None:
    """The last backup that was restored here or on trial; None as for `last_backup`."""
    return _read(state / _RESTORE)


def _write(path: Path, note: BackupNote) -> None:
    descriptor, draft_name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(note))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> BackupNote | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=BackupNote)
    except (OSError, msgspec.MsgspecError):
        return None
