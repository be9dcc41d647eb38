"""Where results are written: over an older file of results, and over nothing that somebody lives on."""

from pathlib import Path

from laurels.errors import SettingsError
from laurels.settings import Settings
from laurels.wiring.backups import key_files

_RESULTS = frozenset({".csv", ".ndjson", ".jsonl", ".parquet", ".gz"})
_DATABASE = b"SQLite format 3\0"


def check_target(to: Path, settings: Settings, option: str = "--to") -> None:
    """Raise `SettingsError` where `to` is there and is a folder, a pipe or a device, a ledger or a copy of one, a key,
    a program, a catalogue, or another file of the state directory than results: `--format csv` would write over it.
    """
    if str(to) == "-" or not to.exists():
        return
    if to.is_dir():
        raise SettingsError(f"{option} {to}: is a folder; name a file in it.")
    if not to.is_file():  # who opens a pipe to see what is in it waits for ever
        raise SettingsError(f"{option} {to}: is not a regular file; name another one.")
    own = (*key_files(settings), settings.program.file, settings.catalogue.file, settings.auth.keys_file)
    is_own = any(path is not None and path.exists() and to.samefile(path) for path in own)
    is_in_state = to.resolve().is_relative_to(settings.state.resolve()) and to.suffix.lower() not in _RESULTS
    if is_own or is_in_state or _is_database(to):
        raise SettingsError(f"{option} {to}: is there, and is no file of results; name another one.")


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_DATABASE)) == _DATABASE
    except OSError:  # who writes will say it
        return False
