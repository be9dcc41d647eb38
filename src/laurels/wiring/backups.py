"""Backups: a copy of the ledger in one file, the keys apart from it, and the way back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from laurels.awarding import published_recount
from laurels.backup_note import BackupNote, note_backup, note_restore
from laurels.clock import Clock
from laurels.dashboard.names import load_key
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.copying import (
    drafts_in,
    names_key_of,
    put_in_place,
    write_copy,
)
from laurels.errors import AnotherNamesKey, FileRefused, ForeignFile, LedgerDamaged, LedgerUnavailable, SettingsError
from laurels.keyfile import check_folder, make_folder, read_secret, write_once
from laurels.ledger import Counts, Heads, NameNumbers, Progress
from laurels.settings import Settings
from laurels.wiring.ledgers import check_there, is_on_server, ledger_path, old_rules
from laurels.wiring.owner import check_owner

NAMES_KEY = "names.key"


class Copied(Struct, frozen=True, kw_only=True):
    """A ledger that was copied: what it holds, when its last entry was recorded, what waits in it, and the key files
    that belong to it.
    """

    heads: Heads
    entries: int
    recorded_at: int
    counts: Counts
    keys: tuple[Path, ...]


def key_files(settings: Settings) -> tuple[Path, ...]:
    """The key files that Laurels made or is told of: that of the names first. They are no part of a backup."""
    names = settings.names_key_path
    return (names, *sorted(path for path in settings.state.glob("*.key") if path != names))


async def back_up(settings: Settings, target: Path, keys: Path | None, now: Clock, progress: Progress) -> Copied:
    """Copy the ledger to a file, while others go on writing, and check the copy; `keys` is a folder for the key files.

    Raises `FileRefused` where something is there already, `SettingsError`, `LedgerUnavailable`.
    """
    check_owner(settings.state)
    _check_in_file(
        settings,
        "back it up by pg_dump or pg_basebackup, and keep the key files apart (`laurels keys show`)",
    )
    await check_there(settings)
    names = NameNumbers(load_key(settings.names_key_path))
    if keys is not None:
        _check_free(settings, keys)
    with _draft(target) as draft:
        write_copy(ledger_path(settings), draft)
        entries = await _verified(draft, names, now, progress)
        copied = await _describe(draft, names, now, entries, key_files(settings))
        put_in_place(draft, target)
    with suppress(OSError):  # the backup is there all the same
        note_backup(settings.state, BackupNote(at=now(), entries=copied.entries))
    if keys is not None:
        _copy_keys(settings, copied.keys, keys)
    return copied


async def restore(settings: Settings, backup: Path, keys: Path | None, now: Clock, progress: Progress) -> Copied:
    """Put a copy in the place where a ledger is missing, checked, under another epoch. `keys` is a folder with key
    files, which are put beside it where they are missing.

    Raises `FileRefused` where there is a ledger, or another key; `SettingsError` where the names' key is missing or
    not the ledger's; `LedgerUnavailable`.
    """
    check_owner(settings.state)
    _check_in_file(
        settings, "restore it by pg_restore or from its base backup; another epoch begins by itself when it is reached"
    )
    path = ledger_path(settings)
    _check_place(path, backup)
    brought = _keys_to_bring(settings, keys)
    with _telling_of(backup):
        names = _names_of(settings, brought, names_key_of(backup))
    make_folder(settings.state)
    check_folder(settings.state)
    with _draft(path) as draft:
        with _telling_of(backup):
            write_copy(backup, draft)
        SqliteLedger.migrate(draft, settings.ledger.shards, old_rules)
        entries = await _verified(draft, names, now, progress)
        ledger = SqliteLedger.open(draft, now, names=names)
        try:
            await ledger.begin_epoch()
        finally:
            await ledger.close()
        copied = await _describe(draft, names, now, entries, key_files(settings))
        for source, target in brought.items():
            _copy_key(source, target)
        put_in_place(draft, path)
    with suppress(OSError):  # it is restored all the same
        note_restore(settings.state, BackupNote(at=now(), entries=copied.entries))
    return copied


async def try_restore(settings: Settings, backup: Path, keys: Path | None, now: Clock, progress: Progress) -> Copied:
    """Restore a copy beside the ledger, in a folder that is thrown away, and note that it could be. The keys are those
    of this installation, or of the folder `keys`. Costs the space of the copy. Raises like `restore`.
    """
    check_owner(settings.state)
    with drafts_in(settings.state) as folder:
        trial = msgspec.structs.replace(settings, state=folder / "state")
        copied = await restore(trial, backup, settings.state if keys is None else keys, now, progress)
    note_restore(settings.state, BackupNote(at=now(), entries=copied.entries))
    return copied


@contextmanager
def _telling_of(backup: Path) -> Iterator[None]:
    """What is wrong with a file is told of the backup, and not as if it were the ledger."""
    try:
        yield
    except ForeignFile as error:
        raise FileRefused(f"{backup} is no ledger of Laurels. Nothing was restored.") from error
    except LedgerDamaged as error:
        raise FileRefused(
            f"{backup} is damaged ({error.__cause__}). Nothing was restored: take another backup."
        ) from error


def _check_in_file(settings: Settings, instead: str) -> None:
    if is_on_server(settings):
        raise SettingsError(f"The ledger is on a PostgreSQL server: {instead}.")


async def _describe(path: Path, names: NameNumbers, now: Clock, entries: int, keys: tuple[Path, ...]) -> Copied:
    ledger = SqliteLedger.read(path, now, names)
    try:
        heads, counts, recorded_at = await ledger.heads(), await ledger.counts(), await ledger.recorded_at()
    finally:
        await ledger.close()
    there = tuple(path for path in keys if path.exists())
    return Copied(heads=heads, entries=entries, recorded_at=recorded_at, counts=counts, keys=there)


async def _verified(path: Path, names: NameNumbers, now: Clock, progress: Progress) -> int:
    """How many entries a copy holds that is as a ledger has to be."""
    ledger = SqliteLedger.read(path, now, names)
    checked = 0
    try:
        async for step in ledger.verify(await published_recount(ledger)):
            checked = step.checked
            progress(step.checked, step.total)
            for finding in step.findings:
                raise LedgerUnavailable(
                    f"The copy is not as a ledger has to be ({finding.where}: {finding.what}), and was not kept. "
                    "`laurels verify` names all of it."
                )
    finally:
        await ledger.close()
    return checked


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Where a file is written before it is put in its place. Raises `FileRefused`."""
    if target.exists():
        raise FileRefused(f"{target} is there already, and nothing is written over it.")
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(drafts_in(target.parent))
        except OSError as error:
            raise FileRefused(f"{target} cannot be written: {error.strerror}") from error
        yield folder / target.name


