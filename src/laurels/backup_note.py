"""When the ledger was backed up last, noted beside it: a backup that nobody makes any more is to be seen."""

import os
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

_NAME = "backed-up.json"


class BackupNote(Struct, frozen=True, kw_only=True):
    """A backup that was made and checked: when, and how many entries it holds."""

    at: int
    entries: int


def note_backup(state: Path, note: BackupNote) -> None:
    """Note the last backup in the state folder, whole or not at all. Raises `OSError` where that cannot be written."""
    descriptor, draft_name = tempfile.mkstemp(prefix=f".{_NAME}.", dir=state)
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(note))
        draft.replace(state / _NAME)
    finally:
        draft.unlink(missing_ok=True)


def last_backup(state: Path) -> BackupNote | None:
    """The last backup of the ledger in this state folder; None where none is noted, or the note cannot be read."""
    try:
        return msgspec.json.decode((state / _NAME).read_bytes(), type=BackupNote)
    except (OSError, msgspec.MsgspecError):
        return None
