"""The key behind the proxy names: where it is, that it is the ledger's own, and changing it."""

from pathlib import Path

from laurels import clock
from laurels.clock import Clock
from laurels.dashboard import ProxyNames
from laurels.dashboard.names import load_key, new_key_file
from laurels.errors import FileRefused, SettingsError
from laurels.keyfile import check_folder, make_folder, write_once
from laurels.ledger import NameNumbers
from laurels.settings import Settings
from laurels.wiring.ledgers import check_there, has_members, write_names_key
from laurels.wiring.owner import check_owner


async def open_names(settings: Settings) -> ProxyNames:
    """Proxy names under the configured key. Raises as `open_names_key` does."""
    return ProxyNames(await open_names_key(settings))


async def open_names_key(settings: Settings) -> bytes:
    """The key of proxy names and of sealed versions; the first start makes one under `state`. Raises `SettingsError`,
    also where it is missing and members bear names under it.
    """
    path = settings.names_key_path
    if settings.names.key_file is None and not path.exists():
        # Looked for again: another process may have made it meanwhile, and enrolled members after that.
        if await has_members(settings) and not path.exists():
            raise SettingsError(
                f"The key file of the proxy names, {path}, is missing, and the ledger's members are named by it. Put "
                "it back from where you keep it, or let `laurels keys change names` give all of them other names."
            )
        make_folder(settings.state)
        new_key_file(path)
    return load_key(path)


async def change_names_key(settings: Settings, key: Path | None, now: Clock = clock.now) -> Path:
    """Put another key in the place of the names' key, and let the ledger know it; gives that place. `key` is a file
    that holds it; None: a new one. What was there stays beside it (`names.key.old`). Broken off, it is finished by
    calling it again.

    Raises `SettingsError`, `FileRefused`, `LedgerMissing` and what opening a ledger raises.
    """
    check_owner(settings.state)
    check_folder(settings.state)
    await check_there(settings)
    place = settings.names_key_path
    draft, old = place.with_name(f"{place.name}.new"), place.with_name(f"{place.name}.old")
    if not draft.exists():
        if key is None:
            new_key_file(draft)
        else:
            _take(key, draft)
    await write_names_key(settings, NameNumbers(load_key(draft)), now)
    try:
        if place.exists():
            place.replace(old)
        draft.replace(place)
    except OSError as error:
        raise FileRefused(f"{place} cannot be replaced: {error.strerror}. Put {draft} in its place.") from error
    return place


def _take(key: Path, draft: Path) -> None:
    try:
        write_once(draft, load_key(key).hex() + "\n")
    except OSError as error:
        raise FileRefused(f"{draft} cannot be written: {error.strerror}") from error