def _keys_to_bring(settings: Settings, keys: Path | None) -> dict[Path, Path]:
    """The key files of a folder that are not in their place yet, with that place."""
    if keys is None:
        return {}
    found = sorted(keys.glob("*.key"))
    if not found:
        raise FileRefused(f"There are no key files (*.key) in {keys}.")
    places = {path: settings.names_key_path if path.name == NAMES_KEY else settings.state / path.name for path in found}
    for path, place in places.items():
        if place.exists() and _secret(path) != _secret(place):
            raise FileRefused(f"{place} is there already, and is another key than {path}. Move one of them away.")
    return {path: place for path, place in places.items() if not place.exists()}


def _names_of(settings: Settings, brought: dict[Path, Path], known: bytes | None) -> NameNumbers:
    """What numbers the names of a ledger that is put back. Raises `SettingsError` where it is not its own."""
    place = settings.names_key_path
    path = next((source for source, target in brought.items() if target == place), place)
    if not path.exists():
        raise SettingsError(
            f"The key of the proxy names is no part of a backup, and {place} is missing: give the folder that has "
            f"{NAMES_KEY} with --keys. Nothing was restored."
        )
    names = NameNumbers(load_key(path))
    if known not in {None, names.fingerprint}:
        raise AnotherNamesKey(
            f"The names of this backup's members are under another key than {path}: give the folder that has theirs "
            "with --keys. Nothing was restored."
        )
    return names


def _check_place(path: Path, backup: Path) -> None:
    """A log that lies there without its ledger would be taken for the copy's."""
    log = path.with_name(f"{path.name}-wal")
    for there in (path, log):
        if there.exists() and (there == path or there.stat().st_size):
            raise FileRefused(f"{there} is there already: nothing is written over a ledger. Move it away first.")
    if not backup.is_file():
        raise FileRefused(f"There is no file {backup}.")


def _check_free(settings: Settings, keys: Path) -> None:
    for path in key_files(settings):
        place = keys / _name_of(settings, path)
        if place.exists() and path.exists() and _secret(path) != _secret(place):
            raise FileRefused(f"{place} is there already, and is another key. Nothing is written over it.")


def _name_of(settings: Settings, path: Path) -> str:
    return NAMES_KEY if path == settings.names_key_path else path.name


def _copy_keys(settings: Settings, paths: tuple[Path, ...], keys: Path) -> None:
    make_folder(keys)
    for path in paths:
        _copy_key(path, keys / _name_of(settings, path))


def _copy_key(path: Path, place: Path) -> None:
    try:
        write_once(place, _secret(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"The key file {place} cannot be written: {error}") from error


def _secret(path: Path) -> bytes:
    return read_secret(path, f"this installation ({path.name})")
